import t from 'tap'
import { at, listAt, type Tree, treeAt } from '../../sandbox/cluster/tree.ts'
import {
  apply,
  claim,
  cluster,
  csi,
  definition,
  digitalOcean,
  eventually,
  workload,
} from './cluster-ground.ts'
import { clear, ground } from './droplet-ground.ts'

// What the API server of Kubernetes 1.36 refuses and removes by itself (pkg/apis/*/validation, its garbage collector).

const on = await ground({ objects: false })
await digitalOcean(on)
const paper = await cluster(on)
const { store } = paper
t.teardown(() => clear(on))

const object = (
  apiVersion: string,
  kind: string,
  name: string,
  more: Tree = {},
  metadata: Tree = {},
): Tree => ({
  apiVersion,
  kind,
  metadata: { name, namespace: 'default', ...metadata },
  ...more,
})
const make = (one: Tree) => apply(paper, JSON.stringify(one))[0]
const parsed = (text: string) => JSON.parse(text) as Tree
const ofCluster = { namespace: undefined }

t.test('what cannot change is refused in the API server’s words', async (t) => {
  const rbac = 'rbac.authorization.k8s.io/v1'
  const roleRef = (name: string) => ({
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
  })
  const services = (spec: Tree) => ({ spec: { ports: [{ port: 80 }], ...spec } })
  const db = parsed(workload('StatefulSet', 'default', 'db'))
  const widgets = parsed(definition('example.org', 'Widget'))
  const cases: [Tree, Tree, RegExp][] = [
    [
      object(rbac, 'RoleBinding', 'api', roleRef('a')),
      roleRef('b'),
      /^RoleBinding.rbac.authorization.k8s.io "api" is invalid: roleRef: Invalid value: {"apiGroup":.*,"name":"b"}: cannot change roleRef$/,
    ],
    [
      object('v1', 'ConfigMap', 'fixed', { immutable: true, data: { a: '1' } }),
      { data: { a: '2' } },
      /^ConfigMap "fixed" is invalid: data: Forbidden: field is immutable when `immutable` is set$/,
    ],
    [
      object('v1', 'Secret', 'typed', { type: 'Opaque' }),
      { type: 'other' },
      /^Secret "typed" is invalid: type: Invalid value: "other": field is immutable$/,
    ],
    [
      object('v1', 'Service', 'web', services({ clusterIP: '10.43.9.9' })),
      services({ clusterIP: 'None' }),
      /spec.clusterIPs\[0\]: Invalid value: \["None"\]: may not change once set$/,
    ],
    [
      object('scheduling.k8s.io/v1', 'PriorityClass', 'high', { value: 1 }, ofCluster),
      { value: 2 },
      /value: Forbidden: may not be changed in an update.$/,
    ],
    [
      object(
        'storage.k8s.io/v1',
        'StorageClass',
        'own',
        { provisioner: 'p', parameters: { a: '1' } },
        ofCluster,
      ),
      { parameters: { a: '2' } },
      /^StorageClass.storage.k8s.io "own" is invalid: parameters: Invalid value: {"a":"2"}: field is immutable$/,
    ],
    [
      parsed(workload('Deployment', 'default', 'web')),
      { spec: { selector: { matchLabels: { app: 'other' } }, template: {} } },
      /spec.selector: Invalid value: .*: field is immutable$/,
    ],
    [
      db,
      { spec: { ...treeAt(db, 'spec'), serviceName: 'other' } },
      /spec: Forbidden: updates to statefulset spec for fields other than 'replicas', .* and 'minReadySeconds' are forbidden$/,
    ],
    [
      widgets,
      { spec: { ...treeAt(widgets, 'spec'), scope: 'Cluster' } },
      /spec.scope: Invalid value: "Cluster": field is immutable$/,
    ],
    [
      object('batch/v1', 'Job', 'once', { spec: { template: { spec: { a: 1 } } } }),
      { spec: { template: { spec: { a: 2 } } } },
      /spec.template: Invalid value: .*: field is immutable$/,
    ],
  ]
  for (const [one, change, words] of cases) {
    make(one)
    t.throws(() => make({ ...one, ...change }), { code: 422, reason: 'Invalid', message: words })
    t.doesNotThrow(() => make(one), `${one.kind} as it was`)
  }
})

t.test('a claim grows where its class lets it, and changes in nothing else', async (t) => {
  apply(paper, csi)
  apply(paper, claim('data', '2Gi'))
  const live = () => store.get('PersistentVolumeClaim', 'default', 'data')
  await eventually(paper, () => at(live(), 'status', 'phase') === 'Bound')
  t.throws(() => apply(paper, claim('data', '1Gi')), {
    code: 422,
    message: /can not be less than status.capacity/,
  })
  t.throws(() => apply(paper, claim('data', '3Gi')), {
    code: 403,
    message: /only dynamically provisioned pvc/,
  })
  const storage = store.get('StorageClass', undefined, 'do-block-storage')
  store.update({ ...storage, allowVolumeExpansion: true })
  t.doesNotThrow(() => apply(paper, claim('data', '3Gi')))
  const moved = { ...live(), spec: { ...treeAt(live(), 'spec'), storageClassName: 'other' } }
  t.throws(() => store.update(moved), { code: 422, message: /spec is immutable after creation except/ })
  const [volume] = store.list('PersistentVolume')
  t.throws(() => store.update({ ...volume, spec: { ...treeAt(volume, 'spec'), csi: { driver: 'other' } } }), {
    message: /spec.persistentvolumesource is immutable after creation/,
  })
})

t.test('node ports are given out, kept, and not twice', async (t) => {
  const web = (name: string, port: Tree = {}) =>
    object('v1', 'Service', name, { spec: { type: 'NodePort', ports: [{ port: 80, ...port }] } })
  const portOf = (name: string) =>
    Number(listAt(store.get('Service', 'default', name), 'spec', 'ports')[0]?.nodePort)
  make(web('one'))
  const given = portOf('one')
  t.ok(given >= 30_000 && given < 32_768)
  make({ ...web('one'), metadata: { name: 'one', namespace: 'default', labels: { a: 'b' } } })
  t.equal(portOf('one'), given)
  const twice = () => make(web('two', { nodePort: given }))
  t.throws(twice, { code: 422, message: /provided port is already allocated/ })
})

t.test('what owners leave behind goes, also when they never were', async (t) => {
  const owner = make(object('v1', 'ConfigMap', 'owner'))
  const by = (uid: string, name = 'owner') => ({ apiVersion: 'v1', kind: 'ConfigMap', name, uid })
  const owned = (name: string, ...ownerReferences: Tree[]) =>
    make(object('v1', 'Secret', name, {}, { ownerReferences }))
  owned('kept', by(owner?.metadata.uid ?? ''), by('gone', 'never'))
  owned('stray', by('00000000-0000-0000-0000-000000000000'))
  owned('foreign', { apiVersion: 'example.net/v1', kind: 'Unknown', name: 'x', uid: 'u' })
  await eventually(paper, () => !store.find('Secret', 'default', 'stray'))
  const owners = () => listAt(store.get('Secret', 'default', 'kept'), 'metadata', 'ownerReferences')
  await eventually(paper, () => owners().length === 1)
  t.ok(store.find('Secret', 'default', 'foreign'), 'of an unknown kind nothing is concluded')
  store.remove('ConfigMap', 'default', 'owner')
  await eventually(paper, () => !store.find('Secret', 'default', 'kept'))
})

t.test('a namespace that is going takes nothing in, and waits for finalizers', async (t) => {
  make({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'going' } })
  make(object('v1', 'ConfigMap', 'held', {}, { namespace: 'going', finalizers: ['example.org/hold'] }))
  store.remove('Namespace', undefined, 'going')
  t.throws(() => make(object('v1', 'ConfigMap', 'late', {}, { namespace: 'going' })), {
    code: 403,
    message:
      'configmaps "late" is forbidden: unable to create new content in namespace going because it is being terminated',
  })
  await eventually(paper, () => store.get('ConfigMap', 'going', 'held').metadata.deletionTimestamp)
  const held = store.get('ConfigMap', 'going', 'held')
  t.ok(store.find('Namespace', undefined, 'going'))
  store.update({ ...held, metadata: { ...held.metadata, finalizers: [] } })
  await eventually(paper, () => !store.find('Namespace', undefined, 'going'))
})
