import type { DigitalOcean } from './digitalocean.ts'

/** The time by DigitalOcean's clock: it judges what we sign, and is the same wherever a run takes place. */
export const cloudTime = (cloud: Pick<DigitalOcean, 'clockOffset'>): Date =>
  new Date(Date.now() + cloud.clockOffset())
