import type { Cluster } from '../cluster.ts'
import { csiDriver, type Driver, provisioner } from '../csi.ts'
import { Refusal } from '../refusal.ts'
import { suffix } from '../store.ts'
import { now } from '../time.ts'
import { at, type Thing, type Tree, textAt, treeAt } from '../tree.ts'
import type { Bucket } from './bucket.ts'
import { type Item, optOut, type Selected } from './contents.ts'
import { moved } from './data-upload.ts'
import { cleaned, marked } from './kept-claim.ts'
import { patiently } from './patiently.ts'
import { isCopiedFromPods, podVolumes } from './pod-volumes.ts'
import { askForClaims, isSkippedByPolicy } from './resource-policy.ts'

/** What became of the volumes of a backup. */
export interface Saved {
  /** The backup's objects: claims as Velero keeps them, without those that failed, and what was made for them. */
  items: Item[]
  /** Entries of `volumeinfo.json.gz`. */
  infos: Tree[]
  /** Velero's words; any makes the backup partially failed. */
  errors: string[]
}

/** What one claim gives. */
export interface Kept {
  thing: Thing
  info?: Tree
  more?: Item[]
  /** Why its data is not in the backup, by Velero's way of saving. */
  skipped?: Record<string, string>
  error?: string
}

const unsatisfied = 'not satisfy the criteria for VolumePolicy or the legacy snapshot way'

/** Saves the volumes of all claims in a backup. */
export async function saveVolumes(
  cluster: Cluster,
  backup: Thing,
  { items, optedOut }: Selected,
  bucket: Bucket,
): Promise<Saved> {
  const saved: Saved = { items: [], infos: [], errors: [] }
  const volumes = new Map<string, Thing>()
  for (const { kind, thing } of items)
    if (kind.kind === 'PersistentVolume') volumes.set(thing.metadata.name, thing)
  const skipped = new Map<string, Record<string, string>>()
  const skip = (name: string, why: Record<string, string>) =>
    skipped.set(name, { ...skipped.get(name), ...why })
  for (const [name, volume] of volumes)
    if (treeAt(backup, 'spec').snapshotVolumes === false) skip(name, { volumeSnapshot: unsatisfied })
    else if (!at(volume, 'spec', 'csi'))
      skip(name, { volumeSnapshot: 'no applicable volumesnapshotter found' })
  for (const { kind, metadata, spec } of optedOut)
    skip(kind === 'PersistentVolume' ? metadata.name : textAt(spec, 'volumeName'), {
      any: `item has label ${optOut}=true`,
    })
  for (const item of items) {
    const name = textAt(item.thing, 'spec', 'volumeName')
    try {
      if (item.kind.kind !== 'PersistentVolumeClaim') {
        askForClaims(cluster, backup, item.thing)
        saved.items.push(item)
        continue
      }
      const kept = await keep(cluster, backup, cleaned(item.thing, backup.metadata.name), bucket)
      saved.items.push({ kind: item.kind, thing: kept.thing }, ...(kept.more ?? []))
      if (kept.error) saved.errors.push(kept.error)
      if (kept.skipped) skip(name, kept.skipped)
      else skipped.delete(name)
      if (kept.info && volumes.has(name)) saved.infos.push(kept.info)
    } catch (error) {
      // The object itself is not in the backup then.
      if (!(error instanceof Refusal)) throw error
      if (item.kind.kind === 'PersistentVolume') skipped.delete(item.thing.metadata.name)
      saved.errors.push(error.message)
    }
  }
  const pods = podVolumes(cluster, backup, items)
  saved.errors.push(...pods.errors)
  for (const [name, why] of Object.entries(pods.skipped)) skip(name, { podvolume: why })
  for (const name of pods.taken) skipped.delete(name)
  const left = [...skipped].flatMap(([name, why]) => {
    const volume = volumes.get(name)
    return volume
      ? [{ ...described(volume), snapshotDataMoved: false, skipped: true, skippedReason: told(why) }]
      : []
  })
  saved.infos = [...left, ...saved.infos, ...pods.infos]
  return saved
}

const told = (why: Record<string, string>) =>
  Object.entries(why)
    .sort()
    .map(([way, reason]) => `${way}: ${reason};`)
    .join('')

/** What every entry of `volumeinfo.json.gz` says of its volume. */
function described(volume: Thing): Tree {
  const { name, namespace } = treeAt(volume, 'spec', 'claimRef')
  return {
    ...(name ? { pvcName: name, pvcNamespace: namespace } : {}),
    pvName: volume.metadata.name,
    pvInfo: {
      reclaimPolicy: textAt(volume, 'spec', 'persistentVolumeReclaimPolicy'),
      labels: volume.metadata.labels ?? {},
    },
  }
}

/** Keeps a claim and its data. @throws Refusal with Velero's words where the real one leaves the claim out with an error */
async function keep(cluster: Cluster, backup: Thing, claim: Thing, bucket: Bucket): Promise<Kept> {
  const { store } = cluster
  const { name, namespace = '' } = claim.metadata
  const volume = store.find('PersistentVolume', undefined, textAt(claim, 'spec', 'volumeName'))
  const failed = (why: string) =>
    new Refusal(
      422,
      'Invalid',
      `error executing custom action (groupResource=persistentvolumeclaims, namespace=${namespace}, name=${name}): ${why}`,
    )
  if (isSkippedByPolicy(cluster, backup, claim))
    return { thing: claim, skipped: { any: 'skipped due to resource policy ' } }
  if (!textAt(claim, 'spec', 'volumeName'))
    throw failed(`PVC ${namespace}/${name} has no volume backing this claim`)
  const phase = textAt(claim, 'status', 'phase')
  if (phase !== 'Bound')
    throw failed(`PVC ${namespace}/${name} is in phase ${phase} and is not bound to a volume`)
  if (!volume)
    throw failed(`failed to get PV ${textAt(claim, 'spec', 'volumeName')} for PVC ${namespace}/${name}`)
  if (treeAt(backup, 'spec').snapshotVolumes === false || isCopiedFromPods(cluster, backup, claim))
    return { thing: claim, skipped: { volumeSnapshot: unsatisfied } }
  const className = at(claim, 'spec', 'storageClassName')
  if (typeof className !== 'string')
    throw failed(`Cannot snapshot PVC ${namespace}/${name}, PVC has no storage class.`)
  if (!at(volume, 'spec', 'csi'))
    return { thing: claim, skipped: { csiSnapshot: "skipped b/c it's not a CSI volume" } }
  const storage = store.find('StorageClass', undefined, className)
  if (!storage)
    throw failed(`error getting storage class: storageclasses.storage.k8s.io "${className}" not found`)
  const driver = csiDriver(cluster)
  const snapshotClass = snapshotClassFor(cluster, String(storage.provisioner))
  if (!snapshotClass)
    throw failed(
      `failed to get VolumeSnapshotClass for StorageClass ${className}: error getting VolumeSnapshotClass: failed to get VolumeSnapshotClass for provisioner ${storage.provisioner}: no class has the label velero.io/csi-volumesnapshot-class`,
    )
  if (!driver || textAt(volume, 'spec', 'csi', 'driver') !== provisioner)
    throw failed(`timed out waiting for the snapshot of PVC ${namespace}/${name}: no CSI driver makes it`)
  return snapshotted(cluster, backup, { claim, volume, driver, snapshotClass, bucket })
}

/** Velero takes the class of the storage class' provisioner that carries its label. */
const snapshotClassFor = ({ store }: Cluster, driver: string) =>
  store
    .list('VolumeSnapshotClass')
    .find(
      (one) =>
        one.driver === driver && one.metadata.labels?.['velero.io/csi-volumesnapshot-class'] === 'true',
    )

/** A claim with what its snapshot is made of. */
export interface Source {
  claim: Thing
  volume: Thing
  driver: Driver
  snapshotClass: Thing
  bucket: Bucket
}

async function snapshotted(cluster: Cluster, backup: Thing, source: Source): Promise<Kept> {
  const { claim, volume, driver } = source
  const id = textAt(volume, 'spec', 'csi', 'volumeHandle')
  const wish = {
    name: `snapshot-${backup.metadata.uid.slice(0, 8)}-${claim.metadata.uid}`,
    tags: driver.tags,
  }
  const order = () => driver.cloud.call('POST', `volumes/${id}/snapshots`, wish)
  const snapshot = treeAt(await patiently(order, textAt(backup, 'spec', 'csiSnapshotTimeout')), 'snapshot')
  const startTimestamp = now()
  const vs = `velero-${claim.metadata.name}-${suffix()}`
  const common = { ...described(volume), backupMethod: 'CSISnapshot', skipped: false, startTimestamp }
  if (treeAt(backup, 'spec').snapshotMoveData === true)
    return { ...(await moved(cluster, backup, source, { snapshot, vs, common })) }
  const size = Number(snapshot.min_disk_size ?? 0) * 2 ** 30
  return {
    thing: marked(claim, backup.metadata.name, vs),
    info: {
      ...common,
      snapshotDataMoved: false,
      preserveLocalSnapshot: true,
      result: 'succeeded',
      csiSnapshotInfo: { snapshotHandle: snapshot.id, driver: provisioner, size, vscName: wish.name },
      completionTimestamp: now(),
    },
  }
}

/** What says in a kopia repository that a snapshot is struck off, whatever comes back of its bytes. */
export const struckOff = (key: string) => `${key}.struck-off`

/** Removes what was kept of volumes: snapshots at DigitalOcean, bytes in the bucket. */
export async function forgetVolumes(cluster: Cluster, infos: readonly Tree[], bucket: Bucket): Promise<void> {
  for (const info of infos) {
    const snapshot = textAt(info, 'csiSnapshotInfo', 'snapshotHandle')
    if (snapshot && snapshot !== 'unknown')
      await csiDriver(cluster)?.cloud.call('DELETE', `snapshots/${snapshot}`)
    const kept = textAt(info, 'snapshotDataMovementInfo', 'snapshotHandle')
    if (!kept) continue
    await bucket.put(struckOff(kept), kept) // the SDK warns of an empty body
    await bucket.remove(kept)
  }
}
