import type { Description } from './description.ts'

/** DigitalOcean plugs this many volumes of the CSI driver into one droplet (its `--volume-limit`). */
export const volumesOfDroplet = 7

/** How many of them claims may have: to copy a volume into the bucket takes one place more for a moment. */
export const placesForClaims = ({ backups }: Pick<Description, 'backups'>): number =>
  backups.volumes === 's3' ? volumesOfDroplet - 1 : volumesOfDroplet
