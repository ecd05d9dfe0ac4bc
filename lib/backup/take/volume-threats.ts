import { z } from 'zod'
import { kubectlHint, type Words } from '../../base/hint.ts'
import { optOut, unboundClaims } from '../../cluster/backup-rules.ts'
import { driver } from '../backed.ts'

const metadata = z.object({
  name: z.string(),
  namespace: z.string().default(''),
  labels: z.record(z.string(), z.string()).default({}),
  annotations: z.record(z.string(), z.string()).default({}),
  deletionTimestamp: z.string().optional(),
})
const status = z.object({ phase: z.string().default('') }).prefault({})
const source = z.object({ kind: z.string(), name: z.string() })
const claim = z.object({
  kind: z.literal('PersistentVolumeClaim'),
  metadata,
  spec: z.object({
    storageClassName: z.string().default(''),
    volumeName: z.string().default(''),
    dataSource: source.nullish(),
    dataSourceRef: source.nullish(),
  }),
  status,
})
const volume = z.object({
  kind: z.literal('PersistentVolume'),
  metadata,
  spec: z.looseObject({
    claimRef: z.object({ namespace: z.string(), name: z.string() }).optional(),
    csi: z.object({ driver: z.string() }).optional(),
  }),
  status,
})
const pod = z.object({
  kind: z.literal('Pod'),
  metadata,
  spec: z
    .object({
      volumes: z
        .array(z.object({ persistentVolumeClaim: z.object({ claimName: z.string() }).optional() }))
        .default([]),
    })
    .prefault({}),
})
const storageClass = z.object({ kind: z.literal('StorageClass'), metadata })
const snapshot = z.object({
  kind: z.literal('VolumeSnapshot'),
  metadata,
  spec: z.object({ source: z.object({ persistentVolumeClaimName: z.string().optional() }) }),
})
const content = z.object({
  kind: z.literal('VolumeSnapshotContent'),
  metadata,
  spec: z.object({ volumeSnapshotRef: z.object({ namespace: z.string(), name: z.string() }) }),
})
type Claim = z.infer<typeof claim>
type Volume = z.infer<typeof volume>

/** What is told of volumes of a living cluster, as the API has it. */
export interface SeenVolumes {
  /** Claims, volumes, storage classes, pods, VolumeSnapshots and their contents. */
  items: readonly unknown[]
  /** Namespaces that a label keeps out of backups, with all that is in them. */
  leftOut: ReadonlySet<string>
  /** Schedule `daily` names the policy that passes over claims without a volume; undefined where there is no schedule. */
  passesOver: boolean | undefined
  /** The file with which a person's kubectl reaches the cluster. */
  kubeconfig: string
}

/** What of volumes the next backup cannot have, or what makes it fail: one line each, with the name and the reason. */
export function volumeThreats({ items, leftOut, passesOver, kubeconfig }: SeenVolumes): string[] {
  const kubectl = kubectlHint(kubeconfig)
  const all = <T extends { metadata: z.infer<typeof metadata> }>(schema: z.ZodType<T>): T[] =>
    items.flatMap((one) => schema.safeParse(one).data ?? [])
  // What is going, or is kept out, no backup meets.
  const isMet = (one: { metadata: z.infer<typeof metadata> }) =>
    !one.metadata.deletionTimestamp &&
    one.metadata.labels[optOut] !== 'true' &&
    !leftOut.has(one.metadata.namespace)
  const claims = all(claim)
  const volumes = all(volume)
  const classes = new Set(all(storageClass).map((one) => one.metadata.name))
  const ids = new Set(claims.map(idOf))
  const pods = all(pod)
  return [
    ...volumes.flatMap(foreign),
    ...volumes.filter(isMet).flatMap((one) => claimless(one, ids, kubectl)),
    ...claims.filter(isMet).flatMap((one) => unbound(one, volumes, { passesOver, kubectl })),
    ...claims.filter(isMet).flatMap((one) => fromSnapshot(one)),
    ...claims.flatMap((one) => unclassed(one, volumes, classes)),
    ...pods.filter(isMet).flatMap((one) => waiting(one, ids)),
    ...pods.flatMap(fileSystemBackup),
    ...snapshotLines(all(snapshot), all(content), claims),
  ]
}

const idOf = ({ metadata: { namespace, name } }: { metadata: z.infer<typeof metadata> }) =>
  namespace ? `${namespace}/${name}` : name

const notSources = ['capacity', 'claimRef', 'nodeAffinity', 'accessModes', 'mountOptions']

/** A volume in use that is none of the driver's. */
function foreign({ metadata: { name }, spec, status: { phase } }: Volume): string[] {
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

const fails = 'a backup that meets it ends PartiallyFailed'

/** With a resource policy Velero asks for the claim of each volume that no driver has (`takePVSnapshot`, v1.18.3). */
function claimless(
  { metadata: { name }, spec: { claimRef, csi } }: Volume,
  claims: ReadonlySet<string>,
  kubectl: Words,
): string[] {
  if (csi || !claimRef || claims.has(`${claimRef.namespace}/${claimRef.name}`)) return []
  return [
    `volume ${name}: its claim ${claimRef.namespace}/${claimRef.name} is gone, and ${fails} until the volume is deleted or its claimRef is taken out: ${kubectl`patch persistentvolume ${name} --type merge -p ${'{"spec":{"claimRef":null}}'}`}`,
  ]
}

/**
 * A claim without a volume. Velero counts it as an error (`volume_policy_helper.go`, v1.18.3) unless the policy passes
 * over it, which it cannot where the claim names a volume that is not there (`getMatchAction` in `item_backupper.go`).
 */
function unbound(
  one: Claim,
  volumes: readonly Volume[],
  { passesOver, kubectl }: { passesOver: boolean | undefined; kubectl: Words },
): string[] {
  const { phase } = one.status
  if (phase === 'Bound') return []
  const { volumeName } = one.spec
  const told = `claim ${idOf(one)} is ${phase || 'not bound'}`
  if (volumeName !== '' && !volumes.some(({ metadata }) => metadata.name === volumeName))
    return [
      `${told}: its volume ${volumeName} is not there, and ${fails} until the volume is there or the claim is deleted: ${kubectl`delete persistentvolumeclaim ${one.metadata.name} -n ${one.metadata.namespace}`}`,
    ]
  return passesOver === false
    ? [
        `${told}: schedule daily does not name the resource policy ${unboundClaims}, and each of its backups ends PartiallyFailed`,
      ]
    : []
}

/** A claim that is to be filled from a snapshot and is not yet: its bytes are there alone. */
function fromSnapshot(one: Claim): string[] {
  const from = [one.spec.dataSource, one.spec.dataSourceRef].find((each) => each?.kind === 'VolumeSnapshot')
  if (one.status.phase === 'Bound' || !from) return []
  return [
    `claim ${idOf(one)} waits to be made from VolumeSnapshot ${from.name}: its bytes are there alone, and a backup without them is partial`,
  ]
}

/** Velero finds the way to take a snapshot by the claim's storage class, and fails without. */
function unclassed(one: Claim, volumes: readonly Volume[], classes: ReadonlySet<string>): string[] {
  const { spec, status } = one
  const isSaved = volumes.some(
    ({ metadata, spec: { csi } }) => metadata.name === spec.volumeName && csi?.driver === driver,
  )
  if (status.phase !== 'Bound' || !isSaved || classes.has(spec.storageClassName)) return []
  const why =
    spec.storageClassName === ''
      ? 'it has no storage class'
      : `its storage class ${spec.storageClassName} is not there`
  return [`claim ${idOf(one)}: ${why}, and without one Velero can neither save nor restore it`]
}

/** With a resource policy Velero asks for the claims of each pod (`ShouldPerformFSBackup`, v1.18.3). */
function waiting(one: z.infer<typeof pod>, claims: ReadonlySet<string>): string[] {
  return one.spec.volumes
    .flatMap(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName ?? [])
    .filter((name) => !claims.has(`${one.metadata.namespace}/${name}`))
    .map(
      (name) =>
        `pod ${idOf(one)}: its claim ${name} is not there, and ${fails} until it is, or the pod is deleted`,
    )
}

const fsBackup = 'backup.velero.io/backup-volumes'

function fileSystemBackup(one: z.infer<typeof pod>): string[] {
  const volumes = one.metadata.annotations[fsBackup]
  if (!volumes) return []
  return [
    `pod ${idOf(one)}: by its annotation ${fsBackup} Velero copies files of ${volumes} instead of the volume, and a restore cannot bring those back`,
  ]
}

/** Snapshots that Velero made itself carry its labels, or lie in its namespace while it copies them. */
const isVeleros = ({ metadata: { namespace, labels } }: { metadata: z.infer<typeof metadata> }) =>
  namespace === 'velero' || 'velero.io/backup-name' in labels || 'velero.io/restore-name' in labels

/** Velero leaves out every VolumeSnapshot that is not its own, whatever it is asked for (`backup_controller.go`). */
function snapshotLines(
  snapshots: readonly z.infer<typeof snapshot>[],
  contents: readonly z.infer<typeof content>[],
  claims: readonly Claim[],
): string[] {
  const known = new Set(snapshots.map(idOf))
  const saved = new Set(claims.filter((one) => one.status.phase === 'Bound').map(idOf))
  const inNone = 'is in no backup: Velero takes along its own alone'
  return [
    ...snapshots
      .filter((one) => !isVeleros(one))
      .map((one) => {
        const { persistentVolumeClaimName: name } = one.spec.source
        const of = `${one.metadata.namespace}/${name}`
        const rest =
          name === undefined
            ? 'its bytes are at DigitalOcean alone'
            : saved.has(of)
              ? `claim ${of} is in backups, as it is now`
              : `claim ${of} is gone, and its bytes are at DigitalOcean alone`
        return `VolumeSnapshot ${idOf(one)} ${inNone}; ${rest}`
      }),
    ...contents
      .filter((one) => !isVeleros(one))
      .filter(
        ({ spec: { volumeSnapshotRef: ref } }) =>
          ref.namespace !== 'velero' && !known.has(`${ref.namespace}/${ref.name}`),
      )
      .map((one) => `VolumeSnapshotContent ${idOf(one)} ${inNone}; its bytes are at DigitalOcean alone`),
  ]
}
