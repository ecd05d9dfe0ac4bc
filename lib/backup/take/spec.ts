import { names } from '../../base/names.ts'
import { Problem } from '../../base/problem.ts'
import { cloudTime } from '../../clients/clock.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import type { BackupSpec } from './take.ts'

/**
 * What the flags of a backup mean: `--backup` its name (by default the cluster's and the time), `--volumes` where the
 * bytes go, `--ttl` how long it is kept (`30d`, `12h`).
 * @throws Problem (exit code 2) for a value that cannot be
 */
export function backupSpec(
  flags: { backup?: string | undefined; volumes?: string | undefined; ttl?: string | undefined },
  { name: cluster, cloud }: Pick<Cluster, 'name' | 'cloud'>,
): BackupSpec {
  const name = flags.backup ?? names.backup(cluster, cloudTime(cloud))
  if (!/^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/.test(name))
    throw refused(`“${name}” is not a name for a backup`, 'Take at most 63 of a-z, 0-9, - and .')
  const { volumes } = flags
  if (volumes !== undefined && volumes !== 's3' && volumes !== 'snapshot')
    throw refused(
      `--volumes ${volumes} is not known`,
      'Take s3 (into the bucket) or snapshot (at DigitalOcean).',
    )
  const hours = flags.ttl === undefined ? undefined : hoursOf(flags.ttl)
  return { name, ...(volumes ? { volumes } : {}), ...(hours ? { hours } : {}) }
}

function hoursOf(text: string): number {
  const [, amount = '', unit = ''] = /^(\d{1,5})(d|h)$/.exec(text) ?? []
  const hours = Number(amount) * (unit === 'd' ? 24 : 1)
  if (hours < 1)
    throw refused(`--ttl ${text} is not a time to keep a backup`, 'Write days or hours, such as 30d or 12h.')
  return hours
}

const refused = (message: string, cure: string) => new Problem(message, { cure, exitCode: 2 })
