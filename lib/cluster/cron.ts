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
