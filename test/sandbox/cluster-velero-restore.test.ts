import t from 'tap'
import type { Cluster } from '../../sandbox/cluster/cluster.ts'
import { at, listAt, type Tree, textAt, treeAt } from '../../sandbox/cluster/tree.ts'
import { apply, claim, definition, eventually } from './cluster-ground.ts'
import { backup, location, startedAnew, withVelero } from './velero-ground.ts'

// The rules of Velero 1.18.1 (pkg/restore and its actions), by what is in the cluster afterwards.

const object = (apiVersion: string, kind: string, metadata: Tree, more: Tree = {}) =>
  JSON.stringify({ apiVersion, kind, metadata, ...more })

async function restored(one: Cluster, name: string, spec: Tree) {
  apply(
    one,
    object(
      'velero.io/v1',
      'Restore',
      { name, namespace: 'velero' },
      { spec: { backupName: 'all', ...spec } },
    ),
  )
  const status = () => treeAt(one.store.find('Restore', 'velero', name), 'status')
  await eventually(one, () => /Completed|Failed/.test(textAt(status(), 'phase')), 10_000)
  return status()
}

t.test('what a restore brings, drops, keeps and leaves alone', async (t) => {
  const { one, reached, cloud } = await withVelero(t)
  const { store } = one
  apply(one, location())
  await reached('BackupStorageLocation', 'default', 'Available')
  const inShop = { namespace: 'shop' }
  const port = (more: Tree) => ({ name: 'web', port: 80, ...more })
  const host = { hostPath: { path: '/data' }, capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'] }
  const [first = ''] = [claim('lost')]
  apply(
    one,
    [
      object('v1', 'Namespace', { name: 'shop', labels: { team: 'a' } }),
      object(
        'v1',
        'ConfigMap',
        { ...inShop, name: 'held', finalizers: ['example.org/hold'] },
        { data: { a: '1' } },
      ),
      object(
        'v1',
        'ServiceAccount',
        { ...inShop, name: 'api', labels: { from: 'backup' } },
        { imagePullSecrets: [{ name: 'pull' }] },
      ),
      object(
        'v1',
        'Secret',
        { ...inShop, name: 'api-token-x' },
        { type: 'kubernetes.io/service-account-token' },
      ),
      object(
        'v1',
        'Service',
        { ...inShop, name: 'asked' },
        { spec: { type: 'NodePort', ports: [port({ nodePort: 30555 })] } },
      ),
      object('batch/v1', 'Job', { ...inShop, name: 'done' }, { spec: { template: {} } }),
      object('scheduling.k8s.io/v1', 'PriorityClass', { name: 'high' }, { value: 5 }),
      definition('example.org', 'Widget'),
      object('example.org/v1alpha1', 'Widget', { ...inShop, name: 'w' }),
      object(
        'v1',
        'PersistentVolume',
        { name: 'disk' },
        {
          spec: {
            ...host,
            storageClassName: 'by-hand',
            persistentVolumeReclaimPolicy: 'Retain',
            claimRef: { namespace: 'default', name: 'books' },
          },
        },
      ),
      JSON.stringify({
        ...JSON.parse(first),
        metadata: { name: 'books', namespace: 'default' },
        spec: { ...JSON.parse(first).spec, storageClassName: 'by-hand' },
      }),
      first,
    ].join('\n---\n'),
  )
  const { name, uid } = store.get('ConfigMap', 'shop', 'held').metadata
  const owner = { apiVersion: 'v1', kind: 'ConfigMap', name, uid }
  apply(one, object('v1', 'Secret', { ...inShop, name: 'of-owner', ownerReferences: [owner] }))
  // What the API chose by itself, as nobody's wish.
  store.create({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { ...inShop, name: 'given' },
    spec: { type: 'NodePort', ports: [port({ nodePort: 31999 })] },
  })
  store.setStatus('Job', 'shop', 'done', { completionTime: '2026-01-01T00:00:00Z' })
  const bound = (name: string) =>
    eventually(
      one,
      () => textAt(store.find('PersistentVolumeClaim', 'default', name), 'status', 'phase') === 'Bound',
    )
  await Promise.all([bound('lost'), bound('books')])
  await startedAnew(one) // it may have looked a second before the kind Widget came
  apply(one, backup('all', { includeClusterResources: true, snapshotVolumes: false }))
  await reached('Backup', 'all', 'Completed')

  const gone = async () => {
    const held = store.find('ConfigMap', 'shop', 'held')
    if (held) store.update({ ...held, metadata: { ...held.metadata, finalizers: [] } })
    for (const [kind, name] of [
      ['PersistentVolumeClaim', 'lost'],
      ['PersistentVolumeClaim', 'books'],
    ] as const)
      if (store.find(kind, 'default', name)) store.remove(kind, 'default', name)
    for (const [kind, name] of [
      ['Namespace', 'shop'],
      ['CustomResourceDefinition', 'widgets.example.org'],
      ['PriorityClass', 'high'],
      ['PersistentVolume', 'disk'],
    ] as const)
      if (store.find(kind, undefined, name)) store.remove(kind, undefined, name)
    await eventually(
      one,
      () => !store.find('Namespace', undefined, 'shop') && store.list('PersistentVolumeClaim').length === 0,
    )
  }

  await gone()
  const filtered = await restored(one, 'filtered', { excludedNamespaces: ['velero'] })
  t.notOk(store.find('PriorityClass', undefined, 'high'), 'a namespace left out: nothing cluster-scoped')
  t.notOk(store.find('CustomResourceDefinition', undefined, 'widgets.example.org'))
  t.equal(filtered.phase, 'PartiallyFailed', 'an object of an unknown kind is an error')
  t.match(store.get('Namespace', undefined, 'shop').metadata, { labels: { team: 'a' } })
  t.strictSame(
    store.get('Namespace', undefined, 'shop').metadata.labels?.['velero.io/restore-name'],
    undefined,
  )
  t.match(store.get('ConfigMap', 'shop', 'held'), { metadata: { finalizers: ['example.org/hold'] } })
  t.strictSame(at(store.get('Secret', 'shop', 'of-owner'), 'metadata', 'ownerReferences'), undefined)
  t.notOk(store.find('Secret', 'shop', 'api-token-x'), 'tokens of accounts are not restored')
  t.notOk(store.find('Job', 'shop', 'done'), 'nor jobs that ended')
  const nodePort = (name: string) => listAt(store.get('Service', 'shop', name), 'spec', 'ports')[0]?.nodePort
  t.equal(nodePort('asked'), 30555, 'a port that a field manager owns stays')
  t.not(nodePort('given'), 31999, 'another one is dropped')
  await Promise.all([bound('lost'), bound('books')])
  t.equal(
    textAt(store.get('PersistentVolumeClaim', 'default', 'books'), 'spec', 'volumeName'),
    'disk',
    'a kept volume comes back as it stood',
  )
  t.match(
    store.get(
      'PersistentVolume',
      undefined,
      textAt(store.get('PersistentVolumeClaim', 'default', 'lost'), 'spec', 'volumeName'),
    ),
    { spec: { csi: { volumeHandle: cloud.volumes.at(-1)?.id } } },
    'a claim without its bytes gets a new volume',
  )

  await gone()
  const whole = await restored(one, 'whole', {
    includeClusterResources: true,
    excludedNamespaces: ['velero'],
    preserveNodePorts: true,
    excludedResources: ['pvc', 'pv'],
  })
  t.equal(whole.phase, 'Completed')
  t.ok(store.find('PriorityClass', undefined, 'high'))
  t.ok(store.find('Widget', 'shop', 'w'))
  t.equal(nodePort('given'), 31999)
  t.notOk(store.find('PersistentVolume', undefined, 'disk'))

  const account = store.get('ServiceAccount', 'shop', 'api')
  store.update({
    ...account,
    metadata: { ...account.metadata, labels: { from: 'cluster' } },
    imagePullSecrets: [{ name: 'own' }],
  })
  store.update({ ...store.get('ConfigMap', 'shop', 'held'), data: { a: '2' } })
  const again = await restored(one, 'again', {
    includedNamespaces: ['shop'],
    includedResources: ['sa', 'configmaps'],
  })
  t.match(
    store.get('ServiceAccount', 'shop', 'api'),
    { metadata: { labels: { from: 'cluster' } }, imagePullSecrets: [{ name: 'own' }, { name: 'pull' }] },
    'accounts are merged',
  )
  t.match(again, { phase: 'Completed', warnings: 1 })
  t.match(store.get('ConfigMap', 'shop', 'held'), { data: { a: '2' } }, 'what is there stays')
  await restored(one, 'update', {
    includedResources: ['configmaps'],
    includedNamespaces: ['shop'],
    existingResourcePolicy: 'update',
  })
  t.match(store.get('ConfigMap', 'shop', 'held'), { data: { a: '1' } })
  t.match(await restored(one, 'refused', { includedResources: ['nodes'] }), {
    phase: 'FailedValidation',
    validationErrors: ['nodes are non-restorable resources'],
  })
})

t.test('moved volumes need the upload of this backup, and only one', async (t) => {
  const { one, reached } = await withVelero(t)
  const { store } = one
  apply(one, location())
  await reached('BackupStorageLocation', 'default', 'Available')
  apply(one, claim('data'))
  const phase = () => textAt(store.find('PersistentVolumeClaim', 'default', 'data'), 'status', 'phase')
  await eventually(one, () => phase() === 'Bound')
  const volume = store.get(
    'PersistentVolume',
    undefined,
    textAt(store.get('PersistentVolumeClaim', 'default', 'data'), 'spec', 'volumeName'),
  )
  store.update({ ...volume, spec: { ...treeAt(volume, 'spec'), persistentVolumeReclaimPolicy: 'Retain' } })
  apply(one, backup('clean', { snapshotMoveData: true, excludedResources: ['datauploads'] }))
  await reached('Backup', 'clean', 'Completed')
  apply(one, backup('doubled', { snapshotMoveData: true }))
  await reached('Backup', 'doubled', 'Completed')
  const lose = async () => {
    store.remove('PersistentVolumeClaim', 'default', 'data')
    await eventually(one, () => phase() === '')
  }
  await lose()
  const doubled = await restored(one, 'doubled', { backupName: 'doubled', includedNamespaces: ['default'] })
  t.match(doubled, { phase: 'PartiallyFailed', errors: 1 }, 'two uploads for one claim')
  t.equal(phase(), '')
  const clean = await restored(one, 'clean', {
    backupName: 'clean',
    includedNamespaces: ['default'],
    includedResources: ['pvc', 'pv'],
  })
  t.match(clean, { phase: 'Completed' })
  await eventually(one, () => phase() === 'Bound')
  const back = store.get('PersistentVolumeClaim', 'default', 'data')
  t.equal(
    textAt(
      store.get('PersistentVolume', undefined, textAt(back, 'spec', 'volumeName')),
      'spec',
      'persistentVolumeReclaimPolicy',
    ),
    'Retain',
    'as the old volume had it',
  )
})
