import { dump, load } from 'js-yaml'
import t from 'tap'
import { applicationOf } from '../../lib/gitops/application.ts'
import { type HeldObject, heldObject } from '../../lib/gitops/held.ts'
import { removedFromGit } from '../../lib/gitops/removed.ts'
import { rootApplication } from '../../lib/gitops/render.ts'
import { FakeRepository } from './fake-repository.ts'
import { ordinary } from './fixture.ts'

// Constructed repositories: what a backup holds of them is compared with their newest commit.

const ours = 'git@github.com:bob/regrow-main.git'
const { spec: rootSpec } = load(rootApplication({ ...ordinary, owner: 'bob', sshUrl: ours })) as {
  spec: unknown
}
const roots = [applicationOf('root', rootSpec, [])].flatMap((one) => one ?? [])

const prune = { automated: { prune: true, selfHeal: true } }
const application = (name: string, source: object, more: object = {}) =>
  dump({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name, namespace: 'argocd' },
    spec: { destination: { namespace: 'default' }, source, syncPolicy: prune, ...more },
  })
const apps = application(
  'apps',
  {},
  {
    source: undefined,
    sources: [
      { repoURL: ours, targetRevision: 'main', path: 'clusters/main/apps', directory: { recurse: true } },
      { repoURL: ours, targetRevision: 'HEAD', path: 'storage', directory: { include: 'pvc.yaml' } },
    ],
  },
)

interface Thing {
  apiVersion: string
  kind: string
  metadata: { name: string; namespace?: string; annotations?: Record<string, string> }
  [more: string]: unknown
}
const thing = (kind: string, id: string, more: object = {}, apiVersion = 'v1'): Thing => {
  const [name = '', namespace] = id.split('/').toReversed()
  return { apiVersion, kind, metadata: { name, ...(namespace ? { namespace } : {}) }, ...more }
}
const claim = (id: string) =>
  thing('PersistentVolumeClaim', id, { spec: { resources: { requests: { storage: '1Gi' } } } })
const resources: Record<string, string> = {
  PersistentVolumeClaim: 'persistentvolumeclaims',
  Namespace: 'namespaces',
  ConfigMap: 'configmaps',
  Secret: 'secrets',
  Deployment: 'deployments.apps',
  Application: 'applications.argoproj.io',
  ClusterRole: 'clusterroles.rbac.authorization.k8s.io',
  Role: 'roles.rbac.authorization.k8s.io',
  Widget: 'widgets.example.org',
  CustomResourceDefinition: 'customresourcedefinitions.apiextensions.k8s.io',
}

/** An object as the backup holds it; `app` brought it. */
function held(one: Thing, app?: string, annotations: Record<string, string> = {}): HeldObject {
  const { namespace, name } = one.metadata
  const group = one.apiVersion.includes('/') ? one.apiVersion.split('/')[0] : ''
  // As Argo CD marks what belongs to no namespace.
  const id = `${app}:${group}/${one.kind}:${namespace ?? 'default'}/${name}`
  const tracked = app === undefined ? {} : { 'argocd.argoproj.io/tracking-id': id }
  return heldObject(resources[one.kind] ?? '', {
    ...one,
    metadata: { ...one.metadata, annotations: { ...annotations, ...tracked } },
  })
}

const yaml = (...all: object[]) => all.map((one) => dump(one)).join('---\n')

/** A repository with the app of apps, and what a test puts into it, in its first commit. */
function repository(files: Record<string, string> = {}): FakeRepository {
  const fake = new FakeRepository()
  fake.commit('Seed', {
    'clusters/main/apps.yaml': apps,
    'clusters/main/apps/README.md': '# apps',
    'clusters/main/cluster.yaml': '# +argocd:skip-file-rendering\ncluster: main\n',
    'storage/pvc.yaml': yaml(claim('hello/hello')),
    ...files,
  })
  return fake
}

const compare = (fake: FakeRepository, all: HeldObject[], before = [fake.commits[0]?.sha ?? '']) =>
  removedFromGit({
    github: fake.github,
    place: fake.place,
    branch: 'main',
    roots,
    head: fake.head,
    before,
    held: all,
  })

/** What was found, in short. */
async function found(fake: FakeRepository, all: HeldObject[], before?: string[]) {
  const { removed, moved, restorable, unrestorable } = await compare(fake, all, before)
  return {
    removed: removed.map(({ object, commit, with: by }) =>
      [object.kind, object.id, commit?.message ?? 'no commit', ...(by ? [`with ${by}`] : [])].join(' '),
    ),
    ...(moved.length > 0 ? { moved: moved.map((one) => `${one.kind} ${one.id}`) } : {}),
    ...(restorable.size > 0 ? { restorable: [...restorable.keys()] } : {}),
    ...(unrestorable.length > 0 ? { unrestorable: unrestorable.map(({ object }) => object.id) } : {}),
  }
}

const nothing = { removed: [] }

t.test('what Git still has is not named, wherever it stands', async (t) => {
  const shop = yaml(thing('Namespace', 'shop'), claim('shop/ledger'), thing('ConfigMap', 'settings'))
  const fake = repository({ 'clusters/main/apps/shop/all.yaml': shop })
  const all = [
    held(thing('Namespace', 'shop'), 'apps'),
    held(claim('shop/ledger'), 'apps'),
    held(thing('ConfigMap', 'default/settings'), 'apps'),
    held(claim('hello/hello'), 'apps'),
    held(thing('Application', 'argocd/apps', {}, 'argoproj.io/v1alpha1'), 'root'),
    held(thing('Secret', 'shop/by-hand')),
  ]
  t.same(await found(fake, all), nothing)
  fake.commit('Tidy', {
    'clusters/main/apps/shop/all.yaml': undefined,
    'clusters/main/apps/moved/shop.yml': shop,
  })
  t.same(await found(fake, all), nothing, 'a file that moved')
})

t.test('a claim whose file left Git is named with the commit that removed it', async (t) => {
  const path = 'clusters/main/apps/shop/ledger.yaml'
  const fake = repository({ [path]: yaml(claim('shop/ledger'), thing('ConfigMap', 'shop/settings')) })
  fake.commit('Change the sample', { 'clusters/main/apps/README.md': '# mine' })
  const sha = fake.commit('Remove the ledger\n\nWe have another.', { [path]: undefined })
  fake.commit('Something else', { 'README.md': 'x' })
  const all = [held(claim('shop/ledger'), 'apps'), held(thing('ConfigMap', 'shop/settings'), 'apps')]
  const { removed, restorable, unrestorable } = await compare(fake, all)
  t.match(removed, [
    {
      object: { id: 'shop/ledger', storage: '1Gi' },
      commit: { sha, author: 'bob', path, message: /^Remove the ledger/ },
    },
    { object: { id: 'shop/settings' }, commit: { sha } },
  ])
  t.same([...restorable], [[path, fake.commits[0]?.files[path]]], 'the file as it was')
  t.same(unrestorable, [])
})

t.test('what Argo CD leaves in the cluster when it leaves Git is not named', async (t) => {
  const path = 'clusters/main/apps/a.yaml'
  const fake = repository({ [path]: yaml(claim('shop/a')) })
  fake.commit('Remove it', { [path]: undefined })
  for (const options of ['Prune=false,Delete=false', 'Delete=false, Prune=false', 'Prune=confirm'])
    t.same(
      await found(fake, [held(claim('shop/a'), 'apps', { 'argocd.argoproj.io/sync-options': options })]),
      nothing,
      options,
    )
  t.match(
    await found(fake, [held(claim('shop/a'), 'apps', { 'argocd.argoproj.io/sync-options': 'Delete=false' })]),
    {
      removed: ['PersistentVolumeClaim shop/a Remove it'],
    },
  )
  t.same(await found(fake, [held(claim('shop/a'))]), nothing, 'made by hand')
  const copied = heldObject('persistentvolumeclaims', {
    ...claim('shop/b'),
    metadata: {
      ...claim('shop/b').metadata,
      annotations: { 'argocd.argoproj.io/tracking-id': 'apps:/PersistentVolumeClaim:shop/a' },
    },
  })
  t.same(await found(fake, [copied]), nothing, 'the mark of another object')
})

t.test(
  'everything in a removed namespace goes with it, whoever made it, and with a definition its objects',
  async (t) => {
    const path = 'clusters/main/apps/shop.yaml'
    const crd = thing('CustomResourceDefinition', 'widgets.example.org', {}, 'apiextensions.k8s.io/v1')
    const fake = repository({
      [path]: yaml(thing('Namespace', 'shop'), crd),
      'clusters/main/apps/wanted.yaml': yaml(thing('ConfigMap', 'shop/wanted')),
    })
    fake.commit('Close the shop', { [path]: undefined })
    const all = [
      held(thing('Namespace', 'shop'), 'apps'),
      held(crd, 'apps'),
      held(claim('shop/ledger')),
      held(thing('Secret', 'shop/pin')),
      held(thing('ConfigMap', 'shop/wanted'), 'apps'),
      held(claim('bank/ledger')),
      held(thing('Widget', 'bank/w', {}, 'example.org/v1')),
    ]
    t.same(await found(fake, all), {
      removed: [
        'Namespace shop Close the shop',
        'CustomResourceDefinition widgets.example.org Close the shop',
        'PersistentVolumeClaim shop/ledger Close the shop with Namespace shop',
        'Secret shop/pin Close the shop with Namespace shop',
        'ConfigMap shop/wanted Close the shop with Namespace shop',
        'Widget bank/w Close the shop with CustomResourceDefinition widgets.example.org',
      ],
      restorable: [path],
    })
  },
)

t.test('a document that was taken out of a file names its commit, and no file brings it back', async (t) => {
  const path = 'clusters/main/apps/shop.yaml'
  const [a, b] = [thing('ConfigMap', 'shop/a'), claim('shop/b')]
  const fake = repository({ [path]: yaml(a, b) })
  fake.commit('Take b out', { [path]: yaml(a) })
  fake.commit('Change a', { [path]: yaml({ ...a, data: { x: '1' } }) })
  t.same(await found(fake, [held(a, 'apps'), held(b, 'apps')]), {
    removed: ['PersistentVolumeClaim shop/b Take b out'],
    unrestorable: ['shop/b'],
  })
})

t.test('an Application that left Git takes everything that it brought, the charts’ too', async (t) => {
  const file = 'clusters/main/apps/shop-app.yaml'
  const source = { repoURL: ours, targetRevision: 'main', path: 'shop' }
  const chart = application('database', {
    repoURL: 'https://charts.example.org',
    chart: 'db',
    targetRevision: '1.0.0',
  })
  const fake = repository({
    [file]: application('shop', source),
    'clusters/main/apps/database.yaml': chart,
    'shop/claim.yaml': yaml(claim('shop/ledger')),
  })
  const all = [
    held(thing('Application', 'argocd/shop', {}, 'argoproj.io/v1alpha1'), 'apps'),
    held(claim('shop/ledger'), 'shop'),
    held(claim('db/data'), 'database'),
    held(thing('ConfigMap', 'old/orphan'), 'gone-long-ago'),
  ]
  t.same(await found(fake, all), nothing)
  fake.commit('Upgrade the database', { 'clusters/main/apps/database.yaml': chart.replace('1.0.0', '2.0.0') })
  t.same(await found(fake, all), nothing, 'another version of the same chart')
  fake.commit('No shop', { [file]: undefined })
  t.same(await found(fake, all), {
    removed: ['Application argocd/shop No shop', 'PersistentVolumeClaim shop/ledger No shop'],
    restorable: [file],
  })
  fake.commit('Its files', { 'shop/claim.yaml': undefined, 'shop/x': 'keeps the folder' })
  fake.commit('No database', { 'clusters/main/apps/database.yaml': undefined })
  t.same(
    await found(fake, all.slice(1)),
    {
      removed: ['PersistentVolumeClaim shop/ledger Its files', 'PersistentVolumeClaim db/data No database'],
      restorable: ['shop/claim.yaml', file, 'clusters/main/apps/database.yaml'],
    },
    'an old backup holds no Applications; both files are needed',
  )
})

t.test('what another Application brings by now moved there', async (t) => {
  const source = (path: string) => ({ repoURL: ours, targetRevision: 'main', path })
  const chart = { repoURL: 'https://charts.example.org', chart: 'db', targetRevision: '1.0.0' }
  const fake = repository({
    'clusters/main/apps/shop.yaml': yaml(claim('shop/ledger')),
    'clusters/main/apps/db.yaml': application('db', chart),
  })
  fake.commit('Apart', {
    'clusters/main/apps/shop.yaml': application('shop', source('shop')),
    'shop/claim.yaml': yaml(claim('shop/ledger')),
    'clusters/main/apps/db.yaml': application('database', chart),
  })
  t.same(await found(fake, [held(claim('shop/ledger'), 'apps'), held(claim('db/data'), 'db')]), {
    removed: [],
    moved: ['PersistentVolumeClaim shop/ledger', 'PersistentVolumeClaim db/data'],
  })
})

t.test('an Application’s source that changed names the commit that changed it', async (t) => {
  const app = (path: string, more = {}) =>
    application('shop', { repoURL: 'https://github.com/Bob/regrow-main', path, ...more })
  const file = 'clusters/main/apps/shop-app.yaml'
  const fake = repository({
    [file]: app('shop'),
    'shop/claim.yaml': yaml(claim('shop/ledger')),
    'other/map.yaml': yaml(thing('ConfigMap', 'shop/a')),
  })
  const all = [held(claim('shop/ledger'), 'shop')]
  fake.commit('Look elsewhere', { [file]: app('other') })
  t.same(await found(fake, all), {
    removed: ['PersistentVolumeClaim shop/ledger Look elsewhere'],
    unrestorable: ['shop/ledger'],
  })
  fake.commit('Leave it out', { [file]: app('shop', { directory: { exclude: 'cl*.yaml' } }) })
  t.match(await found(fake, all), { removed: ['PersistentVolumeClaim shop/ledger Leave it out'] })
  fake.commit('Do not prune', { [file]: app('other').replace('prune: true', 'prune: false') })
  t.same(await found(fake, all), nothing, 'Argo CD removes nothing by itself')
})

t.test('kustomizations: local resources are told by name, what is fetched or made is not', async (t) => {
  const file = 'clusters/main/apps/shop-app.yaml'
  const kustomization = (...names: string[]) =>
    dump({ resources: ['https://example.org/x.yaml', ...names], namespace: 'shop', namePrefix: 'my-' })
  const fake = repository({
    [file]: application('shop', { repoURL: ours, targetRevision: 'HEAD', path: 'shop/overlay' }),
    'shop/overlay/kustomization.yaml': kustomization('../base', 'claim.yaml'),
    'shop/overlay/claim.yaml': yaml(claim('ledger')),
    'shop/base/kustomization.yaml': dump({ resources: ['map.yaml'] }),
    'shop/base/map.yaml': yaml(thing('ConfigMap', 'a')),
  })
  const all = [
    held(claim('shop/my-ledger'), 'shop'),
    held(thing('ConfigMap', 'shop/my-a'), 'shop'),
    held(thing('Secret', 'shop/generated-5f7'), 'shop'),
  ]
  t.same(await found(fake, all), nothing)
  fake.commit('Name it no longer', { 'shop/overlay/kustomization.yaml': kustomization('../base') })
  t.same(await found(fake, all), {
    removed: ['PersistentVolumeClaim shop/my-ledger Name it no longer'],
    unrestorable: ['shop/my-ledger'],
  })
  fake.commit('Nor the map', { 'shop/base/map.yaml': undefined, 'shop/base/kustomization.yaml': dump({}) })
  t.match(await found(fake, all), {
    removed: [/my-ledger Name it no longer/, 'ConfigMap shop/my-a Nor the map'],
    unrestorable: ['shop/my-ledger', 'shop/my-a'],
  })
})

t.test('an Application made by hand has its say, and comes back by itself', async (t) => {
  const spec = {
    destination: { namespace: 'team' },
    source: { repoURL: ours, path: 'team' },
    syncPolicy: prune,
  }
  const byHand = heldObject(
    'applications.argoproj.io',
    thing('Application', 'argocd/team', { spec }, 'argoproj.io/v1alpha1'),
  )
  const elsewhere = heldObject(
    'applications.argoproj.io',
    thing(
      'Application',
      'argocd/far',
      { spec: { ...spec, source: { repoURL: 'git@github.com:acme/far', path: '.' } } },
      'argoproj.io/v1alpha1',
    ),
  )
  const fake = repository({ 'team/a.yaml': yaml(claim('a')), 'team/b.yaml': yaml(claim('b')) })
  const all = [
    byHand,
    elsewhere,
    held(claim('team/a'), 'team'),
    held(claim('team/b'), 'team'),
    held(claim('x/y'), 'far'),
  ]
  t.same(await found(fake, all), nothing)
  fake.commit('No b', { 'team/b.yaml': undefined })
  t.match(await found(fake, all), { removed: ['PersistentVolumeClaim team/b No b'] })
})

t.test('what cannot be read changes nothing at Argo CD’s, and other revisions are looked up', async (t) => {
  const path = 'clusters/main/apps/shop.yaml'
  const fake = repository({
    [path]: yaml(claim('shop/ledger')),
    'clusters/main/apps/stable.yaml': application('stable', {
      repoURL: ours,
      targetRevision: 'stable',
      path: 'shop',
    }),
  })
  fake.branches.set('heads/stable', fake.head)
  fake.commit('Broken', { [path]: undefined, 'clusters/main/apps/x.yaml': 'a: [' })
  t.same(await found(fake, [held(claim('shop/ledger'), 'apps')]), nothing)
  fake.commit('Mended', { 'clusters/main/apps/x.yaml': undefined })
  t.match(await found(fake, [held(claim('shop/ledger'), 'apps')]), { removed: [/shop\/ledger Broken/] })
  t.match(await found(fake, [held(claim('shop/x'), 'stable')]), {
    removed: [/^PersistentVolumeClaim shop\/x/],
  })
  fake.branches.delete('heads/stable')
  t.same(await found(fake, [held(claim('shop/x'), 'stable')]), nothing, 'a branch that nobody knows')
})

t.test(
  'what Git had lost before the backup began is found too, for Argo CD looks every three minutes',
  async (t) => {
    const path = 'clusters/main/apps/shop.yaml'
    const fake = repository({ [path]: yaml(claim('shop/ledger')) })
    const late = fake.commit('Remove it', { [path]: undefined })
    const all = [held(claim('shop/ledger'), 'apps')]
    t.match(await found(fake, all, [late]), {
      removed: ['PersistentVolumeClaim shop/ledger Remove it'],
      restorable: [path],
    })
    t.match(
      await found(fake, all, []),
      { removed: ['PersistentVolumeClaim shop/ledger Remove it'] },
      'no commit known',
    )
    t.match(await found(fake, [held(claim('shop/never'), 'apps')], [late]), { removed: [/never no commit/] })
  },
)

t.test('names with colons, and objects of no namespace', async (t) => {
  const path = 'clusters/main/apps/roles.yaml'
  const rbac = 'rbac.authorization.k8s.io/v1'
  const [role, all] = [thing('Role', 'shop/odd:reader:x', {}, rbac), thing('ClusterRole', 'all:x', {}, rbac)]
  const fake = repository({ [path]: yaml(role, all) })
  const objects = [held(role, 'apps'), held(all, 'apps')]
  t.same(
    objects.map(({ app }) => app),
    ['apps', 'apps'],
  )
  t.same(await found(fake, objects), nothing)
  fake.commit('No roles', { [path]: undefined })
  t.match(await found(fake, objects), { removed: [/odd:reader:x No roles/, /all:x No roles/] })
})

t.test(
  'nothing is asked of GitHub where Argo CD brought nothing, and each content is read once',
  async (t) => {
    const path = 'clusters/main/apps/shop.yaml'
    const fake = repository({ [path]: yaml(claim('shop/ledger')) })
    fake.commit('Remove it', { [path]: undefined })
    t.same(await found(fake, [held(claim('shop/ledger'))]), nothing)
    t.same(fake.asked, [])
    await found(fake, [held(claim('shop/ledger'), 'apps')])
    t.equal(new Set(fake.asked).size, fake.asked.length, fake.asked.join('\n'))
  },
)

t.test('a repository that names more Applications than anybody has is refused, with the file', async (t) => {
  const own = { repoURL: ours, targetRevision: 'main', path: 'clusters/main/apps' }
  const many = Array.from({ length: 1500 }, (_, n) => application(`one-${n}`, own)).join('---\n')
  const fake = repository({ 'clusters/main/apps/many.yaml': many })
  await t.rejects(compare(fake, [held(claim('hello/hello'), 'apps')]), {
    message: 'bob/regrow-main names more than 1000 Applications',
    cure: /^Look at clusters\/main\/apps\/many\.yaml/,
  })
})
