import type { Evidence, Fault, Proof } from './evidence.ts'
import { at, Dump, type Listed } from './things.ts'

/** What the backup's specification keeps out by its documented rules, as its contract lists it. */
const noise = new Set([
  'events',
  'events.events.k8s.io',
  'leases.coordination.k8s.io',
  'csinodes.storage.k8s.io',
  'csistoragecapacities.storage.k8s.io',
  'volumeattachments.storage.k8s.io',
  'certificatesigningrequests.certificates.k8s.io',
  ...[
    'backups',
    'restores',
    'datauploads',
    'datadownloads',
    'podvolumebackups',
    'podvolumerestores',
    'deletebackuprequests',
    'downloadrequests',
    'serverstatusrequests',
    'backuprepositories',
  ].map((one) => `${one}.velero.io`),
  'etcdsnapshotfiles.k3s.cattle.io',
  'ipaddresses.networking.k8s.io',
  'addons.k3s.cattle.io',
])

const isOptedOut = ({ thing: { metadata } }: Listed) =>
  metadata.labels?.['velero.io/exclude-from-backup'] === 'true'

/** Velero's own snapshots of a backup, which an earlier restore brought along: no later backup takes them. */
const isVelerosSnapshot = ({ resource, thing }: Listed) =>
  /^volumesnapshot(content)?s\./.test(resource) &&
  [thing.metadata.name, at(thing, 'spec', 'volumeSnapshotRef', 'name')].some((one) =>
    `${one}`.startsWith('velero-'),
  )

/** Which objects no backup holds: noise, labelled out by a person (alone or with their namespace), or on their way out. */
export function noiseOf(before: readonly Listed[]): (one: Listed) => boolean {
  const homes = new Set(
    before
      .filter((one) => one.resource === 'namespaces' && isOptedOut(one))
      .map(({ thing }) => thing.metadata.name),
  )
  return (one) => {
    const { namespace = '', deletionTimestamp } = one.thing.metadata
    return (
      noise.has(one.resource) ||
      isVelerosSnapshot(one) ||
      isOptedOut(one) ||
      homes.has(namespace) ||
      deletionTimestamp !== undefined
    )
  }
}

/** Labels and taints that programs put on a node. */
const ofPrograms =
  /^([\w.-]*\.)?(kubernetes\.io|k8s\.io|k3s\.io|cattle\.io|digitalocean\.com|csi\.digitalocean\.com)\/|^(region|zone)$|^regrow/

/** Labels and taints that a person put on a node are on one again, or named. */
export function judgeNodes({ before, after = [] }: Evidence, told: Proof): Fault[] {
  const now = new Set(new Dump(after).of('nodes').flatMap(marksOf))
  const said = [...told.changed, ...told.notRestored, ...told.missing]
  return new Dump(before).of('nodes').flatMap((node) =>
    marksOf(node)
      .filter((mark) => !now.has(mark))
      .filter((mark) => !said.some((line) => line.includes(mark.split(/[= ]/)[1] ?? mark)))
      .map((mark) => ({
        what: 'changed without a word',
        about: `nodes ${node.metadata.name}`,
        says: `${mark} is gone`,
      })),
  )
}

function marksOf({ metadata, spec }: Listed['thing']): string[] {
  const taints = at(spec, 'taints')
  const own = Array.isArray(taints) ? (taints as { key: string; value?: string; effect: string }[]) : []
  return [
    ...Object.entries(metadata.labels ?? {}).map(([key, value]) => ({ key, text: `label ${key}=${value}` })),
    ...own.map(({ key, value = '', effect }) => ({ key, text: `taint ${key}=${value}:${effect}` })),
  ]
    .filter(({ key }) => !ofPrograms.test(key))
    .map(({ text }) => text)
}
