import fc from 'fast-check'
import * as make from './make.ts'
import { app, type Scene, type Step } from './scene.ts'
import { idOf, type Thing } from './things.ts'

// What is drawn is small and plain data, so that it shrinks well and can be given as input again.

const whose = fc.constantFrom('git' as const, 'hand' as const)
const rarely = fc.integer({ min: 0, max: 7 }).map((n) => n === 7)
const marks = fc.record({ optedOut: rarely, finalized: rarely, owned: rarely, labelled: fc.boolean() })

const item = fc.oneof(
  fc.record({ sort: fc.constant('config' as const), whose, marks, immutable: rarely, left: rarely }),
  fc.record({
    sort: fc.constant('secret' as const),
    whose,
    marks,
    type: fc.constantFrom('Opaque', 'kubernetes.io/tls', 'helm.sh/release.v1'),
    left: rarely,
  }),
  fc.record({
    sort: fc.constant('claim' as const),
    whose,
    marks,
    storageClass: fc.constantFrom('do-block-storage', 'do-block-storage-retain', 'do-block-storage-xfs'),
    files: fc.integer({ min: 0, max: 2 }),
    mounted: fc.boolean(),
    left: rarely,
  }),
  fc.record({
    sort: fc.constant('workload' as const),
    whose,
    marks,
    kind: fc.constantFrom('Deployment' as const, 'StatefulSet' as const, 'DaemonSet' as const),
    changed: fc.constantFrom('no', 'scaled', 'annotated'),
    left: rarely,
  }),
  fc.record({
    sort: fc.constant('service' as const),
    whose,
    marks,
    type: fc.constantFrom('ClusterIP', 'None', 'NodePort', 'without selector'),
    left: rarely,
  }),
  fc.record({ sort: fc.constant('rights' as const), whose, marks, left: rarely }),
  fc.record({
    sort: fc.constant('bare' as const),
    kind: fc.constantFrom('Pod', 'Job', 'CronJob', 'ReplicaSet'),
  }),
  fc.record({
    sort: fc.constant('custom' as const),
    scope: fc.constantFrom('Namespaced' as const, 'Cluster' as const),
    marks,
  }),
  fc.record({
    sort: fc.constant('above' as const),
    kind: fc.constantFrom('PriorityClass', 'IngressClass', 'ClusterRole', 'Webhook'),
  }),
)
type Item = typeof item extends fc.Arbitrary<infer T> ? T : never

/** A person's small world: one namespace and what is in it. */
const world = fc.record({
  home: fc.record({ whose, labelled: fc.boolean() }),
  items: fc.array(item, { minLength: 1, maxLength: 5 }),
})

/** Several small worlds that share a cluster, and so its fate. @param worlds how many there are before it is shrunk */
export const drawnOf = (worlds: number) =>
  fc.record({
    worlds: fc
      .array(fc.option(world, { freq: 1_000_000 }), { minLength: worlds, maxLength: worlds })
      .map((all) => all.flatMap((one) => one ?? [])),
    backup: fc.constantFrom('hand' as const, 'schedule' as const),
    fate: fc.constantFrom('wiped' as const, 'replaced' as const, 'off' as const),
    /** At which of its requests the restore is killed; 0 is never. */
    killAt: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 700 })),
    again: fc.boolean(),
    /** What becomes of that which left Git. */
    answer: fc.constantFrom('revert' as const, 'keep' as const, 'drop' as const),
  })
export type Drawn = ReturnType<typeof drawnOf> extends fc.Arbitrary<infer T> ? T : never

/** What one item is made of, and what is done to it by hand. */
interface Made {
  things: Thing[]
  patches?: NonNullable<Scene['patches']>
  bytes?: NonNullable<Scene['bytes']>
}

/** The scene that was drawn. */
export function sceneOf({ worlds, backup, fate, killAt, again, answer }: Drawn): Scene {
  const git: Record<string, readonly Thing[]> = {}
  const hand: Thing[] = []
  const patches: NonNullable<Scene['patches']>[number][] = []
  const bytes: NonNullable<Scene['bytes']> = {}
  const left: Record<string, undefined> = {}
  const lost: string[] = []
  const definitions = new Map<string, Thing>()
  for (const [n, { home, items }] of worlds.entries()) {
    const namespace = `w${n}`
    const room = make.namespace(namespace, home.labelled ? { labels: { team: namespace } } : {})
    if (home.whose === 'git') git[app(`${namespace}/home.yaml`)] = [room]
    else hand.push(room)
    hand.push(make.configMap(`${namespace}/owner`))
    for (const [at, one] of items.entries()) {
      const made = madeOf(ofGit(one), namespace, `i${at}`)
      const file = app(`${namespace}/i${at}.yaml`)
      if ('whose' in one && one.whose === 'git') git[file] = made.things
      else hand.push(...made.things)
      if ('whose' in one && one.whose === 'git' && one.left) {
        left[file] = undefined
        lost.push(...made.things.filter(({ kind }) => kind === 'PersistentVolumeClaim').map(idOf))
      }
      if (one.sort === 'custom') definitions.set(one.scope, definitionOf(one.scope))
      patches.push(...(made.patches ?? []))
      Object.assign(bytes, made.bytes)
    }
  }
  const isLeft = Object.keys(left).length > 0
  const after: Step[] = [
    ...(fate === 'wiped' ? [['wipe'] as const] : fate === 'off' ? [['power-off'] as const] : []),
    ...(isLeft ? [['git', left] as const] : []),
  ]
  return {
    git,
    hand: [...definitions.values(), ...hand],
    patches,
    bytes,
    backup,
    after,
    flags: [
      ...(fate === 'wiped' ? [] : ['--replace']),
      // A nightly backup that no run has seen, of a cluster that cannot be asked any more.
      ...(fate === 'off' && backup === 'schedule' ? ['--not-vouched'] : []),
      ...(isLeft ? ['--git-removed', answer] : []),
    ],
    ...(killAt > 0 ? { killAt } : {}),
    again,
    ...(isLeft && answer === 'revert' ? { reverted: true } : {}),
    ...(isLeft && answer === 'drop' ? { dropped: lost.map((id) => `persistentvolumeclaims ${id}`) } : {}),
  }
}

/** What Git holds has no owner in the cluster. */
const ofGit = (one: Item): Item =>
  'whose' in one && one.whose === 'git' ? { ...one, marks: { ...one.marks, owned: false } } : one

const definitionOf = (scope: 'Namespaced' | 'Cluster') =>
  make.definition(scope === 'Cluster' ? 'Sphere' : 'Gadget', 'drawn.example.org', { scope })

function madeOf(one: Item, namespace: string, name: string): Made {
  const id = `${namespace}/${name}`
  switch (one.sort) {
    case 'config':
      return {
        things: [
          withMarks(make.configMap(id, { drawn: id }, one.immutable ? { immutable: true } : {}), one.marks),
        ],
      }
    case 'secret':
      return {
        things: [
          withMarks(
            make.secret(id, { 'tls.crt': 'C', 'tls.key': 'K', release: 'R' }, { type: one.type }),
            one.marks,
          ),
        ],
      }
    case 'claim': {
      const claim = withMarks(make.claim(id, { storageClassName: one.storageClass }), {
        ...one.marks,
        finalized: false,
        // It would make every backup partial (partial.ts plays that).
        optedOut: false,
      })
      const files = Object.fromEntries(Array.from({ length: one.files }, (_, n) => [`f${n}`, `${id} ${n}`]))
      return {
        things: [claim, ...(one.mounted ? [make.deployment(`${id}-user`, { claims: [name] })] : [])],
        ...(one.files > 0 ? { bytes: { [id]: files } } : {}),
      }
    }
    case 'workload': {
      const thing = withMarks(make.workload(one.kind, id), { ...one.marks, finalized: false })
      const change =
        one.changed === 'annotated'
          ? { metadata: { annotations: { 'example.org/by-hand': 'yes' } } }
          : one.changed === 'scaled' && one.kind !== 'DaemonSet'
            ? { spec: { replicas: 2 } }
            : undefined
      return { things: [thing], ...(change ? { patches: [[thing, change]] } : {}) }
    }
    case 'service': {
      const spec = {
        ClusterIP: {},
        None: { clusterIP: 'None' },
        NodePort: { type: 'NodePort', ports: [{ name: 'http', port: 80, nodePort: nodePort(id) }] },
        'without selector': { selector: undefined },
      }[one.type]
      return { things: [withMarks(make.service(id, spec), one.marks)] }
    }
    case 'rights':
      return { things: [withMarks(make.role(id), one.marks), make.binding(id, name)] }
    case 'bare':
      return { things: [bare(one.kind, id)] }
    case 'custom': {
      const isOfCluster = one.scope === 'Cluster'
      const thing = make.object(
        'drawn.example.org/v1',
        isOfCluster ? 'Sphere' : 'Gadget',
        isOfCluster ? `${namespace}-${name}` : id,
        {
          spec: { size: 1 },
        },
      )
      return { things: [withMarks(thing, isOfCluster ? { ...one.marks, owned: false } : one.marks)] }
    }
    case 'above':
      return { things: [above(one.kind, `${namespace}-${name}`)] }
  }
}

/** A port of its own for each Service. */
const nodePort = (id: string) => 30000 + Number(id.replace(/\D/g, ''))

function bare(kind: string, id: string): Thing {
  if (kind === 'Job') return make.job(id)
  if (kind === 'CronJob') return make.cronJob(id)
  if (kind === 'Pod') return make.pod(id)
  const labels = { app: idOf(make.pod(id)).replace('/', '-') }
  const template = { metadata: { labels }, spec: make.pod(id).spec }
  return make.object('apps/v1', 'ReplicaSet', id, {
    spec: { replicas: 1, selector: { matchLabels: labels }, template },
  })
}

function above(kind: string, name: string): Thing {
  if (kind === 'PriorityClass') return make.object('scheduling.k8s.io/v1', kind, name, { value: 100 })
  if (kind === 'IngressClass')
    return make.object('networking.k8s.io/v1', kind, name, { spec: { controller: 'example.org/drawn' } })
  if (kind === 'ClusterRole') return make.clusterRole(name)
  return make.object('admissionregistration.k8s.io/v1', 'ValidatingWebhookConfiguration', name, {
    webhooks: [
      {
        name: `${name}.example.org`,
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        failurePolicy: 'Ignore',
        clientConfig: { url: 'https://example.org/check' },
        rules: [
          {
            apiGroups: ['drawn.example.org'],
            apiVersions: ['v1'],
            operations: ['CREATE'],
            resources: ['gadgets'],
          },
        ],
      },
    ],
  })
}

interface Marks {
  optedOut: boolean
  finalized: boolean
  owned: boolean
  labelled: boolean
}

function withMarks(thing: Thing, { optedOut, finalized, owned, labelled }: Marks): Thing {
  const marked = make.marked(thing, {
    ...(labelled ? { labels: { drawn: 'yes' }, annotations: { 'example.org/drawn': 'yes' } } : {}),
    ...(finalized ? { finalizers: ['example.org/hold'] } : {}),
    ...(owned ? { ownerReferences: owner } : {}),
  })
  return optedOut ? make.optedOut(marked) : marked
}

/** The ConfigMap that every drawn namespace has; its identity is put in when the object is made. */
const owner = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner' }] as unknown as NonNullable<
  Thing['metadata']['ownerReferences']
>
