import type { Description } from './description.ts'
import { versionsOf } from './versions.ts'

/**
 * So many volumes one droplet takes, as far as no cluster is there to say it itself (in its CSINodes): DigitalOcean's 15;
 * the CSI driver before v4.18.0 took 7 unless it was told otherwise (its `--volume-limit`).
 */
export function volumesOfDroplet({ versions }: Pick<Description, 'versions'>): number {
  const [major = 0, minor = 0] = versionsOf(versions)
    ['csi-digitalocean'].replace(/^v/, '')
    .split('.')
    .map(Number)
  return major > 4 || (major === 4 && minor >= 18) ? 15 : 7
}

/**
 * How many of them claims may have: to copy a volume into the bucket takes one place more for a moment.
 * @param all how many the machine takes, where its driver says so
 */
export const placesForClaims = (
  wanted: Pick<Description, 'backups' | 'versions'>,
  all = volumesOfDroplet(wanted),
): number => (wanted.backups.volumes === 's3' ? all - 1 : all)
