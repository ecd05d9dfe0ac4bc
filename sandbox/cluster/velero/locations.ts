import { type Cluster, runs } from '../cluster.ts'
import { type Controller, keyOf, split } from '../control.ts'
import { Refusal } from '../refusal.ts'
import { now } from '../time.ts'
import { type Thing, type Tree, textAt } from '../tree.ts'
import { type Bucket, bucketOf } from './bucket.ts'

const allowed = ['backups', 'restores', 'restic', 'metadata', 'plugins', 'kopia']

/** Whether the paper Velero runs: its Deployment does. */
export const veleroRuns = (cluster: Cluster) => runs(cluster, 'Deployment', 'velero', 'velero')

/** Checks storage locations by a signed request and brings the backups in the bucket into the cluster. */
export function locations(cluster: Cluster): Controller {
  const { store } = cluster
  const all = () => store.list('BackupStorageLocation', 'velero').map(keyOf)
  /** Velero looks once a minute. */
  const isDue = (location: Thing) =>
    Date.now() - Date.parse(textAt(location, 'status', 'lastValidationTime')) > 60_000
  return {
    keys: ({ kind, thing }) => {
      // Loading the S3 client takes a moment: better before a location waits for it.
      if (thing.metadata.name === 'velero' && kind.kind === 'Deployment' && all().length === 0)
        void import('@aws-sdk/client-s3')
      if (kind.kind === 'BackupStorageLocation') return [keyOf(thing)]
      return thing.metadata.namespace === 'velero' && /^(Deployment|Secret)$/.test(kind.kind) ? all() : []
    },
    reconcile: async (key) => {
      const location =
        store.kinds.has('BackupStorageLocation') && store.find('BackupStorageLocation', ...split(key))
      if (!location || !veleroRuns(cluster)) return
      const { name } = location.metadata
      const say = (status: Tree) => store.setStatus('BackupStorageLocation', 'velero', name, status)
      try {
        const bucket = await bucketOf(cluster, location)
        const folders = (await bucket.list('', true))
          .filter((one) => one.endsWith('/'))
          .map((one) => one.slice(0, -1))
        const foreign = folders.filter((folder) => !allowed.includes(folder))
        if (foreign.length > 0)
          throw new Error(`Backup store contains invalid top-level directories: [${foreign.join(' ')}]`)
        await syncBackups(cluster, location, bucket)
        if (textAt(location, 'status', 'phase') !== 'Available' || isDue(location))
          say({ phase: 'Available', message: '', lastValidationTime: now(), lastSyncedTime: now() })
      } catch (error) {
        const reason =
          error instanceof Error
            ? `${error.name === 'Error' ? '' : `${error.name}: `}${error.message}`
            : String(error)
        const message = `BackupStorageLocation "${name}" is unavailable: ${reason}`
        if (textAt(location, 'status', 'message') !== message || isDue(location))
          say({ phase: 'Unavailable', message, lastValidationTime: now() })
        throw new Refusal(503, 'Unavailable', message)
      }
    },
    poll: async () =>
      store
        .list('BackupStorageLocation', 'velero')
        .filter((one) => textAt(one, 'status', 'phase') && isDue(one))
        .map(keyOf),
    rests: (key) =>
      store
        .list('BackupStorageLocation', 'velero')
        .some((one) => keyOf(one) === key && textAt(one, 'status', 'phase') === 'Available' && !isDue(one)),
  }
}

/** The storage location of a name, or the default one. */
export function locationNamed({ store }: Cluster, name: string): Thing | undefined {
  const all = store.list('BackupStorageLocation', 'velero')
  return all.find((one) => (name ? one.metadata.name === name : (one.spec as Tree).default === true))
}

async function syncBackups({ store }: Cluster, location: Thing, bucket: Bucket): Promise<void> {
  const { name: storageLocation } = location.metadata
  const names = (await bucket.list('backups/', true)).flatMap(
    (key) => key.match(/^backups\/([^/]+)\/$/)?.[1] ?? [],
  )
  for (const name of names.filter((one) => !store.find('Backup', 'velero', one))) {
    const file = await bucket.get(`backups/${name}/velero-backup.json`).catch(() => undefined)
    if (!file) continue
    // One that cannot be read, or that the API refuses, keeps none of the others away (`backup_sync_controller.go`).
    try {
      const saved = JSON.parse(file.toString()) as Thing
      const labels = { ...saved.metadata.labels, 'velero.io/storage-location': storageLocation }
      const { annotations } = saved.metadata
      const metadata = { name, namespace: 'velero', labels, ...(annotations ? { annotations } : {}) }
      const spec = { ...(saved.spec as Tree), storageLocation }
      store.create({ ...saved, metadata, spec }, { status: true })
    } catch {}
  }
  // Backups that are gone from the bucket go from the cluster too.
  for (const backup of store.list('Backup', 'velero')) {
    const isIts = textAt(backup, 'spec', 'storageLocation') === storageLocation
    if (
      isIts &&
      /^(Completed|PartiallyFailed)$/.test(textAt(backup, 'status', 'phase')) &&
      !names.includes(backup.metadata.name)
    )
      store.remove('Backup', 'velero', backup.metadata.name)
  }
}
