import type { Cluster } from '../cluster.ts'
import { provisioner } from '../csi.ts'
import { suffix } from '../store.ts'
import { now } from '../time.ts'
import { at, type Thing, type Tree, textAt } from '../tree.ts'
import { marked } from './kept-claim.ts'
import { patiently } from './patiently.ts'
import { encrypted, packed } from './volume-bytes.ts'
import type { Kept, Source } from './volumes.ts'

/** The data mover's work: an upload object that says how far it is, the bytes into the bucket, the snapshot away. */
export async function moved(
  cluster: Cluster,
  backup: Thing,
  { claim, volume, driver, snapshotClass, bucket }: Source,
  { snapshot, vs, common }: { snapshot: Tree; vs: string; common: Tree },
): Promise<Kept> {
  const { store, world } = cluster
  const { name, namespace = '', uid } = claim.metadata
  const operation = `du-${backup.metadata.uid}.${uid}`.slice(0, 63)
  const of = {
    apiVersion: 'velero.io/v1',
    kind: 'Backup',
    name: backup.metadata.name,
    uid: backup.metadata.uid,
  }
  const upload = store.create({
    apiVersion: 'velero.io/v2alpha1',
    kind: 'DataUpload',
    metadata: {
      name: `${backup.metadata.name}-${suffix()}`,
      namespace: 'velero',
      ownerReferences: [{ ...of, controller: true }],
      labels: {
        'velero.io/backup-name': backup.metadata.name,
        'velero.io/backup-uid': backup.metadata.uid,
        'velero.io/pvc-uid': uid,
        'velero.io/async-operation-id': operation,
      },
    },
    spec: {
      snapshotType: 'CSI',
      csiSnapshot: {
        volumeSnapshot: vs,
        storageClass: at(claim, 'spec', 'storageClassName'),
        snapshotClass: snapshotClass.metadata.name,
        driver: provisioner,
      },
      sourcePVC: name,
      sourceNamespace: namespace,
      backupStorageLocation: textAt(backup, 'spec', 'storageLocation'),
      operationTimeout: at(backup, 'spec', 'csiSnapshotTimeout'),
    },
  })
  const say = (status: Tree) => store.setStatus('DataUpload', 'velero', upload.metadata.name, status)
  say({ phase: 'InProgress', startTimestamp: now() })
  const key = `kopia/${namespace}/simulated-${snapshot.id}.tar.gz`
  let error: string | undefined
  let size = 0
  try {
    const bytes = await packed(world.path('volumes', textAt(volume, 'spec', 'csi', 'volumeHandle')))
    await bucket.put(key, encrypted(cluster, key, bytes))
    size = bytes.length
    say({
      phase: 'Completed',
      completionTimestamp: now(),
      snapshotID: key,
      progress: { totalBytes: size, bytesDone: size },
    })
  } catch (failure) {
    if (!cluster.isUp()) throw failure
    error = `data path backup failed: ${(failure as Error).message}`
    say({ phase: 'Failed', completionTimestamp: now(), message: error })
  }
  // What is new may not be found at first.
  await patiently(() => driver.cloud.call('DELETE', `snapshots/${snapshot.id}`), '10m', 404)
  const uploaded = store.find('DataUpload', 'velero', upload.metadata.name) ?? upload
  return {
    thing: marked(claim, backup.metadata.name, vs, upload.metadata.name),
    more: [{ kind: store.kinds.named('DataUpload'), thing: uploaded }],
    ...(error ? { error } : {}),
    info: {
      ...common,
      snapshotDataMoved: true,
      preserveLocalSnapshot: false,
      result: error ? 'failed' : 'succeeded',
      csiSnapshotInfo: {
        snapshotHandle: 'unknown',
        vscName: 'unknown',
        operationID: 'unknown',
        driver: provisioner,
        size: 0,
      },
      snapshotDataMovementInfo: {
        dataMover: 'velero',
        // Shown by `velero backup describe --details`: no other Velero can read these bytes.
        uploaderType: 'simulated',
        retainedSnapshot: vs,
        operationID: operation,
        snapshotHandle: error ? '' : key,
        size,
        phase: error ? 'Failed' : 'Completed',
      },
      completionTimestamp: now(),
    },
  }
}
