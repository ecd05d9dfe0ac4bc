import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Cluster } from '../cluster.ts'
import { suffix } from '../store.ts'
import { now } from '../time.ts'
import { at, listAt, type Thing, type Tree, textAt, treeAt } from '../tree.ts'
import type { Item } from './contents.ts'

/** What file-system backups gave: entries of `volumeinfo.json.gz`, volumes taken, volumes skipped with the reason. */
interface PodVolumes {
  infos: Tree[]
  taken: string[]
  skipped: Record<string, string>
  errors: string[]
}

/** The volumes of a pod that its annotation names for file-system backup, or all but those that it excludes. */
function chosen(pod: Thing, all: boolean): Tree[] {
  const named = (key: string) => (pod.metadata.annotations?.[key] ?? '').split(',').map((one) => one.trim())
  const volumes = listAt(pod, 'spec', 'volumes')
  if (!all)
    return volumes.filter((one) => named('backup.velero.io/backup-volumes').includes(String(one.name)))
  const out = named('backup.velero.io/backup-volumes-excludes')
  return volumes.filter(
    (one) =>
      !out.includes(String(one.name)) && !one.hostPath && !one.secret && !one.configMap && !one.projected,
  )
}

/** Whether a claim is left to file-system backups, so that no snapshot is taken of it. */
export function isCopiedFromPods({ store }: Cluster, backup: Thing, claim: Thing): boolean {
  const all = treeAt(backup, 'spec').defaultVolumesToFsBackup === true
  return store
    .list('Pod', claim.metadata.namespace)
    .flatMap((pod) => chosen(pod, all))
    .some((one) => textAt(one, 'persistentVolumeClaim', 'claimName') === claim.metadata.name)
}

/**
 * File-system backups of the pods in a backup, as Velero tells them. Paper keeps no bytes of them: the real ones come
 * back into restored pods only.
 */
export function podVolumes(cluster: Cluster, backup: Thing, items: readonly Item[]): PodVolumes {
  const { store, world } = cluster
  const all = treeAt(backup, 'spec').defaultVolumesToFsBackup === true
  const result: PodVolumes = { infos: [], taken: [], skipped: {}, errors: [] }
  for (const { kind, thing: pod } of items) {
    if (kind.kind !== 'Pod') continue
    const nodeName = textAt(pod, 'spec', 'nodeName')
    const mounts = listAt(pod, 'spec', 'containers').flatMap((one) => listAt(one, 'volumeMounts'))
    for (const volume of chosen(pod, all)) {
      const claimName = textAt(volume, 'persistentVolumeClaim', 'claimName')
      const claim = claimName
        ? store.find('PersistentVolumeClaim', pod.metadata.namespace, claimName)
        : undefined
      const pv = store.find('PersistentVolume', undefined, textAt(claim, 'spec', 'volumeName'))
      const name = pv?.metadata.name ?? ''
      if (name && result.taken.includes(name)) continue
      if (claimName && !claim) {
        result.errors.push(
          `error getting persistent volume claim for volume: persistentvolumeclaims "${claimName}" not found`,
        )
        continue
      }
      if (volume.hostPath || at(pv, 'spec', 'hostPath')) continue
      const agent = store
        .list('Pod', 'velero')
        .some(
          (one) =>
            one.metadata.name.startsWith('node-agent') &&
            textAt(one, 'spec', 'nodeName') === nodeName &&
            textAt(one, 'status', 'phase') === 'Running',
        )
      const obstacle =
        textAt(pod, 'status', 'phase') !== 'Running'
          ? 'pod is not running'
          : !agent
            ? `daemonset pod not found in running state in node ${nodeName}`
            : mounts.every((one) => one.name !== volume.name)
              ? `volume ${volume.name} is declared in pod ${pod.metadata.namespace}/${pod.metadata.name} but not mounted by any container, skipping`
              : undefined
      if (obstacle) {
        if (!agent && !/not running/.test(obstacle)) result.errors.push(obstacle)
        if (name) result.skipped[name] = obstacle
        continue
      }
      const size = bytesIn(world.path('volumes', textAt(pv, 'spec', 'csi', 'volumeHandle') || 'none'))
      const handle = `simulated-${suffix()}`
      record(cluster, backup, pod, volume, { handle, size })
      if (name) result.taken.push(name)
      result.infos.push({
        ...(pv ? { pvcName: claimName, pvcNamespace: pod.metadata.namespace, pvName: name } : {}),
        backupMethod: 'PodVolumeBackup',
        snapshotDataMoved: false,
        preserveLocalSnapshot: false,
        skipped: false,
        startTimestamp: now(),
        completionTimestamp: now(),
        result: 'succeeded',
        pvbInfo: {
          snapshotHandle: handle,
          size,
          uploaderType: 'simulated',
          volumeName: volume.name,
          podName: pod.metadata.name,
          podNamespace: pod.metadata.namespace,
          nodeName,
          Phase: 'Completed',
        },
        ...(pv
          ? {
              pvInfo: {
                reclaimPolicy: textAt(pv, 'spec', 'persistentVolumeReclaimPolicy'),
                labels: pv.metadata.labels ?? {},
              },
            }
          : {}),
      })
    }
  }
  return result
}

function record(
  { store }: Cluster,
  backup: Thing,
  pod: Thing,
  volume: Tree,
  { handle, size }: { handle: string; size: number },
): void {
  if (!store.kinds.has('PodVolumeBackup')) return
  const { name, uid } = backup.metadata
  const made = store.create({
    apiVersion: 'velero.io/v1',
    kind: 'PodVolumeBackup',
    metadata: {
      name: `${name}-${suffix()}`,
      namespace: 'velero',
      labels: { 'velero.io/backup-name': name, 'velero.io/backup-uid': uid },
      ownerReferences: [{ apiVersion: 'velero.io/v1', kind: 'Backup', name, uid, controller: true }],
    },
    spec: {
      node: textAt(pod, 'spec', 'nodeName'),
      pod: { kind: 'Pod', namespace: pod.metadata.namespace, name: pod.metadata.name, uid: pod.metadata.uid },
      volume: volume.name,
      backupStorageLocation: textAt(backup, 'spec', 'storageLocation'),
      uploaderType: 'kopia',
    },
  })
  const progress = { totalBytes: size, bytesDone: size }
  const status = {
    phase: 'Completed',
    snapshotID: handle,
    startTimestamp: now(),
    completionTimestamp: now(),
    progress,
  }
  store.setStatus('PodVolumeBackup', 'velero', made.metadata.name, status)
}

function bytesIn(folder: string): number {
  const names = existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }) : []
  return names.reduce((sum, name) => {
    const found = statSync(join(folder, name))
    return sum + (found.isFile() ? found.size : 0)
  }, 0)
}
