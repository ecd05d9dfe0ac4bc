import { latencies } from '../../latencies.ts'
import type { Cluster } from '../cluster.ts'
import { orderVolume } from '../controllers/volumes.ts'
import { csiDriver, provisioner } from '../csi.ts'
import { now } from '../time.ts'
import { at, type Thing, type Tree, textAt, treeAt } from '../tree.ts'
import type { Bucket } from './bucket.ts'
import { opened, unpack } from './volume-bytes.ts'
import { struckOff } from './volumes.ts'

/** A claim that a restore made, and what its backup kept of its volume. */
interface Returning {
  claim: Thing
  info: Tree
  restore: Thing
  bucket: Bucket
}

/** Brings the bytes of one claim's volume back. @returns what went wrong, if something did */
export function bringVolume(cluster: Cluster, returning: Returning): Promise<string | undefined> {
  return returning.info.snapshotDataMoved === true
    ? download(cluster, returning)
    : Promise.resolve(offerSnapshot(cluster, returning))
}

/** The data mover's work: a new volume, filled from the bucket, then led to the claim. */
async function download(
  cluster: Cluster,
  { claim, info, restore, bucket }: Returning,
): Promise<string | undefined> {
  const { store, world } = cluster
  const { name: pvc, namespace = '' } = claim.metadata
  const key = textAt(info, 'snapshotDataMovementInfo', 'snapshotHandle')
  const name = `${restore.metadata.name}-${claim.metadata.uid.slice(0, 5)}`
  const labels = {
    'velero.io/restore-name': restore.metadata.name,
    'velero.io/async-operation-id': `dd-${name}`,
  }
  const targetVolume = { pvc, pv: '', namespace }
  const spec = { backupStorageLocation: 'default', snapshotID: key, sourceNamespace: namespace, targetVolume }
  store.create({
    apiVersion: 'velero.io/v2alpha1',
    kind: 'DataDownload',
    metadata: { name, namespace: 'velero', labels },
    spec: { ...spec, operationTimeout: '10m0s' },
  })
  const say = (status: Tree) => store.setStatus('DataDownload', 'velero', name, status)
  say({ phase: 'InProgress', startTimestamp: now(), progress: { totalBytes: 0, bytesDone: 0 } })
  try {
    const driver = csiDriver(cluster)
    const storage = store.find('StorageClass', undefined, textAt(claim, 'spec', 'storageClassName'))
    if (!driver || !storage) throw new Error('the CSI driver does not run')
    if ((await bucket.list(struckOff(key))).length > 0)
      throw new Error(`unable to get snapshot ${key}: snapshot not found`)
    const bytes = opened(cluster, key, await bucket.get(key))
    await world.latency(latencies.downloadVolume)
    if (textAt(store.get('DataDownload', 'velero', name), 'status', 'phase') !== 'InProgress')
      throw new Error('it was cancelled')
    const volume = await orderVolume(cluster, driver, claim, storage)
    await unpack(world.path('volumes', textAt(volume, 'spec', 'csi', 'volumeHandle')), bytes)
    const progress = { totalBytes: bytes.length, bytesDone: bytes.length }
    say({ phase: 'Completed', completionTimestamp: now(), progress })
    const claimRef = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name: pvc }
    // Velero gives the new volume the labels and the reclaim policy of the old one.
    const { reclaimPolicy, labels: kept } = treeAt(info, 'pvInfo')
    const persistentVolumeReclaimPolicy = reclaimPolicy ?? at(volume, 'spec', 'persistentVolumeReclaimPolicy')
    const metadata = {
      ...volume.metadata,
      labels: { ...volume.metadata.labels, ...treeAt({ kept }, 'kept') },
    }
    const spec = { ...treeAt(volume, 'spec'), claimRef, persistentVolumeReclaimPolicy }
    store.update({ ...volume, metadata, spec })
    return undefined
  } catch (error) {
    const message = `data path restore failed: ${(error as Error).message}`
    const live = cluster.isUp() && store.find('DataDownload', 'velero', name)
    if (live && textAt(live, 'status', 'phase') !== 'Canceled')
      say({ phase: 'Failed', message, completionTimestamp: now() })
    return `DataDownload of claim ${namespace}/${pvc}: ${message}`
  }
}

/** The snapshot at DigitalOcean, as the claim's data source: the CSI driver makes the volume from it. */
function offerSnapshot({ store }: Cluster, { claim, info }: Returning): string | undefined {
  const handle = textAt(info, 'csiSnapshotInfo', 'snapshotHandle')
  const name = textAt(claim, 'spec', 'dataSource', 'name')
  if (!handle) return undefined
  const { namespace } = claim.metadata
  const content = `snapcontent-${claim.metadata.uid}`
  store.create({
    apiVersion: 'snapshot.storage.k8s.io/v1',
    kind: 'VolumeSnapshotContent',
    metadata: { name: content },
    spec: {
      deletionPolicy: 'Retain',
      driver: provisioner,
      source: { snapshotHandle: handle },
      volumeSnapshotRef: { name, namespace },
    },
  })
  const source = { volumeSnapshotContentName: content }
  store.create({
    apiVersion: 'snapshot.storage.k8s.io/v1',
    kind: 'VolumeSnapshot',
    metadata: { name, namespace: namespace ?? '' },
    spec: { source },
  })
  return undefined
}
