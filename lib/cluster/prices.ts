/**
 * What DigitalOcean charges beside droplets, in dollars a month (https://www.digitalocean.com/pricing, read 2026-11;
 * the API tells only the sizes' prices). Volumes and snapshots are per GiB.
 */
export const prices = {
  spaces: 5,
  volumeGib: 0.1,
  snapshotGib: 0.06,
  loadBalancer: 12,
  reservedIpUnused: 5,
} as const

/** Dollars as people read them: `$12.00`, and `free` for nothing. */
export const dollars = (amount: number) => (amount === 0 ? 'free' : `$${amount.toFixed(2)}`)
