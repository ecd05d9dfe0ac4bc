import t from 'tap'
import { renderRepository } from '../../lib/gitops/render.ts'
import { listAt, type Tree, textAt, treeAt } from '../../sandbox/cluster/tree.ts'
import { ordinary } from '../gitops/fixture.ts'
import { application, apply, argo, cluster, definition, eventually, git } from './cluster-ground.ts'
import { clear, ground } from './droplet-ground.ts'

// The rules of Argo CD 3.5 (gitops-engine/pkg/sync, finalizeApplicationDeletion).

const object = (apiVersion: string, kind: string, name: string, more: Tree = {}, annotations: Tree = {}) =>
  JSON.stringify({ apiVersion, kind, metadata: { name, annotations }, ...more })
const role = (name: string) =>
  object('rbac.authorization.k8s.io/v1', 'RoleBinding', 'api', {
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
  })
const automated = { prune: true, selfHeal: true }
const retry = { limit: -1, refresh: true }
const option = (value: string) => ({ 'argocd.argoproj.io/sync-options': value })

t.test('it prunes first, tells what failed by object, and asks where it must', async (t) => {
  const on = await ground()
  t.teardown(() => clear(on))
  const files: Record<string, string> = {
    'apps/role.yaml': role('a'),
    'apps/gone.yaml': object('v1', 'ConfigMap', 'gone'),
    'apps/kept.yaml': object('v1', 'ConfigMap', 'kept', {}, option('Prune=false')),
    'apps/asked.yaml': object('v1', 'ConfigMap', 'asked', {}, option('Prune=confirm')),
  }
  const one = await cluster(on, git(files))
  const { store } = one
  apply(one, argo)
  apply(one, application('apps', { path: 'apps' }, { syncPolicy: { automated, retry } }))
  const state = () => treeAt(store.find('Application', 'argocd', 'apps'), 'status', 'operationState')
  const told = () => textAt(state(), 'message')
  await eventually(one, () => state().phase === 'Succeeded' && store.find('ConfigMap', 'default', 'asked'))

  delete files['apps/gone.yaml']
  delete files['apps/kept.yaml']
  files['apps/role.yaml'] = role('b')
  await eventually(one, () => /Retrying attempt #2 at \d+:\d+[AP]M\.$/.test(told()), 5000)
  t.match(
    told(),
    /^one or more objects failed to apply, reason: RoleBinding.*"api" is invalid: roleRef: .*cannot change roleRef/,
  )
  t.notOk(store.find('ConfigMap', 'default', 'gone'), 'pruned, whatever fails')
  t.ok(store.find('ConfigMap', 'default', 'kept'))
  t.match(
    listAt(state(), 'syncResult', 'resources').find((one) => one.kind === 'RoleBinding'),
    {
      group: 'rbac.authorization.k8s.io',
      namespace: 'default',
      name: 'api',
      status: 'SyncFailed',
      message: /cannot change/,
    },
  )

  delete files['apps/asked.yaml']
  files['apps/role.yaml'] = role('a')
  await eventually(one, () => told() === 'waiting for pruning confirmation of /ConfigMap/asked', 5000)
  t.ok(store.find('ConfigMap', 'default', 'asked'))
  const app = store.get('Application', 'argocd', 'apps')
  const approved = { 'argocd.argoproj.io/deletion-approved': new Date(Date.now() + 1000).toISOString() }
  store.update({ ...app, metadata: { ...app.metadata, annotations: approved } })
  await eventually(one, () => !store.find('ConfigMap', 'default', 'asked'))
})

t.test(
  'namespaces, claims and definitions stay when Git has them no longer, and nothing new comes until they are gone',
  async (t) => {
    const on = await ground()
    t.teardown(() => clear(on))
    const deletions = renderRepository(ordinary)['clusters/main/platform/backups/deletions.yaml'] ?? ''
    const claim = { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } }
    const files: Record<string, string> = {
      'apps/shop.yaml': object('v1', 'Namespace', 'shop'),
      'apps/claim.yaml': object('v1', 'PersistentVolumeClaim', 'ledger', claim),
      'apps/widget.yaml': definition('example.org', 'Widget'),
      'apps/gone.yaml': object('v1', 'ConfigMap', 'gone'),
      'apps/free.yaml': object('v1', 'Namespace', 'free', {}, option('Prune=true')),
    }
    const one = await cluster(on, git(files))
    const { store } = one
    apply(one, argo)
    for (const policy of deletions.split('\n---\n')) apply(one, policy)
    apply(one, application('apps', { path: 'apps' }, { syncPolicy: { automated, retry } }))
    const state = () => treeAt(store.find('Application', 'argocd', 'apps'), 'status', 'operationState')
    await eventually(one, () => state().phase === 'Succeeded' && store.find('Namespace', undefined, 'free'))

    for (const path of Object.keys(files)) delete files[path]
    files['apps/new.yaml'] = object('v1', 'ConfigMap', 'new')
    await eventually(one, () => /Retrying attempt #1/.test(textAt(state(), 'message')), 5000)
    t.match(
      textAt(state(), 'message'),
      /namespaces "shop" is forbidden: .*'regrow-keeps-data'.* denied request/,
    )
    t.notOk(store.find('ConfigMap', 'default', 'new'), 'what is new waits')
    t.notOk(store.find('ConfigMap', 'default', 'gone'))
    await eventually(one, () => !store.find('Namespace', undefined, 'free'))
    t.ok(store.find('Namespace', undefined, 'shop'))
    t.ok(store.find('PersistentVolumeClaim', 'default', 'ledger'))
    t.ok(store.find('CustomResourceDefinition', undefined, 'widgets.example.org'))
    store.remove('Namespace', undefined, 'shop')
    store.remove('PersistentVolumeClaim', 'default', 'ledger')
    store.remove('CustomResourceDefinition', undefined, 'widgets.example.org')
    await eventually(one, () => store.find('ConfigMap', 'default', 'new'), 5000)
  },
)

t.test('an Application with the finalizer takes along what it brought, but definitions', async (t) => {
  const on = await ground()
  t.teardown(() => clear(on))
  const files: Record<string, string> = {
    'apps/crd.yaml': definition('example.org', 'Widget'),
    'apps/one.yaml': object('v1', 'ConfigMap', 'one'),
    'apps/kept.yaml': object('v1', 'ConfigMap', 'kept', {}, option('Delete=false')),
  }
  const one = await cluster(on, git(files))
  const { store } = one
  apply(one, argo)
  const metadata = { finalizers: ['resources-finalizer.argocd.argoproj.io'] }
  // By hand, without a policy: nothing happens until somebody asks.
  apply(one, application('apps', { path: 'apps' }, { syncPolicy: {} }, metadata))
  const app = () => store.get('Application', 'argocd', 'apps')
  await eventually(
    one,
    () => textAt(store.find('Application', 'argocd', 'apps'), 'status', 'sync', 'status') === 'OutOfSync',
  )
  t.notOk(store.find('ConfigMap', 'default', 'one'))
  store.update({ ...app(), operation: { sync: {} } })
  await eventually(
    one,
    () => store.find('ConfigMap', 'default', 'kept') && store.find('ConfigMap', 'default', 'one'),
  )
  store.remove('Application', 'argocd', 'apps')
  await eventually(one, () => !store.find('Application', 'argocd', 'apps'))
  t.notOk(store.find('ConfigMap', 'default', 'one'))
  t.ok(store.find('ConfigMap', 'default', 'kept'))
  t.ok(store.find('CustomResourceDefinition', undefined, 'widgets.example.org'))
})

t.test('a commit that is refused holds back its own cure, unless a retry takes the newest one', async (t) => {
  for (const refresh of [true, false]) {
    const on = await ground()
    t.teardown(() => clear(on))
    const files: Record<string, string> = { 'apps/one.yaml': role('a') }
    const one = await cluster(on, git(files))
    const { store } = one
    apply(one, argo)
    const policy = { automated, retry: { limit: refresh ? -1 : 1, refresh } }
    apply(one, application('apps', { path: 'apps' }, { syncPolicy: policy }))
    const state = () => treeAt(store.find('Application', 'argocd', 'apps'), 'status', 'operationState')
    await eventually(one, () => state().phase === 'Succeeded')
    files['apps/one.yaml'] = role('b')
    await eventually(one, () => /Retrying attempt #1 /.test(textAt(state(), 'message')), 5000)
    const refused = textAt(state(), 'operation', 'sync', 'revisions', '0')
    files['apps/one.yaml'] = role('a')
    files['apps/cure.yaml'] = object('v1', 'ConfigMap', 'cure')
    await eventually(one, () => Number(state().retryCount) >= 2 || state().phase !== 'Running', 8000)
    if (!refresh) t.equal(textAt(state(), 'operation', 'sync', 'revisions', '0'), refused)
    if (!refresh) t.equal(state().phase, 'Failed', 'the cure came only once the limit was reached')
    await eventually(one, () => store.find('ConfigMap', 'default', 'cure'), 8000)
  }
})

t.test('a sync that waits for a wave stays at its commit', async (t) => {
  const on = await ground()
  t.teardown(() => clear(on))
  const waits = { 'argocd.argoproj.io/sync-wave': '-1' }
  const files: Record<string, string> = {
    'apps/claim.yaml': object(
      'v1',
      'PersistentVolumeClaim',
      'waits',
      {
        spec: {
          accessModes: ['ReadWriteOnce'],
          storageClassName: 'nobody',
          resources: { requests: { storage: '1Gi' } },
        },
      },
      waits,
    ),
    'apps/one.yaml': object('v1', 'ConfigMap', 'one'),
  }
  const one = await cluster(on, git(files))
  const { store } = one
  apply(one, argo)
  apply(one, application('apps', { path: 'apps' }, { syncPolicy: { automated, retry } }))
  const app = () => treeAt(store.find('Application', 'argocd', 'apps'), 'status')
  await eventually(one, () => /^waiting for healthy state/.test(textAt(app(), 'operationState', 'message')))
  const begun = textAt(app(), 'sync', 'revision')
  delete files['apps/claim.yaml']
  await eventually(one, () => textAt(app(), 'sync', 'revision') !== begun, 5000)
  t.equal(textAt(app(), 'operationState', 'phase'), 'Running')
  t.equal(textAt(app(), 'operationState', 'syncResult', 'revision'), begun)
  t.ok(
    store.find('PersistentVolumeClaim', 'default', 'waits'),
    'the commit that takes it away is for the next sync',
  )
})
