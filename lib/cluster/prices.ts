/**
 * What DigitalOcean charges beside droplets, in dollars a month (https://www.digitalocean.com/pricing, read 2026-11;
 * the API tells only the sizes' prices). Volumes and snapshots are per GiB.
 */
export const prices = {
  spaces: 5,
  volumeGib: 0.1,
  snapshotGib: 0.06,
  /** What the shortest-lived snapshot costs, once. */
  snapshotLeast: 0.01,
  loadBalancer: 12,
  reservedIpUnused: 5,
} as const

/** DigitalOcean bills by the hour up to 672 a month, each begun one whole. */
export const hoursAMonth = 672

/** What it costs to copy a volume into the bucket: a snapshot and a volume made of it, for an hour each. */
export const copyOf = (gib: number): number =>
  Math.max(prices.snapshotLeast, (gib * prices.snapshotGib) / hoursAMonth) +
  (gib * prices.volumeGib) / hoursAMonth

/** Dollars as people read them: `$12.00`, and `free` for nothing. */
export const dollars = (amount: number) => (amount === 0 ? 'free' : `$${amount.toFixed(2)}`)
