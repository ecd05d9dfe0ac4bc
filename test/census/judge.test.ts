import t from 'tap'
import { differences } from './content.ts'
import { type Evidence, faults, type Proof } from './evidence.ts'
import { judge } from './judge.ts'
import type { Listed, Thing } from './things.ts'

// The judge is judged: a true proof passes, and each fault that is built into it, or into the world, is found by its kind.

const thing = (kind: string, id: string, more: Record<string, unknown> = {}): Thing => {
  const [name = '', namespace] = id.split('/').reverse()
  const { metadata = {}, ...body } = more
  const given = metadata as Record<string, unknown>
  const uid = `${given.uid ?? `${kind}-${id}`}`
  return {
    apiVersion: 'v1',
    kind,
    metadata: { name, ...(namespace ? { namespace } : {}), ...given, uid },
    ...body,
  }
}
const listed = (resource: string, kind: string, id: string, more?: Record<string, unknown>): Listed => ({
  resource,
  thing: thing(kind, id, more),
})
const ownedBy = (kind: string, id: string) => [
  { kind, name: id.split('/').at(-1) ?? '', uid: `${kind}-${id}` },
]
const ready = { spec: { replicas: 1 }, status: { readyReplicas: 1 } }

/** A small cluster as it was: `gen` tells two generations' made-up names apart. */
const cluster = (gen: string, node: string): Listed[] => [
  listed('namespaces', 'Namespace', 'shop', { metadata: { labels: { team: 'a' } } }),
  listed('configmaps', 'ConfigMap', 'shop/settings', { data: { a: '1' } }),
  listed('sealedsecrets.bitnami.com', 'SealedSecret', 'shop/db', { spec: { encryptedData: { a: 'x' } } }),
  listed('secrets', 'Secret', 'shop/db', {
    data: { a: 'MQ==' },
    metadata: { ownerReferences: ownedBy('SealedSecret', 'shop/db') },
  }),
  listed('deployments.apps', 'Deployment', 'shop/api', ready),
  listed('replicasets.apps', 'ReplicaSet', `shop/api-${gen}`, {
    metadata: { ownerReferences: ownedBy('Deployment', 'shop/api') },
  }),
  listed('pods', 'Pod', `shop/api-${gen}-x`, {
    metadata: { ownerReferences: ownedBy('ReplicaSet', `shop/api-${gen}`) },
  }),
  listed('services', 'Service', 'shop/api', {
    spec: { clusterIP: `10.43.0.${gen.length}`, ports: [{ port: 80, nodePort: 30080 }] },
  }),
  listed('persistentvolumeclaims', 'PersistentVolumeClaim', 'shop/ledger', {
    spec: { volumeName: `pvc-${gen}`, resources: { requests: { storage: '1Gi' } } },
  }),
  listed('persistentvolumes', 'PersistentVolume', `pvc-${gen}`, {
    spec: { csi: { volumeHandle: `id-${gen}` }, claimRef: { namespace: 'shop', name: 'ledger' } },
  }),
  listed('nodes', 'Node', node, { metadata: { labels: { disk: 'fast', 'kubernetes.io/hostname': node } } }),
  listed('events', 'Event', `shop/event-${gen}`),
]

const before: Listed[] = [
  ...cluster('old', 'main-1'),
  listed('jobs.batch', 'Job', 'shop/once'),
  listed('secrets', 'Secret', 'shop/private', {
    metadata: { labels: { 'velero.io/exclude-from-backup': 'true' } },
  }),
]
const bytes = { 'shop/ledger': { books: 'd1' } }
const ours = ['regrow:main']
const told = (resource: string, id: string, outcome: Proof['objects'][number]['outcome'], why?: string) => ({
  resource,
  id,
  outcome,
  ...(why ? { why } : {}),
})
const proven: Proof = {
  verdict: 'PROVEN',
  headline: 'PROVEN, 1 object not restored',
  server: 'main-2',
  volumes: [{ claim: 'shop/ledger', bytes: 10, moved: 10 }],
  objects: [
    told('namespaces', 'shop', 'back'),
    told('configmaps', 'shop/settings', 'back'),
    told('sealedsecrets.bitnami.com', 'shop/db', 'back'),
    told('secrets', 'shop/db', 'made anew'),
    told('deployments.apps', 'shop/api', 'from Git'),
    told('replicasets.apps', 'shop/api-old', 'made anew'),
    told('pods', 'shop/api-old-x', 'made anew'),
    told('services', 'shop/api', 'back'),
    told('persistentvolumeclaims', 'shop/ledger', 'back'),
    told('persistentvolumes', 'pvc-old', 'made anew'),
    told('nodes', 'main-1', 'made anew'),
    told('jobs.batch', 'shop/once', 'not restored', 'a Job is not run a second time'),
  ],
  notRestored: ['jobs.batch shop/once: a Job is not run a second time'],
  missing: [],
  changed: [],
  notReady: [],
  stays: [],
}
const cloudAfter = {
  droplets: [{ id: '2', name: 'main-2', tags: ours }],
  volumes: [{ id: 'id-new', name: 'pvc-new', tags: ours }],
  snapshots: [],
}
const true_: Evidence = {
  before,
  after: cluster('new', 'main-2'),
  bytes: { before: bytes, after: bytes },
  cloud: {
    before: {
      droplets: [{ id: '1', name: 'main-1', tags: ours }],
      volumes: [
        { id: 'id-old', name: 'pvc-old', tags: ours },
        { id: 'foreign', name: 'hello', tags: [] },
      ],
      snapshots: [],
    },
    after: { ...cloudAfter, volumes: [...cloudAfter.volumes, { id: 'foreign', name: 'hello', tags: [] }] },
  },
  ended: {
    code: 0,
    out: JSON.stringify(proven),
    err: '- jobs.batch shop/once\nGo on? yes\n+ droplet main-2\n',
  },
}

/** The evidence with another proof. */
const saying = (more: Partial<Proof>, evidence: Evidence = true_): Evidence => ({
  ...evidence,
  ended: { ...evidence.ended, out: JSON.stringify({ ...proven, ...more }) },
})
/** The proof with one object told otherwise, or not at all. */
const outcome = (resource: string, id: string, other?: Proof['objects'][number]['outcome'], why?: string) =>
  proven.objects.flatMap((one) => {
    if (one.resource !== resource || one.id !== id) return [one]
    return other ? [told(resource, id, other, why)] : []
  })
/** The evidence with objects changed (or gone) afterwards. */
const later = (
  which: string,
  change: (one: Thing) => Thing | undefined,
  evidence: Evidence = true_,
): Evidence => ({
  ...evidence,
  after: (evidence.after ?? []).flatMap(({ resource, thing: one }) => {
    const { namespace, name } = one.metadata
    if (`${resource} ${namespace ? `${namespace}/` : ''}${name}` !== which) return [{ resource, thing: one }]
    const changed = change(one)
    return changed ? [{ resource, thing: changed }] : []
  }),
})
const gone = () => undefined
const found = (evidence: Evidence) => judge(evidence).map(({ what, about }) => `${what}: ${about}`)

t.test('a true proof has no fault', async (t) => {
  t.same(judge(true_), [])
})

const ledgerGone = later('persistentvolumeclaims shop/ledger', gone)
const noBytes = { ...true_, bytes: { before: bytes, after: {} } }
const stands = {
  ...true_.cloud,
  after: { ...true_.cloud.after, droplets: [...true_.cloud.before.droplets, ...cloudAfter.droplets] },
}

/** What is built in, and what the judge must find. */
const seeds: Record<string, [evidence: Evidence, expected: string]> = {
  'a claim that is said to be back is gone': [ledgerGone, 'not there: persistentvolumeclaims shop/ledger'],
  'the old machine is destroyed behind such a proof': [ledgerGone, 'only copy destroyed: droplet main-1'],
  'a volume is empty': [
    { ...true_, bytes: { before: bytes, after: { 'shop/ledger': {} } } },
    'bytes differ: volume of claim shop/ledger',
  ],
  'an old volume is destroyed and its claim’s bytes are nowhere': [
    noBytes,
    'only copy destroyed: volume pvc-old',
  ],
  'a volume that is nobody’s of ours is destroyed': [
    { ...true_, cloud: { ...true_.cloud, after: cloudAfter } },
    'only copy destroyed: volume hello',
  ],
  'a machine is destroyed on NOT PROVEN': [
    saying(
      { verdict: 'NOT PROVEN', headline: 'NOT PROVEN', missing: ['application x: Degraded'] },
      {
        ...true_,
        ended: { ...true_.ended, code: 1 },
      },
    ),
    'only copy destroyed: droplet main-1',
  ],
  'a machine is destroyed and no proof was told': [
    { ...true_, ended: { code: 1, out: '', err: 'x no' } },
    'only copy destroyed: droplet main-1',
  ],
  'a machine is destroyed and what is not restored was not in the plan': [
    { ...true_, ended: { ...true_.ended, err: 'Go on? yes\n jobs.batch shop/once' } },
    'only copy destroyed: droplet main-1',
  ],
  'what Git is said to bring is not there': [
    later('deployments.apps shop/api', gone),
    'not there: deployments.apps shop/api',
  ],
  'what its owner is said to make is not there': [
    later('pods shop/api-new-x', gone),
    'not there: pods shop/api-old-x',
  ],
  'a volume’s object is said to be made and is not there': [
    later('persistentvolumes pvc-new', gone),
    'not there: persistentvolumes pvc-old',
  ],
  'an object is gone and the proof does not know it': [
    later('configmaps shop/settings', gone, saying({ objects: outcome('configmaps', 'shop/settings') })),
    'lost without a word: configmaps shop/settings',
  ],
  'an object is there and the proof does not know it': [
    saying({ objects: outcome('configmaps', 'shop/settings') }),
    'not mentioned: configmaps shop/settings',
  ],
  'an object is another and the proof does not know it': [
    later(
      'configmaps shop/settings',
      (one) => ({ ...one, data: { a: '2' } }),
      saying({ objects: outcome('configmaps', 'shop/settings') }),
    ),
    'lost without a word: configmaps shop/settings',
  ],
  'an object is told twice': [
    saying({ objects: [...proven.objects, told('namespaces', 'shop', 'back')] }),
    'mentioned twice: namespaces shop',
  ],
  'a ConfigMap is back with other content': [
    later('configmaps shop/settings', (one) => ({ ...one, data: { a: '2' } })),
    'changed without a word: configmaps shop/settings',
  ],
  'a Deployment of Git has another number of replicas': [
    later('deployments.apps shop/api', (one) => ({
      ...one,
      spec: { replicas: 3 },
      status: { readyReplicas: 3 },
    })),
    'changed without a word: deployments.apps shop/api',
  ],
  'a Service has another node port': [
    later('services shop/api', (one) => ({ ...one, spec: { ports: [{ port: 80, nodePort: 31999 }] } })),
    'changed without a word: services shop/api',
  ],
  'a namespace is back without its labels': [
    later('namespaces shop', (one) => ({ ...one, metadata: { name: 'shop' } })),
    'changed without a word: namespaces shop',
  ],
  'a Secret opened anew has other content': [
    later('secrets shop/db', (one) => ({ ...one, data: { a: 'Mg==' } })),
    'changed without a word: secrets shop/db',
  ],
  'another object is named as changed': [
    later(
      'services shop/api',
      (one) => ({ ...one, spec: { ports: [] } }),
      saying({ changed: ['deployments.apps shop/api: spec.replicas'] }),
    ),
    'changed without a word: services shop/api',
  ],
  'a label of a node is lost': [
    later('nodes main-2', (one) => ({ ...one, metadata: { name: 'main-2' } })),
    'changed without a word: nodes main-1',
  ],
  'a workload is not ready any more': [
    later('deployments.apps shop/api', (one) => ({ ...one, status: {} })),
    'not ready without a word: deployments.apps shop/api',
  ],
  'what is said to be back is being deleted': [
    later('services shop/api', (one) => ({
      ...one,
      metadata: { ...one.metadata, deletionTimestamp: '2026-11-30T00:00:00Z' },
    })),
    'not there: services shop/api',
  ],
  'what is said to be not restored is there': [
    { ...true_, after: [...(true_.after ?? []), listed('jobs.batch', 'Job', 'shop/once')] },
    'there after all: jobs.batch shop/once',
  ],
  'what is said to be missing is there': [
    saying({
      verdict: 'NOT PROVEN',
      objects: outcome('services', 'shop/api', 'missing', 'it is not there'),
      missing: ['services shop/api: it is not there'],
    }),
    'there after all: services shop/api',
  ],
  'a volume that is said to be missing has every byte': [
    saying({ volumes: [{ claim: 'shop/ledger', missing: 'nothing was moved' }] }),
    'there after all: volume of claim shop/ledger',
  ],
  'a claim with bytes is let go and nobody said so': [
    saying(
      { objects: outcome('persistentvolumeclaims', 'shop/ledger', 'not restored', 'no reason at all') },
      ledgerGone,
    ),
    'data not restored: persistentvolumeclaims shop/ledger',
  ],
  'a volume is in no line': [saying({ volumes: [] }), 'lost without a word: volume of claim shop/ledger'],
  'something is not restored without a reason': [
    saying({ objects: outcome('jobs.batch', 'shop/once', 'not restored') }),
    'reason not true: jobs.batch shop/once',
  ],
  'Git is said to have it no longer, and has it': [
    {
      ...saying({
        objects: outcome('jobs.batch', 'shop/once', 'not restored', 'Git has it no longer: commit abcdef0'),
      }),
      git: ['jobs.batch shop/once'],
    },
    'reason not true: jobs.batch shop/once',
  ],
  'PROVEN, and an object is missing': [
    saying(
      { objects: outcome('services', 'shop/api', 'missing', 'it is not there') },
      later('services shop/api', gone),
    ),
    'verdict: proof',
  ],
  'PROVEN, and it ended with 1': [{ ...true_, ended: { ...true_.ended, code: 1 } }, 'verdict: proof'],
  'a headline that keeps quiet about what is not restored': [
    saying({ headline: 'PROVEN' }),
    'verdict: proof',
  ],
  'a list that keeps quiet about what is not restored': [saying({ notRestored: [] }), 'verdict: proof'],
  'fewer bytes than recorded count as all': [
    saying({ volumes: [{ claim: 'shop/ledger', bytes: 10, moved: 9 }] }),
    'verdict: volume of claim shop/ledger',
  ],
  'NOT PROVEN, and nothing is said to be missing': [
    saying(
      { verdict: 'NOT PROVEN', headline: 'NOT PROVEN' },
      { ...true_, ended: { ...true_.ended, code: 1 } },
    ),
    'verdict: proof',
  ],
  'an old machine stays and nobody names it': [
    { ...true_, cloud: stands },
    'costs without a word: droplet main-1',
  ],
  'an imported volume stays and nobody names it': [
    {
      ...true_,
      cloud: {
        ...true_.cloud,
        after: {
          ...true_.cloud.after,
          volumes: [...true_.cloud.after.volumes, { id: 'id-old', name: 'mine', tags: [] }],
        },
      },
    },
    'costs without a word: volume mine',
  ],
  'a snapshot is left by an attempt': [
    {
      ...true_,
      cloud: { ...true_.cloud, after: { ...true_.cloud.after, snapshots: [{ id: 's', name: 'left' }] } },
    },
    'costs without a word: snapshot left',
  ],
  'there is no proof': [
    { ...true_, cloud: stands, ended: { code: 1, out: '', err: 'x no' } },
    'no proof: restore',
  ],
}
for (const [name, [evidence, expected]] of Object.entries(seeds))
  t.test(`found: ${name}`, async (t) => {
    t.ok(found(evidence).includes(expected), `${expected} among ${found(evidence).join('; ') || 'nothing'}`)
  })

t.test('every kind of fault is built in once at least', async (t) => {
  const seen = new Set(Object.values(seeds).map(([, expected]) => expected.split(':')[0]))
  t.same(
    faults.filter((one) => !seen.has(one)),
    [],
  )
})

/** What is no fault, though it looks like one. */
const onDisk: Listed[] = [
  listed('persistentvolumeclaims', 'PersistentVolumeClaim', 'shop/disk', { spec: { volumeName: 'disk' } }),
  listed('persistentvolumes', 'PersistentVolume', 'disk', {
    spec: { hostPath: { path: '/srv' }, claimRef: { namespace: 'shop', name: 'disk' } },
  }),
]
const notInTheBackup = 'its bytes are not in the backup'
const withDisk = saying(
  {
    headline: 'PROVEN, 3 objects not restored',
    objects: [
      ...proven.objects,
      told('persistentvolumeclaims', 'shop/disk', 'not restored', notInTheBackup),
      told('persistentvolumes', 'disk', 'not restored', notInTheBackup),
    ],
    notRestored: [
      ...proven.notRestored,
      `persistentvolumeclaims shop/disk: ${notInTheBackup}`,
      `persistentvolumes disk: ${notInTheBackup}`,
    ],
  },
  { ...true_, before: [...before, ...onDisk], after: [...(true_.after ?? []), ...onDisk] },
)

const fine: Record<string, Evidence> = {
  'a difference that is named': later(
    'deployments.apps shop/api',
    (one) => ({ ...one, spec: { replicas: 2 }, status: { readyReplicas: 2 } }),
    saying({ changed: ['deployments.apps shop/api: spec.replicas is 2, by hand it was 1'] }),
  ),
  'a claim that was let go by an explicit word': {
    ...saying(
      {
        objects: outcome(
          'persistentvolumeclaims',
          'shop/ledger',
          'not restored',
          'Git has it no longer: commit abcdef0',
        ).map((one) =>
          one.id === 'pvc-old'
            ? told('persistentvolumes', 'pvc-old', 'not restored', 'its claim is not')
            : one,
        ),
        headline: 'PROVEN, 3 objects not restored',
        notRestored: [
          ...proven.notRestored,
          'persistentvolumeclaims shop/ledger: …',
          'persistentvolumes pvc-old: …',
        ],
        volumes: [],
      },
      later('persistentvolumes pvc-new', gone, ledgerGone),
    ),
    bytes: { before: bytes, after: {} },
    cloud: { ...true_.cloud, after: { ...true_.cloud.after, volumes: true_.cloud.before.volumes.slice(1) } },
    dropped: ['persistentvolumeclaims shop/ledger'],
  },
  'an old machine that stays and is named': saying(
    { stays: ['droplet main-1, off, $12.00 a month'] },
    { ...true_, cloud: stands },
  ),
  'a claim that is told to be missing because it is empty': {
    ...saying(
      {
        verdict: 'NOT PROVEN',
        headline: 'NOT PROVEN',
        objects: outcome(
          'persistentvolumeclaims',
          'shop/ledger',
          'missing',
          'it was made anew, and is empty',
        ),
        volumes: [{ claim: 'shop/ledger', missing: 'it was made anew, and is empty' }],
        missing: [
          'volume of claim shop/ledger: it was made anew, and is empty',
          'persistentvolumeclaims shop/ledger: it was made anew, and is empty',
        ],
        stays: ['droplet main-1', 'volume pvc-old'],
      },
      {
        ...true_,
        bytes: { before: bytes, after: { 'shop/ledger': {} } },
        cloud: {
          ...true_.cloud,
          after: {
            ...stands.after,
            volumes: [...true_.cloud.before.volumes, ...cloudAfter.volumes],
          },
        },
      },
    ),
  },
  'a claim on a machine’s own disk that is there, and empty': withDisk,
  'a workload that is named as not ready': later(
    'deployments.apps shop/api',
    (one) => ({ ...one, status: {} }),
    saying({ notReady: ['deployments.apps shop/api: 0 of 1'] }),
  ),
}
for (const [name, evidence] of Object.entries(fine))
  t.test(`no fault: ${name}`, async (t) => {
    const code = evidence.ended.out.includes('"NOT PROVEN"') ? 1 : 0
    const accepted = {
      ...evidence,
      ended: { ...evidence.ended, code, err: `shop/once shop/ledger pvc-old shop/disk disk\nGo on? yes\n` },
    }
    t.same(judge(accepted), [])
  })

t.test('content is what a person wrote', async (t) => {
  const one = thing('ConfigMap', 'a/b', { data: { x: '1' } })
  const noted = {
    ...one,
    metadata: {
      ...one.metadata,
      uid: 'another',
      resourceVersion: '7',
      creationTimestamp: 'later',
      labels: { 'velero.io/restore-name': 'r' },
      annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}' },
    },
    status: { seen: true },
  }
  t.same(differences(one, noted), [])
  t.same(differences(one, { ...one, data: { x: '1', y: '' } }), ['data.y'])
  const held = { ...one, metadata: { ...one.metadata, finalizers: ['example.org/hold'] } }
  t.same(differences(held, one), ['metadata.finalizers.0'])
  const owned = { ...one, metadata: { ...one.metadata, ownerReferences: [{ kind: 'App', name: 'x' }] } }
  t.same(differences(owned, one), ['metadata.ownerReferences.0'])
})
