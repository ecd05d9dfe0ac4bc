import type { Description } from './description.ts'

/**
 * So many volumes the CSI driver plugs into one droplet unless it is told otherwise (its `--volume-limit`, v4.16.0):
 * DigitalOcean itself takes 15. A living cluster says it itself, in its CSINodes.
 */
export const volumesOfDroplet = 7

/** How many of them claims may have: to copy a volume into the bucket takes one place more for a moment. */
export const placesForClaims = ({ backups }: Pick<Description, 'backups'>): number =>
  backups.volumes === 's3' ? volumesOfDroplet - 1 : volumesOfDroplet
