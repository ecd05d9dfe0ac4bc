import { createCipheriv, createHash, randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { pack } from 'tar-stream'
import type { Cluster } from '../cluster.ts'
import { csiDriver, provisioner } from '../csi.ts'
import { Refusal } from '../refusal.ts'
import { whole } from '../tar.ts'
import { now, secondsOf } from '../time.ts'
import { type Thing, type Tree, textAt, treeAt } from '../tree.ts'
import type { Bucket } from './bucket.ts'
import type { Item } from './contents.ts'

/** Saves the volumes of all claims in a backup. @returns one entry of `volumeinfo.json.gz` for each volume */
export async function saveVolumes(
  cluster: Cluster,
  backup: Thing,
  items: readonly Item[],
  bucket: Bucket,
): Promise<Tree[]> {
  const infos: Tree[] = []
  for (const { kind, thing } of items) {
    if (kind.kind !== 'PersistentVolumeClaim') continue
    const volume = cluster.store.find('PersistentVolume', undefined, textAt(thing, 'spec', 'volumeName'))
    if (volume) infos.push(await saveVolume(cluster, backup, thing, volume, bucket))
  }
  return infos
}

async function saveVolume(
  cluster: Cluster,
  backup: Thing,
  claim: Thing,
  volume: Thing,
  bucket: Bucket,
): Promise<Tree> {
  const { name, namespace = '' } = claim.metadata
  const driver = csiDriver(cluster)
  const isMoved = treeAt(backup, 'spec').snapshotMoveData === true
  const info = {
    pvcName: name,
    pvcNamespace: namespace,
    pvName: volume.metadata.name,
    snapshotDataMoved: isMoved,
    startTimestamp: now(),
    pvInfo: {
      reclaimPolicy: textAt(volume, 'spec', 'persistentVolumeReclaimPolicy'),
      labels: volume.metadata.labels ?? {},
    },
  }
  const lacking = unsnapshotable(cluster, volume) ?? (driver ? undefined : 'the CSI driver does not run')
  if (lacking || !driver) return { ...info, skipped: true, skippedReason: lacking }
  const id = textAt(volume, 'spec', 'csi', 'volumeHandle')
  const wish = {
    name: `snapshot-${backup.metadata.uid.slice(0, 8)}-${claim.metadata.uid}`,
    tags: driver.tags,
  }
  const order = () => driver.cloud.call('POST', `volumes/${id}/snapshots`, wish)
  const snapshot = treeAt(await patiently(order, textAt(backup, 'spec', 'csiSnapshotTimeout')), 'snapshot')
  const size = Number(snapshot.min_disk_size ?? 0) * 2 ** 30
  const csiSnapshotInfo = { snapshotHandle: snapshot.id, driver: provisioner, size, vscName: wish.name }
  const done = { ...info, backupMethod: 'CSISnapshot', skipped: false, result: 'succeeded' }
  if (!isMoved) return { ...done, preserveLocalSnapshot: true, csiSnapshotInfo, completionTimestamp: now() }
  const key = `kopia/${namespace}/simulated-${snapshot.id}.tar.gz`
  const bytes = await directory(cluster.world.path('volumes', id))
  await bucket.put(key, encrypted(cluster, bytes))
  // What is new may not be found at first.
  await patiently(() => driver.cloud.call('DELETE', `snapshots/${snapshot.id}`), '1m', 404)
  const snapshotDataMovementInfo = {
    dataMover: 'velero',
    // Shown by `velero backup describe --details`: no other Velero can read these bytes.
    uploaderType: 'simulated',
    retainedSnapshot: '',
    snapshotHandle: key,
    size: bytes.length,
    phase: 'Completed',
  }
  return { ...done, preserveLocalSnapshot: false, snapshotDataMovementInfo, completionTimestamp: now() }
}

/** As the snapshotter, which asks again what is refused for now, for as long as Velero waits (ten minutes by default). */
async function patiently(order: () => Promise<Tree>, timeout: string, code = 429): Promise<Tree> {
  const end = Date.now() + (secondsOf(timeout) || 600) * 1000
  for (;;)
    try {
      return await order()
    } catch (error) {
      if (!(error instanceof Refusal && error.code === code) || Date.now() > end) throw error
      await sleep(500, undefined, { ref: false })
    }
}

/** Removes what was kept of volumes: snapshots at DigitalOcean, bytes in the bucket. */
export async function forgetVolumes(cluster: Cluster, infos: readonly Tree[], bucket: Bucket): Promise<void> {
  for (const info of infos) {
    const snapshot = textAt(info, 'csiSnapshotInfo', 'snapshotHandle')
    if (snapshot) await csiDriver(cluster)?.cloud.call('DELETE', `snapshots/${snapshot}`)
    const moved = textAt(info, 'snapshotDataMovementInfo', 'snapshotHandle')
    if (moved) await bucket.remove(moved)
  }
}

/** Velero needs a labelled VolumeSnapshotClass of the volume's driver. */
function unsnapshotable({ store }: Cluster, volume: Thing): string | undefined {
  const driver = textAt(volume, 'spec', 'csi', 'driver')
  if (driver !== provisioner) return 'no CSI volume of DigitalOcean'
  const classes = store.list('VolumeSnapshotClass').filter((one) => one.driver === driver)
  const isThere = classes.some(
    (one) => one.metadata.labels?.['velero.io/csi-volumesnapshot-class'] === 'true',
  )
  return isThere
    ? undefined
    : `failed to get VolumeSnapshotClass for driver ${driver}: none has the label velero.io/csi-volumesnapshot-class`
}

async function directory(folder: string): Promise<Buffer> {
  const tar = pack()
  const names = existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort() : []
  for (const name of names.filter((one) => statSync(join(folder, one)).isFile()))
    tar.entry({ name, mtime: new Date(0) }, readFileSync(join(folder, name)))
  tar.finalize()
  return gzipSync(await whole(tar))
}

/** What is moved is locked with the repository's password, as kopia would (though in another format). */
export function repositoryKey({ store }: Cluster): Buffer {
  const secret = store.get('Secret', 'velero', 'velero-repo-credentials')
  return createHash('sha256')
    .update(textAt(secret, 'data', 'repository-password'))
    .digest()
}

function encrypted(cluster: Cluster, bytes: Buffer): Buffer {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', repositoryKey(cluster), nonce)
  const locked = Buffer.concat([cipher.update(bytes), cipher.final()])
  return Buffer.concat([nonce, cipher.getAuthTag(), locked])
}
