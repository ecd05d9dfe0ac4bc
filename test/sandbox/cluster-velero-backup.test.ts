import { setTimeout as sleep } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import type { Cluster } from '../../sandbox/cluster/cluster.ts'
import { untar } from '../../sandbox/cluster/tar.ts'
import { type Thing, type Tree, textAt } from '../../sandbox/cluster/tree.ts'
import { bucketOf } from '../../sandbox/cluster/velero/bucket.ts'
import { apply, claim, definition, eventually, workload } from './cluster-ground.ts'
import { backup, location, startedAnew, withVelero } from './velero-ground.ts'

// The rules of Velero 1.18.1 (pkg/backup and pkg/util/collections), by what ends up in the tarball.

const object = (apiVersion: string, kind: string, name: string, more: Tree = {}, namespace?: string) => {
  const { labels, ...rest } = more
  const metadata = { name, ...(namespace ? { namespace } : {}), ...(labels ? { labels } : {}) }
  return JSON.stringify({ apiVersion, kind, metadata, ...rest })
}
const out = { 'velero.io/exclude-from-backup': 'true' }

/** Takes a backup and opens it: the paths of its objects, its volumes, and its object. */
async function taken(one: Cluster, name: string, spec: Tree) {
  apply(one, backup(name, spec))
  const phase = () => textAt(one.store.find('Backup', 'velero', name), 'status', 'phase')
  await eventually(one, () => /Completed|Failed/.test(phase()), 10_000)
  const bucket = await bucketOf(one, one.store.get('BackupStorageLocation', 'velero', 'default'))
  const file = (end: string) => bucket.get(`backups/${name}/${name}${end}`)
  const files = await untar(await file('.tar.gz'))
  const volumes = JSON.parse(gunzipSync(await file('-volumeinfo.json.gz')).toString()) as Tree[]
  const has = (path: string) => files.has(`resources/${path}.json`)
  const read = (path: string) => JSON.parse(files.get(`resources/${path}.json`) ?? '{}') as Thing
  const log = gunzipSync(await file('-logs.gz')).toString()
  return { has, read, volumes, log, made: one.store.get('Backup', 'velero', name) }
}

async function ready(t: Test) {
  const all = await withVelero(t)
  apply(all.one, location())
  await all.reached('BackupStorageLocation', 'default', 'Available')
  return all
}

t.test('cluster-scoped objects, namespaces, labels: what is in which backup', async (t) => {
  const { one } = await ready(t)
  apply(
    one,
    [
      object('v1', 'Namespace', 'shop'),
      object('v1', 'Namespace', 'empty'),
      object('v1', 'Namespace', 'hidden', { labels: out }),
      object('v1', 'ConfigMap', 'inside', { data: {} }, 'hidden'),
      object('v1', 'Secret', 'left-out', { labels: out }, 'shop'),
      object('v1', 'ServiceAccount', 'api', {}, 'shop'),
      object('rbac.authorization.k8s.io/v1', 'ClusterRole', 'reader', { rules: [] }),
      object('rbac.authorization.k8s.io/v1', 'ClusterRole', 'other', { rules: [] }),
      object('rbac.authorization.k8s.io/v1', 'ClusterRoleBinding', 'api-reads', {
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'reader' },
        subjects: [{ kind: 'ServiceAccount', name: 'api', namespace: 'shop' }],
      }),
      object('scheduling.k8s.io/v1', 'PriorityClass', 'high', { value: 5 }),
      definition('example.org', 'Widget'),
      definition('example.org', 'Unused'),
      object('example.org/v1alpha1', 'Widget', 'w', {}, 'shop'),
      object('v1', 'Namespace', 'going'),
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'held', namespace: 'going', finalizers: ['example.org/hold'] },
      }),
    ].join('\n---\n'),
  )
  await startedAnew(one)
  one.store.remove('Namespace', undefined, 'going')
  await eventually(one, () => one.store.get('ConfigMap', 'going', 'held').metadata.deletionTimestamp)

  const filtered = await taken(one, 'filtered', { excludedNamespaces: ['velero'] })
  const roles = 'clusterroles.rbac.authorization.k8s.io/cluster'
  t.ok(filtered.has(`${roles}/reader`), 'the account’s role comes along')
  t.ok(filtered.has('clusterrolebindings.rbac.authorization.k8s.io/cluster/api-reads'))
  t.notOk(filtered.has(`${roles}/other`), 'no other one does')
  t.notOk(filtered.has('priorityclasses.scheduling.k8s.io/cluster/high'))
  t.notOk(filtered.has('nodes/cluster/main-1'))
  const definitions = 'customresourcedefinitions.apiextensions.k8s.io/cluster'
  t.ok(filtered.has(`${definitions}/widgets.example.org`), 'the definition of what is inside')
  t.notOk(filtered.has(`${definitions}/unuseds.example.org`))
  t.ok(filtered.has('namespaces/cluster/empty'))
  t.notOk(filtered.has('namespaces/cluster/hidden'), 'a namespace left out by its label')
  t.notOk(filtered.has('configmaps/namespaces/hidden/inside'), '… and all that is in it')
  t.notOk(filtered.has('secrets/namespaces/shop/left-out'))
  t.notOk(filtered.has('configmaps/namespaces/going/held'), 'what is going is not kept')
  t.notOk(filtered.has('namespaces/cluster/going'))

  const whole = await taken(one, 'whole', { includeClusterResources: true, excludedResources: ['events'] })
  for (const path of [
    'nodes/cluster/main-1',
    `${roles}/other`,
    'priorityclasses.scheduling.k8s.io/cluster/high',
  ])
    t.ok(whole.has(path), path)
  t.ok(whole.has(`${definitions}/unuseds.example.org`))
  t.ok(whole.has('secrets/namespaces/velero/velero-credentials'))

  const none = await taken(one, 'none', { includeClusterResources: false })
  t.notOk(none.has(`${roles}/reader`), 'not even by its account')
  t.notOk(none.has('namespaces/cluster/shop'))
  t.ok(none.has('serviceaccounts/namespaces/shop/api'))

  const narrow = await taken(one, 'narrow', {
    includedNamespaces: ['shop'],
    excludedResources: ['clusterroles'],
  })
  t.notOk(narrow.has(`${roles}/reader`), 'refused by its kind')
  t.ok(narrow.has('namespaces/cluster/shop'))
  t.notOk(narrow.has('namespaces/cluster/empty'))
})

t.test('a kind that came since Velero looked is in no backup, until it looks again', async (t) => {
  const { one } = await ready(t)
  await sleep(1100) // its clock has seconds
  apply(
    one,
    [
      object('v1', 'Namespace', 'shop'),
      definition('example.org', 'Widget'),
      object('example.org/v1alpha1', 'Widget', 'w', {}, 'shop'),
    ].join('\n---\n'),
  )
  const widget = 'widgets.example.org/namespaces/shop/w'
  const early = await taken(one, 'early', { includeClusterResources: true })
  t.equal(textAt(early.made, 'status', 'phase'), 'Completed', 'and nothing is said about it')
  t.notOk(early.has(widget))
  t.ok(early.has('customresourcedefinitions.apiextensions.k8s.io/cluster/widgets.example.org'))
  t.notMatch(early.log, 'resource=widgets')
  await startedAnew(one)
  const late = await taken(one, 'late', { includeClusterResources: true })
  t.ok(late.has(widget))
  t.match(late.log, /msg="Getting items for resource" .*group=example.org\/v1alpha1 .*resource=widgets$/m)
})

t.test('volumes: moved, skipped with the reason, copied from pods, and claims that fail', async (t) => {
  const { one } = await ready(t)
  const volumeOf = (name: string) =>
    eventually(one, () =>
      textAt(one.store.find('PersistentVolumeClaim', 'default', name), 'spec', 'volumeName'),
    )
  const relabelled = (text: string, more: Tree) => JSON.stringify({ ...JSON.parse(text), ...more })
  apply(one, [claim('moved'), claim('opted-out'), claim('copied')].join('\n---\n'))
  for (const name of ['moved', 'opted-out', 'copied']) await volumeOf(name)
  const host = { hostPath: { path: '/data' }, capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'] }
  const spec = {
    accessModes: ['ReadWriteOnce'],
    resources: { requests: { storage: '1Gi' } },
    storageClassName: 'by-hand',
  }
  apply(
    one,
    [
      object('v1', 'PersistentVolume', 'disk', {
        spec: { ...host, storageClassName: 'by-hand', claimRef: { namespace: 'default', name: 'books' } },
      }),
      relabelled(claim('books'), { spec }),
      relabelled(claim('waits'), { spec: { ...spec, storageClassName: 'nobody' } }),
      relabelled(claim('opted-out'), { metadata: { name: 'opted-out', namespace: 'default', labels: out } }),
      workload('DaemonSet', 'velero', 'node-agent'),
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: {
          name: 'writer',
          namespace: 'default',
          annotations: { 'backup.velero.io/backup-volumes': 'data' },
        },
        spec: {
          containers: [
            { name: 'main', image: 'paper', volumeMounts: [{ name: 'data', mountPath: '/data' }] },
          ],
          volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'copied' } }],
        },
      }),
    ].join('\n---\n'),
  )
  await volumeOf('books')
  const runs = (namespace: string, start: string) =>
    eventually(one, () =>
      one.store
        .list('Pod', namespace)
        .some((pod) => pod.metadata.name.startsWith(start) && textAt(pod, 'status', 'phase') === 'Running'),
    )
  await Promise.all([runs('default', 'writer'), runs('velero', 'node-agent')])
  const moved = one.store.get('PersistentVolumeClaim', 'default', 'moved')
  one.store.update({
    ...moved,
    metadata: { ...moved.metadata, labels: { 'velero.io/restore-name': 'earlier', app: 'a' } },
  })

  const first = await taken(one, 'first', {
    snapshotMoveData: true,
    excludedResources: ['datauploads.velero.io'],
  })
  const at = (name: string) => `persistentvolumeclaims/namespaces/default/${name}`
  t.equal(textAt(first.made, 'status', 'phase'), 'PartiallyFailed', 'a claim that is not bound is an error')
  t.match(first.made, { status: { errors: 1 } })
  t.notOk(first.has(at('waits')), '… and not in the backup')
  const entry = (name: string) => first.volumes.find((one) => one.pvcName === name)
  t.match(entry('moved'), { backupMethod: 'CSISnapshot', snapshotDataMoved: true, result: 'succeeded' })
  t.match(entry('books'), {
    pvName: 'disk',
    skipped: true,
    skippedReason:
      "csiSnapshot: skipped b/c it's not a CSI volume;volumeSnapshot: no applicable volumesnapshotter found;",
    backupMethod: undefined,
  })
  t.match(entry('opted-out'), {
    skipped: true,
    skippedReason: /item has label velero.io\/exclude-from-backup=true/,
  })
  t.match(entry('copied'), {
    backupMethod: 'PodVolumeBackup',
    skipped: false,
    pvbInfo: { podName: 'writer' },
  })
  const kept = first.read(at('moved'))
  t.strictSame(kept.metadata.labels?.['velero.io/restore-name'], undefined, 'labels of earlier restores go')
  t.equal(kept.metadata.labels?.app, 'a')
  const upload = String(kept.metadata.annotations?.['velero.io/data-upload-name'])
  t.ok(
    first.has(`datauploads.velero.io/namespaces/${upload}`),
    'this backup’s upload is in it, whatever is left out',
  )

  const policies =
    'version: v1\nvolumePolicies: [{ conditions: { pvcPhase: [Pending, Lost] }, action: { type: skip } }]'
  apply(one, object('v1', 'ConfigMap', 'policies', { data: { 'policies.yaml': policies } }, 'velero'))
  const skipping = await taken(one, 'skipping', { resourcePolicy: { kind: 'configmap', name: 'policies' } })
  t.equal(textAt(skipping.made, 'status', 'phase'), 'Completed', 'a policy takes the error away')
  t.ok(skipping.has(at('waits')))

  one.store.remove('PersistentVolumeClaim', 'default', 'waits')
  const second = await taken(one, 'second', { snapshotMoveData: true, snapshotVolumes: false })
  t.equal(textAt(second.made, 'status', 'phase'), 'Completed')
  t.match(
    second.volumes.find((one) => one.pvcName === 'moved'),
    {
      skipped: true,
      skippedReason: /^volumeSnapshot: not satisfy the criteria/,
    },
  )
  t.ok(
    second.has(`datauploads.velero.io/namespaces/${upload}`),
    'uploads of other backups are objects like others',
  )
})
