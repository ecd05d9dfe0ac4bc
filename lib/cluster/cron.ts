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
  return fields.length === 5 && fields.every((field, index) => isField(field, bounds[index] ?? [0, 0]))
}

function isField(field: string, [least, most]: readonly [number, number]): boolean {
  return field.split(',').every((one) => {
    const found = /^(?:\*|(\d+)(?:-(\d+))?)(?:\/[1-9]\d*)?$/.exec(one)
    if (!found) return false
    const from = Number(found[1] ?? least)
    const to = Number(found[2] ?? from)
    return least <= from && from <= to && to <= most
  })
}
