/** The numbers that each field of a cron schedule may have: minute, hour, day, month, weekday (0 is Sunday). */
const bounds = [
  [0, 59],
  [0, 23],
  [1, 31],
  [1, 12],
  [0, 6],
] as const

/**
 * Whether a text is a cron schedule of five fields as Velero takes it (robfig/cron, standard parser); names of months
 * and days are left out. A schedule that Velero refuses would be found out only by the backups that are not made.
 */
export function isCron(text: string): boolean {
  const fields = text.split(' ')
  return fields.length === 5 && fields.every((field, index) => valuesOf(field, index) !== undefined)
}

/** How often a cron schedule comes on a day on which it comes at all. */
export function runsADay(schedule: string): number {
  const [minutes, hours] = schedule.split(' ').map(valuesOf)
  return (minutes?.size ?? 0) * (hours?.size ?? 0)
}

const day = 24 * 3600_000
/** Four years, which have every date there is. */
const days = 4 * 365 + 1
const firstDay = Date.UTC(2024, 0, 1)

/** How often a cron schedule comes in a month, on average and rounded. */
export const runsAMonth = (schedule: string): number =>
  Math.round((datesOf(schedule).length * runsADay(schedule)) / 48)

/** The days of four years on which a cron schedule comes, in milliseconds since 1970. */
function datesOf(schedule: string): number[] {
  const fields = schedule.split(' ')
  const values = (at: number) => [...(valuesOf(fields[at] ?? '', at) ?? [])]
  // As Velero's parser does: where neither field is a star, one of the two is enough.
  const isStar = (at: number) => fields[at]?.startsWith('*') === true
  const [dates, months, weekdays] = [values(2), values(3), values(4)]
  const comes = (on: Date) => {
    const [date, weekday] = [dates.includes(on.getUTCDate()), weekdays.includes(on.getUTCDay())]
    return (
      months.includes(on.getUTCMonth() + 1) && (isStar(2) || isStar(4) ? date && weekday : date || weekday)
    )
  }
  return Array.from({ length: days }, (_, index) => firstDay + index * day).filter((at) =>
    comes(new Date(at)),
  )
}

/** The longest pause between two times of a cron schedule, in milliseconds; of one that never comes, four years. */
export function longestGap(schedule: string): number {
  const fields = schedule.split(' ')
  const values = (at: number) => [...(valuesOf(fields[at] ?? '', at) ?? [])]
  const times = values(1)
    .flatMap((hour) => values(0).map((minute) => hour * 3600_000 + minute * 60_000))
    .toSorted((a, b) => a - b)
  const dated = datesOf(schedule)
  const start = dated[0]
  const [earliest = 0, latest = 0] = [times[0], times.at(-1)]
  if (start === undefined || times.length === 0) return days * day
  const within = times.slice(1).map((time, at) => time - (times[at] ?? 0))
  const between = [...dated.slice(1), start + days * day].map(
    (at, index) => at - (dated[index] ?? 0) + earliest - latest,
  )
  return [...within, ...between].reduce((most, one) => Math.max(most, one), 0)
}

/** The numbers that a field means; undefined when it is none. */
function valuesOf(field: string, index: number): Set<number> | undefined {
  const [least, most] = bounds[index] ?? [0, 0]
  const values = new Set<number>()
  for (const one of field.split(',')) {
    const found = /^(?:\*|(\d+)(?:-(\d+))?)(?:\/([1-9]\d*))?$/.exec(one)
    if (!found) return undefined
    const isRange = found[1] === undefined || found[2] !== undefined || found[3] !== undefined
    const from = Number(found[1] ?? least)
    const to = Number(found[2] ?? (isRange ? most : from))
    if (from < least || to > most || from > to) return undefined
    for (let value = from; value <= to; value += Number(found[3] ?? 1)) values.add(value)
  }
  return values
}
