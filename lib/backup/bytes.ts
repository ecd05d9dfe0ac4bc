import { command, kubectlHint } from '../base/hint.ts'
import type { Bucket } from '../clients/s3.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { kubeconfigPath } from '../kubernetes/kubeconfig.ts'
import type { Lack } from './backed.ts'
import type { BackedVolume } from './restore/volumes.ts'

/** Whether the bytes that backups tell of still lie where they were put. */
export interface Bytes {
  /** Why those of a volume are gone; undefined while they are there. */
  gone(volume: BackedVolume): Promise<Lack | undefined>
}

/**
 * One look at where bytes lie: what was moved in the bucket, one folder for each namespace (velero `GetRepoPrefix`), the
 * rest as snapshots at DigitalOcean. Each place is asked for once, and only when a volume is said to be there.
 */
export function bytesIn(bucket: Bucket, { cloud, name }: Pick<Cluster, 'cloud' | 'name'>): Bytes {
  const folders = new Map<string, Promise<boolean>>()
  let snapshots: Promise<ReadonlySet<string>> | undefined
  const isFilled = (namespace: string) => {
    const known =
      folders.get(namespace) ?? bucket.list(`kopia/${namespace}/`, 1).then((keys) => keys.length > 0)
    folders.set(namespace, known)
    return known
  }
  return {
    gone: async ({ claim, kept, snapshot = '' }) => {
      const [namespace = ''] = claim.split('/')
      if (kept === 's3')
        return (await isFilled(namespace))
          ? undefined
          : {
              why: `its bytes are gone: kopia/${namespace}/ in ${bucket.name} is empty`,
              cure: `Recover the content of the bucket. If you cannot, let Velero begin anew there (${kubectlHint(kubeconfigPath(name))`delete backuprepositories.velero.io -n velero -l ${`velero.io/volume-namespace=${namespace}`}`}), then take another backup: ${command('scripts/backup.mts')}`,
            }
      snapshots ??= cloud.volumeSnapshots().then((all) => new Set(all.map(({ id }) => id)))
      return (await snapshots).has(snapshot)
        ? undefined
        : {
            why: `its bytes are gone: snapshot ${snapshot} is not at DigitalOcean`,
            cure: `Is it the right account? A snapshot that was deleted is lost. Take another backup: ${command('scripts/backup.mts')}`,
          }
    },
  }
}
