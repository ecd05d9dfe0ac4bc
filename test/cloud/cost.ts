import { copyOf, dollars, hoursAMonth, prices } from '../../lib/cluster/prices.ts'

/** One thing that is billed, in dollars. */
export interface Cost {
  what: string
  amount: number
}

/** What the price depends on. */
export interface Terms {
  /** Dollars a month for a machine of the size that is used. */
  machine: number
  /** Hours that each machine is there; DigitalOcean bills each begun one whole. */
  hours: { first: number; restored: number; added: number }
  /** Whether Spaces’ monthly fee comes on top, because the account does not pay it already. */
  fee: boolean
}

/** What the machines are there for at most, when nothing is interrupted. */
export const plannedHours: Terms['hours'] = { first: 2, restored: 2, added: 1 }

/** Hours that each machine was there, as the steps took; one that was not removed counts to the end. */
export function hoursOf(steps: readonly { name: string; seconds: number }[]): Terms['hours'] {
  const between = (first: string, last: string) => {
    const from = steps.findIndex(({ name }) => name === first)
    if (from < 0) return 0
    const to = steps.findIndex(({ name }) => name === last)
    const own = steps.slice(from, to < 0 ? undefined : to + 1)
    return own.reduce((sum, one) => sum + one.seconds, 0) / 3600
  }
  return {
    first: between('bootstrap', 'wipe'),
    restored: between('restore', 'destroy'),
    added: between('scale out', 'scale in'),
  }
}

/** GiB of the sample’s volume. */
const gib = 1
/** Copies of it: by the bootstrap’s own backup and by the play’s. */
const backups = 2
/** What questions make for a moment: snapshots, and GiB of volumes. */
const asked = { snapshots: 5, gib: 5 }

/** What a play costs, thing by thing. */
export function costOf({ machine, hours, fee }: Terms): Cost[] {
  const begun = Object.values(hours).map(Math.ceil)
  const machines = begun.reduce((sum, one) => sum + one, 0)
  const volumes = Math.ceil(hours.first) + Math.ceil(hours.restored)
  const perHour = (monthly: number) => monthly / hoursAMonth
  return [
    { what: `droplets, ${machines} hours`, amount: perHour(machine) * machines },
    { what: `volume of ${gib} GiB, ${volumes} hours`, amount: perHour(prices.volumeGib * gib) * volumes },
    { what: `copies of it by ${backups} backups`, amount: copyOf(gib) * backups },
    {
      what: `${asked.snapshots} snapshots and ${asked.gib} GiB for questions`,
      amount: prices.snapshotLeast * asked.snapshots + perHour(prices.volumeGib * asked.gib),
    },
    { what: 'reserved IP, while it is assigned', amount: 0 },
    ...(fee ? [{ what: 'Spaces, a month (an account pays it once)', amount: prices.spaces }] : []),
  ]
}

/** The sum, rounded up to a cent. */
export const totalOf = (costs: readonly Cost[]): number =>
  Math.ceil(costs.reduce((sum, one) => sum + one.amount, 0) * 100 - 1e-9) / 100

/** The same for people, a line each. */
export const costText = (costs: readonly Cost[]): string[] => [
  ...costs.map(
    ({ what, amount }) =>
      `  ${what.padEnd(48)} ${amount > 0 && amount < 0.01 ? 'below $0.01' : dollars(amount)}`,
  ),
  `  ${'together, at most'.padEnd(48)} ${dollars(totalOf(costs))}`,
]
