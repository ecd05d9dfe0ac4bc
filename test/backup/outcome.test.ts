import t from 'tap'
import type { BackedObject } from '../../lib/backup/objects.ts'
import type { LiveObject } from '../../lib/backup/proof/live.ts'
import { type Bringer, foreseen, outcomes, type Sight } from '../../lib/backup/proof/outcome.ts'

const kinds: Record<string, [string, string]> = {
  secrets: ['v1', 'Secret'],
  configmaps: ['v1', 'ConfigMap'],
  services: ['v1', 'Service'],
  endpoints: ['v1', 'Endpoints'],
  pods: ['v1', 'Pod'],
  nodes: ['v1', 'Node'],
  persistentvolumeclaims: ['v1', 'PersistentVolumeClaim'],
  persistentvolumes: ['v1', 'PersistentVolume'],
  'deployments.apps': ['apps/v1', 'Deployment'],
  'replicasets.apps': ['apps/v1', 'ReplicaSet'],
  'jobs.batch': ['batch/v1', 'Job'],
  'cronjobs.batch': ['batch/v1', 'CronJob'],
  'sealedsecrets.bitnami.com': ['bitnami.com/v1alpha1', 'SealedSecret'],
}
const object = (resource: string, id: string, more: Partial<BackedObject> = {}): BackedObject => {
  const [apiVersion = '', kind = ''] = kinds[resource] ?? ['example.org/v1', 'Widget']
  return {
    resource,
    id,
    apiVersion,
    kind,
    uid: `old ${resource} ${id}`,
    owner: undefined,
    app: undefined,
    digest: 'as backed up',
    marks: '',
    clustersOwn: false,
    ...more,
  }
}
const ownedBy = (owner: BackedObject) => ({
  owner: { kind: owner.kind, name: owner.id.split('/')[1] ?? '', uid: owner.uid },
})
const live = (resource: string, id: string, more: Partial<LiveObject> = {}): [string, string, LiveObject] => [
  resource,
  id,
  {
    uid: `new ${resource} ${id}`,
    digest: 'as backed up',
    marks: '',
    owners: [],
    restoredBy: 'restore-main-2',
    clustersOwn: false,
    ready: undefined,
    wantsNone: false,
    leaving: false,
    ...more,
  },
]
const app = (lists: string[], more: Partial<Bringer> = {}): Bringer => ({
  lists: new Set(lists),
  looked: true,
  automated: true,
  state: 'Synced, Healthy',
  ...more,
})
const sight = (there: [string, string, LiveObject][], more: Partial<Sight> = {}): Sight => {
  const objects = new Map<string, Map<string, LiveObject>>()
  for (const [resource, id, one] of there) {
    const all = objects.get(resource) ?? new Map<string, LiveObject>()
    objects.set(resource, all.set(id, one))
  }
  return {
    live: { objects, unlisted: new Map() },
    apps: new Map(),
    volumes: new Map(),
    unequal: new Map(),
    nodes: new Map(),
    dropped: new Map(),
    partial: false,
    beside: false,
    ...more,
  }
}
const told = (backed: BackedObject[], seen: Sight) =>
  Object.fromEntries(
    outcomes(backed, seen).map(({ resource, id, outcome, why }) => [
      `${resource} ${id}`,
      why ? `${outcome}: ${why}` : outcome,
    ]),
  )

t.test('what is there with the backup’s content is back; what is not there is missing', (t) => {
  t.same(
    told(
      [object('secrets', 'shop/db'), object('secrets', 'shop/gone'), object('widgets.example.org', 'shop/w')],
      sight([live('secrets', 'shop/db')], {
        live: {
          objects: new Map([['secrets', new Map([['shop/db', live('secrets', 'shop/db')[2]]])]]),
          unlisted: new Map([['widgets.example.org', 'the cluster knows no such kind']]),
        },
      }),
    ),
    {
      'secrets shop/db': 'back',
      'secrets shop/gone': 'missing: it is not there',
      'widgets.example.org shop/w': 'missing: the cluster knows no such kind',
    },
  )
  t.end()
})

t.test('content that was another one before Git took over stays missing, whoever tells it again', (t) => {
  const unequal = new Map([['secrets shop/db', 'its content is not the backup’s']])
  const junk = [live('secrets', 'shop/db', { digest: 'junk' })]
  t.same(told([object('secrets', 'shop/db')], sight(junk, { unequal })), {
    'secrets shop/db': 'missing: its content is not the backup’s',
  })
  t.same(
    told([object('secrets', 'shop/db')], sight(junk)),
    { 'secrets shop/db': 'back' },
    'apps changed it since',
  )
  t.end()
})

t.test('the cluster’s own object of the same name is not the backup’s', (t) => {
  t.same(
    told(
      [object('configmaps', 'kube-system/coredns')],
      sight([live('configmaps', 'kube-system/coredns', { digest: 'own', restoredBy: undefined })]),
    ),
    { 'configmaps kube-system/coredns': 'made anew: by this cluster, with its own content' },
  )
  t.end()
})

t.test('a claim is back with its bytes, and its volume with it', (t) => {
  const backed = [
    object('persistentvolumeclaims', 'shop/files', { bound: true }),
    object('persistentvolumes', 'pvc-1', { claim: 'shop/files' }),
    object('persistentvolumeclaims', 'ledger/books', { bound: true }),
    object('persistentvolumes', 'ledger-books', { claim: 'ledger/books' }),
    object('persistentvolumes', 'released'),
  ]
  const there = [live('persistentvolumeclaims', 'shop/files'), live('persistentvolumeclaims', 'ledger/books')]
  t.same(told(backed, sight(there, { volumes: new Map([['shop/files', undefined]]) })), {
    'persistentvolumeclaims shop/files': 'back',
    'persistentvolumes pvc-1': 'back',
    'persistentvolumeclaims ledger/books': 'missing: its bytes are not in the backup',
    'persistentvolumes ledger-books':
      'missing: it is the volume of claim ledger/books: its bytes are not in the backup',
    'persistentvolumes released': 'not restored: no claim holds it, so no backup has its bytes',
  })
  t.match(told(backed, sight(there, { volumes: new Map([['shop/files', 'it is empty']]) })), {
    'persistentvolumeclaims shop/files': 'missing: it is empty',
    'persistentvolumes pvc-1': 'missing: it is the volume of claim shop/files: it is empty',
  })
  t.match(told(backed, sight(there, { partial: true })), {
    'persistentvolumeclaims ledger/books': 'not restored: its bytes are not in the backup',
  })
  t.end()
})

t.test('a claim that was about to be bound to a volume is not back, though its object is', (t) => {
  const backed = [
    object('persistentvolumeclaims', 'shop/imported', { bound: false }),
    object('persistentvolumes', 'imported', { claim: 'shop/imported', handle: 'v1' }),
  ]
  const why =
    'it was not bound to volume imported yet when the backup was made, so its bytes are not in the backup'
  const wanted = {
    'persistentvolumeclaims shop/imported': `not restored: ${why}`,
    'persistentvolumes imported': `not restored: it is the volume of claim shop/imported: ${why}`,
  }
  t.same(told(backed, sight([live('persistentvolumeclaims', 'shop/imported')])), wanted)
  const planned = foreseen(backed, { volumes: [], beside: false, partial: false })
  t.same(
    Object.fromEntries(planned.map((one) => [`${one.resource} ${one.id}`, `${one.outcome}: ${one.why}`])),
    wanted,
  )
  t.end()
})

t.test('a claim that had no volume is back as an object, and its proof says that it had no bytes', (t) => {
  const from = object('persistentvolumeclaims', 'shop/copy', { bound: false, from: 'before' })
  const backed = [object('persistentvolumeclaims', 'shop/waits', { bound: false }), from]
  const there = [live('persistentvolumeclaims', 'shop/waits'), live('persistentvolumeclaims', 'shop/copy')]
  const bytes = 'its bytes were in VolumeSnapshot before alone, which is in no backup'
  t.same(told(backed, sight(there)), {
    'persistentvolumeclaims shop/waits':
      'back: it had no volume when the backup was made, so it had no bytes',
    'persistentvolumeclaims shop/copy': `missing: ${bytes}`,
  })
  t.match(told(backed, sight(there, { partial: true })), {
    'persistentvolumeclaims shop/copy': `not restored: ${bytes}`,
  })
  t.match(told(backed, sight([])), { 'persistentvolumeclaims shop/waits': /^missing/ })
  t.end()
})

t.test('what an owner makes counts when that owner is there and made it', (t) => {
  const web = object('deployments.apps', 'shop/web')
  const set = object('replicasets.apps', 'shop/web-1', ownedBy(web))
  const pod = object('pods', 'shop/web-1-a', ownedBy(set))
  const nowSet = live('replicasets.apps', 'shop/web-9', { owners: ['new deployments.apps shop/web'] })
  const nowPod = live('pods', 'shop/web-9-z', { owners: ['new replicasets.apps shop/web-9'] })
  t.same(told([web, set, pod], sight([live('deployments.apps', 'shop/web'), nowSet, nowPod])), {
    'deployments.apps shop/web': 'back',
    'replicasets.apps shop/web-1': 'made anew: by Deployment web',
    'pods shop/web-1-a': 'made anew: by Deployment web',
  })
  t.match(
    told([web, set, pod], sight([live('deployments.apps', 'shop/web'), nowSet])),
    { 'pods shop/web-1-a': 'missing: Deployment web has made none' },
    'an owner alone is not enough',
  )
  t.match(told([web, set, pod], sight([live('deployments.apps', 'shop/web', { wantsNone: true }), nowSet])), {
    'pods shop/web-1-a': 'not restored: Deployment web wants none now',
  })
  t.match(told([web, set, pod], sight([])), {
    'replicasets.apps shop/web-1': 'missing: Deployment web is not back',
    'pods shop/web-1-a': 'missing: Deployment web is not back',
  })
  t.end()
})

t.test('a SealedSecret that was opened is back with its Secret, which no backup may hold', (t) => {
  const sealed = object('sealedsecrets.bitnami.com', 'vault/db', { opened: true })
  const there = live('sealedsecrets.bitnami.com', 'vault/db')
  const never = object('sealedsecrets.bitnami.com', 'vault/db', { opened: false })
  const why =
    'missing: it was opened in the earlier cluster, and is not in this one: there is no Secret vault/db'
  const key = 'sealedsecrets.bitnami.com vault/db'
  t.same(told([sealed], sight([there])), { [key]: why })
  t.same(told([sealed], sight([there, live('secrets', 'vault/db')])), { [key]: 'back' })
  const lost =
    'not restored: no key opened it in the earlier cluster, and a Secret that it may have made before is in no backup'
  t.same(told([never], sight([there])), { [key]: lost }, 'its Secret may have been there all the same')
  t.same(told([never], sight([there, live('secrets', 'vault/db')])), { [key]: 'back' })
  const held = object('secrets', 'vault/db')
  t.match(
    told([never, held], sight([there])),
    { [key]: 'back' },
    'the backup says itself what became of its Secret',
  )
  const git = { ...sealed, app: 'apps' }
  const apps = new Map([['apps', app(['bitnami.com/SealedSecret vault/db'])]])
  t.same(told([git], sight([there], { apps })), { [key]: why }, 'nor one from Git')
  t.end()
})

t.test('what a pod wrote to its machine’s own disk is in no backup: the plan and the proof name it', (t) => {
  const shop = object('deployments.apps', 'shop/web')
  const backed = [shop, object('pods', 'shop/web-1', { ...ownedBy(shop), onDisk: ['/srv/shop'] })]
  const why = 'not restored: what it wrote to /srv/shop on its machine’s own disk is in no backup'
  const pods = live('pods', 'shop/web-2', { owners: ['new deployments.apps shop/web'] })
  t.match(told(backed, sight([live('deployments.apps', 'shop/web'), pods])), {
    'deployments.apps shop/web': 'back',
    'pods shop/web-1': why,
  })
  t.same(
    foreseen(backed, { volumes: [], beside: false, partial: false }).map(({ id }) => id),
    ['shop/web-1'],
  )
  t.end()
})

t.test('of a Job in Git the plan says that it runs once more', (t) => {
  const seed = object('jobs.batch', 'shop/seed', { app: 'apps' })
  const beside = { volumes: [], partial: false }
  t.match(foreseen([seed], { ...beside, beside: false }), [
    { why: /^it is Git’s: Argo CD runs it once more/ },
  ])
  t.match(foreseen([seed], { ...beside, beside: true }), [{ why: 'a Job is not run a second time' }])
  t.end()
})

t.test('nothing makes bare pods and Jobs again: they are named', (t) => {
  const nightly = object('cronjobs.batch', 'shop/nightly')
  const run = object('jobs.batch', 'shop/nightly-1', ownedBy(nightly))
  const once = object('jobs.batch', 'shop/once')
  const backed = [
    nightly,
    run,
    once,
    object('pods', 'shop/nightly-1-a', ownedBy(run)),
    object('pods', 'shop/once-a', ownedBy(once)),
    object('pods', 'shop/bare'),
  ]
  const expected = {
    'jobs.batch shop/nightly-1':
      'not restored: it ran in the earlier cluster; CronJob nightly makes the next',
    'jobs.batch shop/once': 'not restored: a Job is not run a second time',
    'pods shop/nightly-1-a': 'not restored: it ran in the earlier cluster; CronJob nightly makes the next',
    'pods shop/once-a': 'not restored: its Job is not run a second time',
    'pods shop/bare': 'not restored: nothing makes a bare pod again',
  }
  t.same(told(backed, sight([live('cronjobs.batch', 'shop/nightly')])), {
    'cronjobs.batch shop/nightly': 'back',
    ...expected,
  })
  t.same(
    foreseen(backed, { volumes: [], beside: false, partial: false }).map(
      (one) => `${one.resource} ${one.id}`,
    ),
    Object.keys(expected).toSorted(),
    'the plan names the same',
  )
  t.end()
})

t.test('Endpoints of a Service without a selector are data', (t) => {
  const backed = [
    object('services', 'shop/web', { selects: true }),
    object('endpoints', 'shop/web'),
    object('services', 'shop/outside', { selects: false }),
    object('endpoints', 'shop/outside'),
  ]
  t.match(
    told(
      backed,
      sight([live('services', 'shop/web'), live('services', 'shop/outside'), live('endpoints', 'shop/web')]),
    ),
    {
      'endpoints shop/web': 'made anew: by its Service',
      'endpoints shop/outside': 'missing: it is not there',
    },
  )
  t.end()
})

t.test('a Secret is opened from its SealedSecret only where it is there with the backup’s content', (t) => {
  const sealed = object('sealedsecrets.bitnami.com', 'vault/db')
  const secret = object('secrets', 'vault/db', ownedBy(sealed))
  const there = live('sealedsecrets.bitnami.com', 'vault/db')
  const opened = { owners: ['new sealedsecrets.bitnami.com vault/db'], restoredBy: undefined }
  t.match(told([sealed, secret], sight([there, live('secrets', 'vault/db', opened)])), {
    'secrets vault/db': 'made anew: opened from its SealedSecret',
  })
  t.match(told([sealed, secret], sight([there, live('secrets', 'vault/db')])), { 'secrets vault/db': 'back' })
  t.match(told([sealed, secret], sight([there])), {
    'secrets vault/db': 'missing: its SealedSecret was not opened',
  })
  t.match(
    told([sealed, secret], sight([there, live('secrets', 'vault/db', { ...opened, digest: 'other' })])),
    {
      'secrets vault/db': 'missing: its content is not the backup’s',
    },
  )
  t.end()
})

t.test('Git is believed where an Application that is there lists the object', (t) => {
  const api = object('deployments.apps', 'team/api', { app: 'team' })
  const listed = app(['apps/Deployment team/api'])
  const there = live('deployments.apps', 'team/api', { restoredBy: undefined })
  t.same(told([api], sight([there], { apps: new Map([['team', listed]]) })), {
    'deployments.apps team/api': 'from Git: by Application team',
  })
  const other = live('deployments.apps', 'team/api', { restoredBy: undefined, digest: 'other' })
  t.same(told([api], sight([other], { apps: new Map([['team', app([])]]) })), {
    'deployments.apps team/api': 'made anew: by this cluster, with its own content',
  })
  t.same(told([api], sight([], { apps: new Map([['team', { ...listed, state: 'OutOfSync' }]]) })), {
    'deployments.apps team/api': 'missing: Git has it, and Argo CD has not made it: team OutOfSync',
  })
  t.same(told([api], sight([], { apps: new Map([['team', app([])]]) })), {
    'deployments.apps team/api': 'not restored: Git has it no longer',
  })
  t.same(told([api], sight([], { apps: new Map([['team', app([], { looked: false })]]) })), {
    'deployments.apps team/api': 'missing: Argo CD has not looked at its Application team yet',
  })
  t.same(told([api], sight([])), {
    'deployments.apps team/api': 'missing: its Application team is not there',
  })
  t.end()
})

t.test('a claim that Git has no longer is missing, unless it was let go by name', (t) => {
  const ledger = object('persistentvolumeclaims', 'shop/ledger', { app: 'apps', bound: true })
  const gone = {
    apps: new Map([['apps', app([])]]),
    volumes: new Map([['shop/ledger', 'there is no claim']]),
  }
  t.same(told([ledger], sight([], gone)), {
    'persistentvolumeclaims shop/ledger': 'missing: there is no claim',
  })
  const dropped = new Map([['persistentvolumeclaims shop/ledger', 'Git has it no longer: commit abcdef0']])
  t.same(told([ledger], sight([], { ...gone, dropped })), {
    'persistentvolumeclaims shop/ledger': 'not restored: Git has it no longer: commit abcdef0',
  })
  t.end()
})

t.test('a machine’s place is taken by another, or by none', (t) => {
  const backed = [object('nodes', 'main-1'), object('nodes', 'main-2')]
  t.same(told(backed, sight([live('nodes', 'main-3')], { nodes: new Map([['main-1', 'main-3']]) })), {
    'nodes main-1': 'made anew: main-3 has its place',
    'nodes main-2': 'not restored: the cluster has fewer machines than it had',
  })
  t.end()
})

t.test('what hangs on an object that was let go is foreseen with it', (t) => {
  const why = 'Git has it no longer: commit 1a2b3c4'
  const web = object('deployments.apps', 'shop/web')
  const backed = [
    object('persistentvolumeclaims', 'shop/ledger', { bound: true }),
    object('persistentvolumes', 'pvc-1', { claim: 'shop/ledger' }),
    web,
    object('replicasets.apps', 'shop/web-1', ownedBy(web)),
  ]
  const dropped = new Map([
    ['persistentvolumeclaims shop/ledger', why],
    ['deployments.apps shop/web', why],
  ])
  t.same(
    foreseen(backed, { volumes: ['shop/ledger'], beside: false, partial: false, dropped }).map(
      ({ id, why }) => `${id}: ${why}`,
    ),
    [
      `shop/web: ${why}`,
      `shop/ledger: ${why}`,
      `pvc-1: it is the volume of claim shop/ledger: ${why}`,
      'shop/web-1: Deployment web is not back',
    ],
  )
  t.end()
})

t.test('what the API server and k3s make in every cluster is not foreseen as lost', (t) => {
  const backed = [
    object('configmaps', 'shop/kube-root-ca.crt', { clustersOwn: true }),
    object('ipaddresses.networking.k8s.io', '10.43.0.9'),
  ]
  t.same(foreseen(backed, { volumes: [], beside: false, partial: false }), [])
  t.same(told(backed, sight([live('configmaps', 'shop/kube-root-ca.crt', { clustersOwn: true })])), {
    'configmaps shop/kube-root-ca.crt': 'back',
  })
  t.end()
})

t.test('objects that own each other come to an end', (t) => {
  const one = object('replicasets.apps', 'shop/a')
  const other = object('replicasets.apps', 'shop/b', ownedBy(one))
  const loop = { ...one, ...ownedBy(other) }
  t.equal(outcomes([loop, other], sight([])).length, 2)
  t.end()
})

t.test('beside the original nothing acts on Git, the API server or the backups', (t) => {
  const backed = [
    object('applications.argoproj.io', 'argocd/team'),
    object('validatingwebhookconfigurations.admissionregistration.k8s.io', 'guard'),
    object('schedules.velero.io', 'velero/hourly'),
    object('deployments.apps', 'shop/web', { app: 'apps' }),
  ]
  t.same(
    foreseen(backed, { volumes: [], beside: true, partial: false }).map(({ id, why }) => `${id}: ${why}`),
    ['argocd/team', 'velero/hourly', 'guard'].map((id) => `${id}: it would act beside the original`),
  )
  t.end()
})

t.test('what is being deleted is not back', (t) => {
  const [map, pod] = [object('configmaps', 'shop/prices'), object('pods', 'shop/by-hand')]
  const going = { leaving: true }
  t.same(
    told([map, pod], sight([live('configmaps', 'shop/prices', going), live('pods', 'shop/by-hand', going)])),
    {
      'configmaps shop/prices': 'missing: it is being deleted',
      'pods shop/by-hand': 'not restored: nothing makes a bare pod again',
    },
  )
  const space = live('namespaces', 'shop', going)
  t.same(told([map], sight([live('configmaps', 'shop/prices'), space])), {
    'configmaps shop/prices': 'missing: it is being deleted',
  })
  t.end()
})
