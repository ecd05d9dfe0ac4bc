import type { Test } from 'tap'
import type { Cluster } from '../../sandbox/cluster/cluster.ts'
import { textAt } from '../../sandbox/cluster/tree.ts'
import { serves } from '../../sandbox/cluster/velero/known-kinds.ts'
import { startSpaces } from '../../sandbox/spaces/start.ts'
import { apply, cluster, csi, definition, digitalOcean, eventually, workload } from './cluster-ground.ts'
import { clear, ground } from './droplet-ground.ts'

// A paper cluster with Velero and a bucket, without what Argo CD would do for it.

const names = [
  'Backup',
  'Restore',
  'BackupStorageLocation',
  'Schedule',
  'DownloadRequest',
  'DeleteBackupRequest',
  'PodVolumeBackup',
]
const velero = (namespace: string, secret: string) =>
  [
    ...names.map((kind) => definition('velero.io', kind)),
    ...['DataUpload', 'DataDownload'].map((kind) =>
      definition('velero.io', kind).replace('"v1","served"', '"v2alpha1","served"'),
    ),
    ...['VolumeSnapshot', 'VolumeSnapshotContent'].map((kind) =>
      definition('snapshot.storage.k8s.io', kind)
        .replace(kind.endsWith('Content') ? 'Namespaced' : '-', 'Cluster')
        .replace('"v1alpha1","served"', '"v1","served"'),
    ),
    definition('snapshot.storage.k8s.io', 'VolumeSnapshotClass', 'volumesnapshotclasses').replace(
      'Namespaced',
      'Cluster',
    ),
    `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"${namespace}"}}`,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'velero-credentials', namespace },
      stringData: { cloud: `[default]\naws_access_key_id=KEY\naws_secret_access_key=${secret}\n` },
    }),
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'velero-repo-credentials', namespace },
      stringData: { 'repository-password': 'kopia' },
    }),
    JSON.stringify({
      apiVersion: 'snapshot.storage.k8s.io/v1alpha1',
      kind: 'VolumeSnapshotClass',
      metadata: { name: 'regrow-backups', labels: { 'velero.io/csi-volumesnapshot-class': 'true' } },
      driver: 'dobs.csi.digitalocean.com',
    }),
    workload('Deployment', namespace, 'velero'),
  ].join('\n---\n')

/** A storage location on the bucket. */
export const location = (spec: object = {}) =>
  JSON.stringify({
    apiVersion: 'velero.io/v1',
    kind: 'BackupStorageLocation',
    metadata: { name: 'default', namespace: 'velero' },
    spec: {
      default: true,
      objectStorage: { bucket: 'regrow-b' },
      config: { region: 'fra1', s3Url: 'https://fra1.digitaloceanspaces.com' },
      ...spec,
    },
  })
/** A Backup. */
export const backup = (name: string, spec: object = {}) =>
  JSON.stringify({
    apiVersion: 'velero.io/v1',
    kind: 'Backup',
    metadata: { name, namespace: 'velero' },
    spec,
  })

/** @param secret of the key in the cluster; the bucket's own is `secret` */
export async function withVelero(t: Test, secret = 'secret') {
  const on = await ground({ objects: false })
  t.teardown(() => clear(on))
  const cloud = await digitalOcean(on)
  const key = {
    access_key: 'KEY',
    secret_key: 'secret',
    name: 'k',
    grants: [{ bucket: '', permission: 'fullaccess' as const }],
    created_at: '2026-01-01T00:00:00Z',
  }
  await startSpaces(on.world, { keys: () => [key] })
  const { CreateBucketCommand, S3Client } = await import('@aws-sdk/client-s3')
  const { host, port } = on.world.addresses.spaces
  const credentials = { accessKeyId: 'KEY', secretAccessKey: 'secret' }
  const s3 = new S3Client({
    region: 'us-east-1',
    endpoint: `http://${host}:${port}`,
    forcePathStyle: true,
    credentials,
  })
  await s3.send(new CreateBucketCommand({ Bucket: 'regrow-b' }))
  const one = await cluster(on)
  apply(one, csi)
  apply(one, velero('velero', secret))
  const phase = (kind: string, name: string) =>
    textAt(one.store.find(kind, 'velero', name), 'status', 'phase')
  const reached = (kind: string, name: string, wanted: string) =>
    eventually(one, () => phase(kind, name) === wanted)
  return { on, one, cloud, phase, reached }
}

/** Has Velero start anew, which is when it learns of the kinds that came since. */
export async function startedAnew(one: Cluster): Promise<void> {
  const { store } = one
  const server = () => store.list('Pod', 'velero').find(serves)
  const before = server()?.metadata
  if (before) store.remove('Pod', 'velero', before.name)
  await eventually(one, () => {
    const now = server()
    return now !== undefined && now.metadata.uid !== before?.uid
  })
}
