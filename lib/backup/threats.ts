import { z } from 'zod'
import { noise, optOut } from '../cluster/backup-rules.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { kitSecrets } from '../gitops/bootstrap-secrets.ts'
import { diskPaths } from '../kubernetes/disk-paths.ts'
import { kubectlRepeated } from '../kubernetes/repeated.ts'
import { tell } from '../story.ts'
import { type Kube, ToolFailure } from '../tools.ts'
import { driver } from './backed.ts'
import { narrowness, specification } from './specification.ts'

const metadata = z.object({
  name: z.string(),
  namespace: z.string().default(''),
  labels: z.record(z.string(), z.string()).default({}),
  annotations: z.record(z.string(), z.string()).default({}),
  ownerReferences: z.array(z.object({ kind: z.string(), name: z.string().default('') })).default([]),
})
const status = z.object({ phase: z.string().default('') }).prefault({})
const data = z.record(z.string(), z.unknown()).catch({}) // other kinds have other data
const object = z.object({ kind: z.string(), metadata, data })
const pod = object.extend({ kind: z.literal('Pod'), spec: z.unknown().optional() })
const claim = object.extend({
  kind: z.literal('PersistentVolumeClaim'),
  spec: z.object({ storageClassName: z.string().default(''), volumeName: z.string().default('') }),
  status,
})
const volume = object.extend({
  kind: z.literal('PersistentVolume'),
  spec: z.looseObject({
    claimRef: z.object({ namespace: z.string(), name: z.string() }).optional(),
    csi: z.object({ driver: z.string() }).optional(),
  }),
  status,
})
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
  /** Claims, volumes, storage classes, pods. */
  items: readonly unknown[]
  /** Whatever carries the label that keeps it out of backups. */
  optedOut: readonly unknown[]
  schedules: readonly unknown[]
  /** A cluster beside the original takes no backups. */
  isClone: boolean
}

/**
 * Looks at a living cluster for what makes its next backup less than whole, or has no next one be made: one line each,
 * which names the thing and the reason. Nothing is thrown: where it cannot be looked, a line says so.
 */
export async function threats(kube: Kube, { original }: Pick<Cluster, 'original'>): Promise<string[]> {
  try {
    const [items, optedOut, schedules] = await Promise.all([
      kubectlRepeated(
        kube,
      )`get persistentvolumeclaims,persistentvolumes,storageclasses.storage.k8s.io,pods -A -o json`,
      labelled(kube),
      kubectlRepeated(kube)`get schedules.velero.io -n velero -o json`,
    ])
    return threatsIn({
      items: items.json(list).items,
      optedOut,
      schedules: schedules.json(list).items,
      isClone: original !== undefined,
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

/** Objects of every kind with the label that keeps them out. */
async function labelled(kube: Kube): Promise<unknown[]> {
  const kinds = (await kubectlRepeated(kube)`api-resources --verbs=list -o name`).text
    .split('\n')
    .filter((one) => one !== '' && !one.endsWith('.metrics.k8s.io') && !Object.hasOwn(noise, one))
  const found = await kubectlRepeated(kube)`get ${kinds.join(',')} -A -l ${`${optOut}=true`} -o json`
  return found.json(list).items
}

/** {@link threats}, from what was seen. */
export function threatsIn({ items, optedOut, schedules, isClone }: Seen): string[] {
  const all = items.map((one) => object.parse(one))
  const claims = items.flatMap((one) => claim.safeParse(one).data ?? [])
  const volumes = items.flatMap((one) => volume.safeParse(one).data ?? [])
  const pods = items.flatMap((one) => pod.safeParse(one).data ?? [])
  const classes = new Set(all.filter((one) => one.kind === 'StorageClass').map((one) => one.metadata.name))
  return [
    ...volumes.flatMap((one) => foreign(one)),
    ...claims.flatMap((one) => unbound(one)),
    ...claims.flatMap((one) => unclassed(one, volumes, classes)),
    ...pods.flatMap((one) => fileSystemBackup(one)),
    ...onDisk(pods),
    ...keptOut(optedOut.map((one) => object.parse(one))),
    ...narrowed(
      schedules.map((one) => schedule.parse(one)),
      isClone,
    ),
  ]
}

const notSources = ['capacity', 'claimRef', 'nodeAffinity', 'accessModes', 'mountOptions']

/** A volume in use that is none of the driver's. */
function foreign({ metadata: { name }, spec, status: { phase } }: z.infer<typeof volume>): string[] {
  const { claimRef, csi } = spec
  if (phase !== 'Bound' || !claimRef || csi?.driver === driver) return []
  const source = Object.entries(spec).find(
    ([key, value]) => typeof value === 'object' && !notSources.includes(key),
  )?.[0]
  const what = csi ? `one of driver ${csi.driver}` : `of kind ${source ?? 'unknown'}`
  return [
    `claim ${claimRef.namespace}/${claimRef.name}: its volume ${name} is ${what}, and Velero can save those of ${driver} alone`,
  ]
}

/** Velero counts a claim without a volume as an error (`volume_policy_helper.go`, v1.18.1). */
const unbound = ({ metadata: { namespace, name }, status: { phase } }: z.infer<typeof claim>): string[] =>
  phase === 'Bound'
    ? []
    : [`claim ${namespace}/${name} is ${phase || 'not bound'}: a backup that meets it ends PartiallyFailed`]

/** Velero finds the way to take a snapshot by the claim's storage class, and fails without. */
function unclassed(
  { metadata: { namespace, name }, spec, status: { phase } }: z.infer<typeof claim>,
  volumes: readonly z.infer<typeof volume>[],
  classes: ReadonlySet<string>,
): string[] {
  const isSaved = volumes.some(
    (one) => one.metadata.name === spec.volumeName && one.spec.csi?.driver === driver,
  )
  if (phase !== 'Bound' || !isSaved || classes.has(spec.storageClassName)) return []
  const why =
    spec.storageClassName === ''
      ? 'it has no storage class'
      : `its storage class ${spec.storageClassName} is not there`
  return [`claim ${namespace}/${name}: ${why}, and without one Velero can neither save nor restore it`]
}

const fsBackup = 'backup.velero.io/backup-volumes'

function fileSystemBackup({ metadata }: z.infer<typeof object>): string[] {
  const volumes = metadata.annotations[fsBackup]
  if (!volumes) return []
  return [
    `pod ${metadata.namespace}/${metadata.name}: by its annotation ${fsBackup} Velero copies files of ${volumes} instead of the volume, and a restore cannot bring those back`,
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
