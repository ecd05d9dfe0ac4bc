import { gzipSync } from 'node:zlib'
import { pack } from 'tar-stream'
import type { Bucket } from '../../lib/clients/s3.ts'
import { everything, unboundClaims } from '../../lib/cluster/backup-rules.ts'
import type { Cluster } from '../../lib/cluster/cluster.ts'

// Buckets as Velero leaves them, of constructed backups: no cluster, no store.

/** An object of a backup; namespaced when its metadata says so. */
export interface Thing {
  resource: string
  metadata: {
    name: string
    namespace?: string
    creationTimestamp?: string
    ownerReferences?: { kind: string; name: string }[]
  }
  spec?: object
  status?: object
}

/** A backup in Velero's words; `null` leaves a file out, a text is written as it is. */
export interface Kept {
  spec?: object
  status?: object
  objects?: Thing[] | string | null
  volumes?: object[] | string | null
  list?: Record<string, string[]> | string | null
  /** Lines of its log. */
  log?: string[]
}

/** What the Schedule and a backup by hand ask for. */
export const asked = {
  includedNamespaces: ['*'],
  includeClusterResources: true,
  excludedResources: [
    ...(everything[2] ?? '').split(','),
    'volumesnapshots.snapshot.storage.k8s.io',
    'volumesnapshotcontents.snapshot.storage.k8s.io',
  ],
  snapshotMoveData: true,
  resourcePolicy: { kind: 'configmap', name: unboundClaims },
}

/** A claim and its volume, bound to each other. */
export const claim = (namespace: string, name: string, volume = `pvc-${name}`): Thing[] => [
  {
    resource: 'persistentvolumeclaims',
    metadata: { namespace, name },
    spec: { volumeName: volume },
    status: { phase: 'Bound' },
  },
  {
    resource: 'persistentvolumes',
    metadata: { name: volume },
    spec: { claimRef: { namespace, name }, csi: { volumeHandle: `id-of-${volume}` } },
    status: { phase: 'Bound' },
  },
]

/** The entry of a volume that was moved into the bucket, as `volumeinfo.json.gz` has it. */
export const moved = (pvcNamespace: string, pvcName: string, pvName = `pvc-${pvcName}`) => ({
  ...{ pvcNamespace, pvcName, pvName, backupMethod: 'CSISnapshot', result: 'succeeded' },
  ...{ snapshotDataMoved: true, skipped: false },
  snapshotDataMovementInfo: { dataMover: 'velero', snapshotHandle: 'k1', size: 7, Phase: 'Completed' },
})

/** One whose snapshot stays at DigitalOcean. */
export const snapped = (pvcNamespace: string, pvcName: string, snapshotHandle = 's-1') => ({
  ...{ pvcNamespace, pvcName, pvName: `pvc-${pvcName}`, backupMethod: 'CSISnapshot', result: 'succeeded' },
  ...{ snapshotDataMoved: false, skipped: false },
  csiSnapshotInfo: { snapshotHandle, driver: 'dobs.csi.digitalocean.com' },
})

/** One that Velero passed over. */
export const skipped = (pvcNamespace: string, pvcName: string, skippedReason: string) => ({
  ...{
    pvcNamespace,
    pvcName,
    pvName: `pvc-${pvcName}`,
    snapshotDataMoved: false,
    skipped: true,
    skippedReason,
  },
})

/** A cluster whose account has these snapshots; `looks` counts how often they were asked for. */
export function clusterWith(snapshots: readonly string[] = ['s-1']) {
  const account = { looks: 0 }
  const volumeSnapshots = async () => {
    account.looks++
    return snapshots.map((id) => ({ id }))
  }
  return Object.assign(account, {
    name: 'main',
    cloud: { volumeSnapshots, clockOffset: () => Date.parse('2026-11-30T00:00:00Z') - Date.now() },
  } as unknown as Cluster)
}

/**
 * A bucket with these backups, by their names; `gets` are the keys that were read, `lists` what was listed.
 * @param namespaces those whose moved bytes lie in it
 */
export async function bucketWith(
  backups: Record<string, Kept>,
  namespaces: readonly string[] = ['shop', 'hello', 'b'],
): Promise<Bucket & { gets: string[]; lists: string[] }> {
  const files = new Map(namespaces.map((one) => [`kopia/${one}/kopia.repository`, Buffer.from('{}')]))
  for (const [name, kept] of Object.entries(backups)) {
    const { spec = asked, status = {}, objects = claim('shop', 'db'), volumes = [moved('shop', 'db')] } = kept
    const { list = Array.isArray(objects) ? listOf(objects) : {} } = kept
    const put = (file: string, content: Buffer | string) =>
      files.set(`backups/${name}/${file}`, Buffer.from(content))
    const told = { phase: 'Completed', startTimestamp: '2026-11-23T03:00:00Z', ...status }
    put('velero-backup.json', JSON.stringify({ metadata: { name }, spec, status: told }))
    const packed = (value: unknown) => (typeof value === 'string' ? value : gzipSync(JSON.stringify(value)))
    if (kept.log) put(`${name}-logs.gz`, gzipSync(kept.log.join('\n')))
    if (volumes !== null) put(`${name}-volumeinfo.json.gz`, packed(volumes))
    if (list !== null) put(`${name}-resource-list.json.gz`, packed(list))
    if (objects !== null)
      put(`${name}.tar.gz`, typeof objects === 'string' ? objects : await tarball(objects))
  }
  const gets: string[] = []
  const lists: string[] = []
  const bucket: Partial<Bucket> & { gets: string[]; lists: string[] } = {
    ...{ name: 'kept', gets, lists },
    list: async (prefix = '') => {
      lists.push(prefix)
      return [...files]
        .filter(([key]) => key.startsWith(prefix))
        .map(([key, bytes]) => ({ key, size: bytes.length, at: new Date(0) }))
    },
    get: async (key) => {
      gets.push(key)
      return files.get(key)
    },
  }
  return bucket as Bucket & { gets: string[]; lists: string[] }
}

/** `apiVersion` and `kind` of a resource, as most are called. */
function typeOf(resource: string) {
  const [plural = '', ...group] = resource.split('.')
  const [, , defined] = (kinds[resource] ?? '').split('/')
  const one = plural.replace(/ies$/, 'y').replace(/sses$/, 'ss').replace(/s$/, '')
  const usual: Record<string, string> = {
    persistentvolumeclaims: 'PersistentVolumeClaim',
    persistentvolumes: 'PersistentVolume',
  }
  const kind = defined ?? usual[plural] ?? one.charAt(0).toUpperCase() + one.slice(1)
  return { apiVersion: [group.join('.'), 'v1'].filter(Boolean).join('/'), kind }
}

const kinds: Record<string, string> = {
  persistentvolumeclaims: 'v1/PersistentVolumeClaim',
  persistentvolumes: 'v1/PersistentVolume',
  'customresourcedefinitions.apiextensions.k8s.io': 'apiextensions.k8s.io/v1/CustomResourceDefinition',
}

function listOf(objects: Thing[]): Record<string, string[]> {
  const list: Record<string, string[]> = {}
  for (const { resource, metadata } of objects) {
    const kind = kinds[resource] ?? resource
    list[kind] = [...(list[kind] ?? []), [metadata.namespace, metadata.name].filter(Boolean).join('/')]
  }
  return list
}

async function tarball(objects: Thing[]): Promise<Buffer> {
  const tar = pack()
  for (const { resource, ...one } of objects) {
    const { namespace, name } = one.metadata
    const scope = namespace ? `namespaces/${namespace}` : 'cluster'
    tar.entry(
      { name: `resources/${resource}/${scope}/${name}.json` },
      JSON.stringify({ ...typeOf(resource), ...one }),
    )
  }
  tar.finalize()
  const pieces: Buffer[] = []
  for await (const piece of tar) pieces.push(piece as Buffer)
  return gzipSync(Buffer.concat(pieces))
}
