import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { command } from '../../base/hint.ts'
import { tell } from '../../base/story.ts'
import { loadYaml } from '../../base/yaml.ts'
import { type Kube, ToolFailure } from '../../clients/tools.ts'
import { noise, optOut, passedOver, unboundClaims } from '../../cluster/backup-rules.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { kitSecrets } from '../../gitops/bootstrap-secrets.ts'
import { diskPaths } from '../../kubernetes/disk-paths.ts'
import { operatorBinding } from '../../kubernetes/operators.ts'
import { kubectlRepeated } from '../../kubernetes/repeated.ts'
import { narrowness, specification } from './specification.ts'
import { volumeThreats } from './volume-threats.ts'

const data = z.record(z.string(), z.unknown()).catch({}) // other kinds have other data
const object = z.object({
  kind: z.string(),
  metadata: z.object({
    name: z.string(),
    namespace: z.string().default(''),
    labels: z.record(z.string(), z.string()).default({}),
    ownerReferences: z.array(z.object({ kind: z.string(), name: z.string().default('') })).default([]),
  }),
  data,
})
const pod = object.extend({ kind: z.literal('Pod'), spec: z.unknown().optional() })
const schedule = z.object({
  metadata: z.object({ name: z.string() }),
  spec: z.object({ paused: z.boolean().default(false), template: specification.prefault({}) }),
  status: z
    .object({ phase: z.string().default(''), validationErrors: z.array(z.string()).default([]) })
    .prefault({}),
})
const list = z.object({ items: z.array(z.unknown()) })

/** What is looked at in a living cluster, as the API has it. */
export interface Seen {
  /** Claims, volumes, storage classes, pods, VolumeSnapshots and their contents, SealedSecrets. */
  items: readonly unknown[]
  /** Whatever carries the label that keeps it out of backups. */
  optedOut: readonly unknown[]
  schedules: readonly unknown[]
  /** The ConfigMap with the resource policy that backups name, where it is there. */
  policy: unknown
  /** A cluster beside the original takes no backups. */
  isClone: boolean
  /** The file with which a person's kubectl reaches it. */
  kubeconfig: string
}

/**
 * Looks at a living cluster for what makes its next backup less than whole, or has no next one be made, and for what no
 * backup can have: one line each, which names the thing and the reason. Nothing is thrown: where it cannot be looked, a
 * line says so.
 */
export async function threats(kube: Kube, { original }: Pick<Cluster, 'original'>): Promise<string[]> {
  try {
    const kinds = await kindsOf(kube)
    const [items, optedOut, schedules, policy] = await Promise.all([
      listed(kube, [
        ...looked,
        ...kinds.filter((one) => /s\.snapshot\.storage\.k8s\.io$|^sealedsecrets\./.test(one)),
      ]),
      listed(kube, kinds, ['-l', `${optOut}=true`]),
      kubectlRepeated(kube)`get schedules.velero.io -n velero -o json`,
      kubectlRepeated(kube)`get configmaps ${unboundClaims} -n velero --ignore-not-found -o json`,
    ])
    return threatsIn({
      items,
      optedOut,
      schedules: schedules.json(list).items,
      policy: policy.text.trim() === '' ? undefined : policy.json(z.unknown()),
      isClone: original !== undefined,
      kubeconfig: kube.file,
    })
  } catch (error) {
    if (!(error instanceof ToolFailure)) throw error
    return [`what the next backup will lack cannot be told: ${error.message.split('\n').at(-1)?.trim()}`]
  }
}

/** {@link threats}, told as warnings. */
export async function tellThreats(kube: Kube, cluster: Pick<Cluster, 'original'>): Promise<void> {
  for (const one of await threats(kube, cluster)) tell('!', 'backups', one)
}

const looked = ['persistentvolumeclaims', 'persistentvolumes', 'storageclasses.storage.k8s.io', 'pods']

/** Every kind of object that could be in a backup. */
async function kindsOf(kube: Kube): Promise<string[]> {
  return (await kubectlRepeated(kube)`api-resources --verbs=list -o name`).text
    .split('\n')
    .filter((one) => one !== '' && !one.endsWith('.metrics.k8s.io') && !Object.hasOwn(noise, one))
}

async function listed(
  kube: Kube,
  kinds: readonly string[],
  words: readonly string[] = [],
): Promise<unknown[]> {
  return (await kubectlRepeated(kube)`get ${kinds.join(',')} -A ${words} -o json`).json(list).items
}

/** {@link threats}, from what was seen. */
export function threatsIn({ items, optedOut, schedules, policy, isClone, kubeconfig }: Seen): string[] {
  const out = optedOut.map((one) => object.parse(one))
  const all = schedules.map((one) => schedule.parse(one))
  const daily = all.find((one) => one.metadata.name === 'daily')
  return [
    ...volumeThreats({
      items,
      leftOut: new Set(out.filter((one) => one.kind === 'Namespace').map((one) => one.metadata.name)),
      kubeconfig,
      passesOver: daily && daily.spec.template.resourcePolicy?.name === unboundClaims,
    }),
    ...onDisk(items.flatMap((one) => pod.safeParse(one).data ?? [])),
    ...keptOut(out),
    ...unopened(items, out),
    ...narrowed(all, isClone),
    ...ofPolicy(all, policy),
  ]
}

/** What pods write beside all volumes: one line for each owner and its paths. */
function onDisk(pods: readonly z.infer<typeof pod>[]): string[] {
  const lines = pods.flatMap(({ metadata: { namespace, name, ownerReferences }, spec }) => {
    const paths = diskPaths(spec)
    const [owner] = ownerReferences
    const who = owner ? `${owner.kind} ${namespace}/${owner.name}` : `pod ${namespace}/${name}`
    return paths.length > 0
      ? [`${who} writes to ${paths.join(', ')} on its machine’s own disk: no backup holds that`]
      : []
  })
  return [...new Set(lines)]
}

/** Namespaces and objects that a label keeps out, but regrow's own and what its owner makes anew. */
function keptOut(all: readonly z.infer<typeof object>[]): string[] {
  const why = `(label ${optOut})`
  const namespaces = all.filter((one) => one.kind === 'Namespace').map((one) => one.metadata.name)
  const idOf = ({ metadata }: z.infer<typeof object>) =>
    [metadata.namespace, metadata.name].filter(Boolean).join('/')
  const services = all.filter((one) => one.kind === 'Service').map(idOf)
  const isMadeAnew = (one: z.infer<typeof object>) =>
    (one.kind === 'Endpoints' && services.includes(idOf(one))) ||
    (one.metadata.ownerReferences.length > 0 && one.kind !== 'PersistentVolumeClaim')
  return [
    ...namespaces.map((one) => `namespace ${one} and all that is in it stays out of backups ${why}`),
    ...all
      .filter((one) => one.kind !== 'Namespace' && !namespaces.includes(one.metadata.namespace))
      .filter((one) => !isMadeAnew(one))
      .flatMap((one) => keptOutAlone(one, idOf(one))),
  ]
}

const sealed = object.extend({
  kind: z.literal('SealedSecret'),
  status: z
    .object({ conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]) })
    .prefault({}),
})

/** A Secret that its SealedSecret brings back is left out of backups: one that nothing opens any more is lost with the cluster. */
function unopened(items: readonly unknown[], out: readonly z.infer<typeof object>[]): string[] {
  return items.flatMap((one) => {
    const { metadata, status } = sealed.safeParse(one).data ?? {}
    if (!metadata || status?.conditions.some((each) => each.type === 'Synced' && each.status === 'True'))
      return []
    const id = `${metadata.namespace}/${metadata.name}`
    const isOut = out.some(
      (each) => each.kind === 'Secret' && `${each.metadata.namespace}/${each.metadata.name}` === id,
    )
    return isOut
      ? [
          `Secret ${id} stays out of backups (label ${optOut}), and no key opens its SealedSecret any more: seal it again`,
        ]
      : []
  })
}

/** One object that its own label keeps out; of the kit's Secrets what somebody added to them. */
function keptOutAlone({ kind, metadata, data }: z.infer<typeof object>, id: string): string[] {
  const why = `(label ${optOut})`
  const kept = kind === 'Secret' && Object.hasOwn(kitSecrets, id) ? kitSecrets[id] : undefined
  if (kept) {
    const added = Object.keys(data).filter((key) => !kept.includes(key))
    return added.length > 0
      ? [
          `Secret ${id} stays out of backups ${why}, and the kit does not have what was added: ${added.join(', ')}`,
        ]
      : []
  }
  // Each cluster gets its own.
  if (kind === 'ClusterRoleBinding' && id === operatorBinding) return []
  return [
    metadata.labels['sealedsecrets.bitnami.com/sealed-secrets-key']
      ? `sealing key ${id} stays out of backups ${why}, and the kit does not have it: what is sealed with it can be opened by this cluster alone`
      : `${kind} ${id} stays out of backups ${why}`,
  ]
}

/** What is wrong with the Schedules: the repository's own, and a person's beside it. */
function narrowed(all: readonly z.infer<typeof schedule>[], isClone: boolean): string[] {
  const lacks = ({ spec }: z.infer<typeof schedule>) => narrowness(spec.template).map(({ why }) => why)
  const daily = all.find((one) => one.metadata.name === 'daily')
  const others = all.filter((one) => one !== daily && lacks(one).length > 0)
  return [
    ...(daily || isClone ? [] : ['there is no schedule daily: no backup is made by itself']),
    ...(daily?.spec.paused ? ['schedule daily is paused: no backup is made by itself'] : []),
    ...(daily?.status.phase === 'FailedValidation'
      ? [`schedule daily is not accepted: ${daily.status.validationErrors.join('; ')}`]
      : []),
    ...(daily ? lacks(daily).map((why) => `schedule daily makes partial backups: ${why}`) : []),
    ...others.map(
      (one) =>
        `schedule ${one.metadata.name} makes partial backups, which count for nothing here: ${lacks(one).join('; ')}`,
    ),
  ]
}

function policyIn(text: string): unknown {
  try {
    return loadYaml(text)
  } catch {
    return undefined
  }
}

const policyText = z.object({ data: z.record(z.string(), z.string()) })

/** What is wrong with the resource policy that backups name: it is not there, or somebody made another one of it. */
function ofPolicy(all: readonly z.infer<typeof schedule>[], found: unknown): string[] {
  const names = all.filter(({ spec }) => spec.template.resourcePolicy?.name === unboundClaims)
  const what = `resource policy ${unboundClaims}`
  if (found === undefined)
    return names.map(
      ({ metadata: { name } }) =>
        `schedule ${name} names ${what}, which is not there, and no backup begins by it: ${command('scripts/backup.mts')} puts it there`,
    )
  const said = Object.values(policyText.safeParse(found).data?.data ?? {}).map(policyIn)
  return isDeepStrictEqual(said, [passedOver])
    ? []
    : [`${what} is not what regrow wrote: volumes that it leaves out make backups partial`]
}
