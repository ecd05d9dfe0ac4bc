import type { Cluster } from '../cluster.ts'
import { type Controller, keyOf, split } from '../control.ts'
import { unknownHere } from '../refusal.ts'
import { now } from '../time.ts'
import { listAt, type Thing, textAt, treeAt } from '../tree.ts'
import { backUp, fail, removeBackup } from './backup.ts'
import { bucketOf } from './bucket.ts'
import { serves } from './known-kinds.ts'
import { locationNamed, veleroRuns } from './locations.ts'
import { restore } from './restore.ts'

const kinds = [
  'Backup',
  'Schedule',
  'Restore',
  'DownloadRequest',
  'DeleteBackupRequest',
  'ServerStatusRequest',
]

/** The paper Velero's work: backups, restores, their removal and download addresses. Schedules are accepted, but nothing fires. */
export function backups(cluster: Cluster): Controller {
  const { store } = cluster
  giveUp(cluster)
  let server = serverOf(cluster)
  const all = () => kinds.flatMap((kind) => store.list(kind, 'velero').map((one) => `${kind} ${keyOf(one)}`))
  return {
    keys: ({ kind, thing }) => {
      if (kinds.includes(kind.kind)) return [`${kind.kind} ${keyOf(thing)}`]
      if (kind.kind === 'Pod' && serves(thing)) return ['Pod velero']
      return kind.kind === 'Deployment' && thing.metadata.name === 'velero' ? all() : []
    },
    reconcile: async (key) => {
      if (key === 'Pod velero') {
        const now = serverOf(cluster)
        if (now && server && now !== server) giveUp(cluster)
        server = now ?? server
        return
      }
      const [kind = '', at = ''] = key.split(' ')
      const thing = store.kinds.has(kind) && veleroRuns(cluster) && store.find(kind, ...split(at))
      if (!thing) return
      if (kind === 'Backup' && hasExpired(thing)) return removeBackup(cluster, thing)
      if (!['', 'New'].includes(textAt(thing, 'status', 'phase'))) return
      if (kind === 'Schedule') validateSchedule(cluster, thing)
      if (kind === 'Backup') await backUp(cluster, thing)
      if (kind === 'DownloadRequest') await offer(cluster, thing)
      if (kind === 'Restore') await restore(cluster, thing)
      if (kind === 'ServerStatusRequest') tellVersion(cluster, thing)
      if (kind === 'DeleteBackupRequest') {
        const backup = store.find('Backup', 'velero', textAt(thing, 'spec', 'backupName'))
        if (backup) await removeBackup(cluster, backup)
        store.remove('DeleteBackupRequest', 'velero', thing.metadata.name)
      }
    },
    poll: async () =>
      store
        .list('Backup', 'velero')
        .filter(hasExpired)
        .map((one) => `Backup ${keyOf(one)}`),
  }
}

/** Which of Velero's processes is at work: its pod's identity. */
const serverOf = ({ store }: Cluster): string | undefined =>
  store.list('Pod', 'velero').find(serves)?.metadata.uid

/** A Velero that starts fails what another left under way, and its node agent cancels the volumes of that. */
function giveUp(cluster: Cluster): void {
  const { store } = cluster
  const left = (kind: string) =>
    (store.kinds.has(kind) ? store.list(kind, 'velero') : []).filter((one) =>
      /InProgress|Waiting/.test(textAt(one, 'status', 'phase')),
    )
  const why = (what: string) =>
    `found a ${what} with status "InProgress" during the server starting, mark it as "Failed"`
  for (const one of left('Backup')) fail(cluster, one, why('backup'))
  for (const { metadata } of left('Restore'))
    store.setStatus('Restore', 'velero', metadata.name, {
      phase: 'Failed',
      completionTimestamp: now(),
      failureReason: why('restore'),
    })
  for (const kind of ['DataUpload', 'DataDownload'])
    for (const { metadata } of left(kind))
      store.setStatus(kind, 'velero', metadata.name, { phase: 'Canceled', completionTimestamp: now() })
}

const hasExpired = (backup: Thing) => Date.parse(textAt(backup, 'status', 'expiration')) < Date.now()

function validateSchedule({ store }: Cluster, schedule: Thing): void {
  const cron = textAt(schedule, 'spec', 'schedule')
  const isCron = /^(@\w+|@every \S+|(\S+\s+){4}\S+)$/.test(cron)
  const validationErrors = isCron ? [] : [`invalid schedule: expected exactly 5 fields, found "${cron}"`]
  const phase = isCron ? 'Enabled' : 'FailedValidation'
  store.setStatus('Schedule', 'velero', schedule.metadata.name, { phase, validationErrors })
}

function tellVersion({ store }: Cluster, { metadata }: Thing): void {
  const image = listAt(
    store.find('Deployment', 'velero', 'velero'),
    'spec',
    'template',
    'spec',
    'containers',
  )[0]?.image
  const serverVersion = String(image).split(':')[1] ?? 'unknown'
  const status = {
    phase: 'Processed',
    serverVersion,
    processedTimestamp: now(),
    plugins: [{ name: 'paper/simulated', kind: 'ObjectStore' }],
  }
  store.setStatus('ServerStatusRequest', 'velero', metadata.name, status)
}

const downloads: Record<string, string> = {
  BackupLog: '-logs.gz',
  BackupContents: '.tar.gz',
  BackupResults: '-results.gz',
  BackupResourceList: '-resource-list.json.gz',
  BackupVolumeInfos: '-volumeinfo.json.gz',
  BackupItemOperations: '-itemoperations.json.gz',
  RestoreLog: '-logs.gz',
  RestoreResults: '-results.gz',
}

async function offer(cluster: Cluster, request: Thing): Promise<void> {
  const { store } = cluster
  const { kind, name } = treeAt(request, 'spec', 'target') as { kind: string; name: string }
  const isRestore = kind.startsWith('Restore')
  const restored = isRestore ? textAt(store.get('Restore', 'velero', name), 'spec', 'backupName') : name
  const backup = store.get('Backup', 'velero', restored)
  const location = locationNamed(cluster, textAt(backup, 'spec', 'storageLocation'))
  const ending = downloads[kind]
  if (!location || !ending) throw unknownHere(`Velero offers no download of ${kind}`)
  const downloadURL = await (await bucketOf(cluster, location)).sign(
    isRestore ? `restores/${name}/restore-${name}${ending}` : `backups/${name}/${name}${ending}`,
  )
  const status = { phase: 'Processed', downloadURL, expiration: now(600) }
  store.setStatus('DownloadRequest', 'velero', request.metadata.name, status)
}
