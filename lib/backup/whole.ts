import { z } from 'zod'
import { gunzip } from '../base/gunzip.ts'
import { parseJson } from '../base/json.ts'
import type { Bucket } from '../clients/s3.ts'
import { isHeld, type Lack, listBytes, type VolumeEntry, volumeEntries, withoutGone } from './backed.ts'
import type { Bytes } from './bytes.ts'
import { unmadeFrom } from './objects.ts'
import { type Defined, definedBy, known, notLookedFor } from './restore/late-kinds.ts'
import { narrowness, specification } from './take/specification.ts'
import { eachObject, type Manifest } from './tarball.ts'

/** A backup as its `velero-backup.json` in the bucket tells it (Velero's `object_store_layout.go`). */
export const backupFile = z.object({
  metadata: z.object({ name: z.string(), annotations: z.record(z.string(), z.string()).optional() }),
  spec: specification.optional(),
  status: z
    .object({
      phase: z.string().optional(),
      startTimestamp: z.string().optional(),
      completionTimestamp: z.string().optional(),
      expiration: z.string().optional(),
      formatVersion: z.string().optional(),
      errors: z.number().optional(),
      warnings: z.number().optional(),
      failureReason: z.string().optional(),
    })
    .optional(),
})
export type BackupFile = z.infer<typeof backupFile>

/**
 * Whether a backup brings everything back. Each reason is one line that names the claim or the field; `cures` say what
 * makes the next one whole.
 */
export type Wholeness =
  | { state: 'whole' }
  /** Completed, and something is not in it. */
  | { state: 'partial'; reasons: string[]; cures?: string[] }
  /** It ended otherwise than Completed, or did not end. */
  | { state: 'failed'; reasons: string[] }

/** Whether a backup is whole, by its phase, its errors, what it asked for and what it holds. */
export const isWhole = ({ wholeness }: { wholeness: Wholeness }): boolean => wholeness.state === 'whole'

/** Why a backup is not whole. */
export const reasonsOf = ({ wholeness }: { wholeness: Wholeness }): string[] =>
  wholeness.state === 'whole' ? [] : wholeness.reasons

/**
 * Judges a backup: the one meaning of "whole".
 * @param bytes whether what it tells of is still there; shared by all that are judged in one look
 * @param thorough reads its objects too, as it is right before one is brought back or called taken; otherwise they are
 *   read only where what Velero lists beside them leaves a doubt
 * @param all all backups of the bucket, newest first: a kind that an earlier one has is not new
 */
export async function judge(
  bucket: Bucket,
  one: BackupFile,
  bytes: Bytes,
  { thorough = false, all = [] }: { thorough?: boolean; all?: readonly BackupFile[] } = {},
): Promise<Wholeness> {
  const { phase, errors = 0, failureReason } = one.status ?? {}
  const count = errors > 0 ? [errors === 1 ? '1 error' : `${errors} errors`] : []
  if (phase !== 'Completed')
    return {
      state: 'failed',
      reasons: [[phase ?? 'it did not begin', ...count, failureReason].filter(Boolean).join(', ')],
    }
  const lacks: Lack[] = [
    ...count.map((why) => ({ why, cure: 'Take another backup, when their cause is gone.' })),
    ...narrowness(one.spec ?? {}),
    ...(await contentLacking(bucket, one, bytes, { all, thorough })),
  ]
  if (lacks.length === 0) return { state: 'whole' }
  const cures = [...new Set(lacks.map(({ cure }) => cure))]
  return { state: 'partial', reasons: lacks.map(({ why }) => why), cures }
}

const damaged = 'It was altered or is damaged: take another backup, and restore another one.'

/**
 * Every claim that was bound, and every volume with a claim, of which the backup lacks the bytes; and the kinds that Velero
 * did not look for.
 */
async function contentLacking(
  bucket: Bucket,
  one: BackupFile,
  bytes: Bytes,
  { all, thorough }: { all: readonly BackupFile[]; thorough: boolean },
): Promise<Lack[]> {
  const { name } = one.metadata
  const [told, list, isThere] = await Promise.all([
    readable(() => volumeEntries(bucket, name)),
    readable(() => resourceList(bucket, name)),
    bucket.list(`backups/${name}/${name}.tar.gz`).then((keys) => keys.some((one) => one.size !== 0)),
  ])
  const unreadable = [
    ...missing(told, `${name}-volumeinfo.json.gz`),
    ...missing(list, `${name}-resource-list.json.gz`),
    ...(isThere ? [] : [{ why: `${name}.tar.gz is missing: there are no objects in it`, cure: damaged }]),
  ]
  if (!isThere || !told || typeof told === 'string' || !list || typeof list === 'string') return unreadable
  const entries = await withoutGone(told, bytes)
  const listed = {
    claims: list['v1/PersistentVolumeClaim'] ?? [],
    volumes: list['v1/PersistentVolume'] ?? [],
  }
  const certain: Lack[] = [
    // What has a name is a volume that no claim holds: an object, which comes back as one.
    ...entries.flatMap(({ pod, volume, lack }) =>
      pod === undefined || volume !== '' || !lack
        ? []
        : [{ ...lack, why: `a volume of pod ${pod}: ${lack.why}` }],
    ),
  ]
  if (!thorough && isClear(listed, entries) && !(await hasNewKinds(bucket, list, one, all)))
    return [...certain, ...listed.claims.flatMap((claim) => lackOfClaim(claim, entries))]
  const bound = await readable(() => objectsIn(bucket, name))
  if (typeof bound === 'string' || !bound)
    return [...certain, { why: `its objects cannot be read: ${bound}`, cure: damaged }]
  return [
    ...certain,
    ...(await notLookedFor(bucket, name, bound.unused, beginOf(one))),
    ...bound.claims.flatMap((claim) => lackOfClaim(claim, entries)),
    ...bound.unmade.map(lackOfUnmade),
    ...bound.volumes
      .filter(({ claim }) => !bound.claims.includes(claim))
      .flatMap(({ volume, claim }) => lackOfVolume(volume, claim, entries)),
  ]
}

const missing = (read: unknown, file: string): Lack[] =>
  read === undefined
    ? [{ why: `${file} is missing: nothing says what is in it`, cure: damaged }]
    : typeof read === 'string'
      ? [{ why: `${file} cannot be read: ${read}`, cure: damaged }]
      : []

/** What is read, or why it cannot be. */
const readable = <T extends object | undefined>(read: () => Promise<T>): Promise<T | string> =>
  read().catch((error: unknown) => (error instanceof Error ? error.message : String(error)))

/** `{ "v1/Pod": ["namespace/name"] }`: what a backup held when its objects were written. */
async function resourceList(bucket: Bucket, name: string): Promise<Record<string, string[]> | undefined> {
  const bytes = await bucket.get(`backups/${name}/${name}-resource-list.json.gz`)
  if (!bytes) return undefined
  const read = z.record(z.string(), z.array(z.string())).safeParse(parseJson(gunzip(bytes, listBytes)))
  if (!read.success) throw new Error('it is no list of objects')
  return read.data
}

const entriesOf = (claim: string, entries: readonly VolumeEntry[]) =>
  entries.filter((one) => one.pod === undefined && one.claim === claim)

/**
 * Whether the lists alone say all. They do not where a claim or a volume has no entry, or was passed over by a resource
 * policy: one that was never bound has no bytes, rightly. Claims in Velero's own namespace may be its own, of an upload
 * that ran meanwhile.
 */
function isClear(listed: { claims: string[]; volumes: string[] }, entries: readonly VolumeEntry[]): boolean {
  const isSettled = (claim: string) => {
    const own = entriesOf(claim, entries)
    return own.some(isHeld) || (own.length > 0 && !own.some(isPassedOver) && !claim.startsWith('velero/'))
  }
  const ofClaims = new Set(listed.claims)
  return (
    listed.claims.every(isSettled) &&
    listed.volumes.every((volume) =>
      entries.some((one) => one.volume === volume && (isHeld(one) || ofClaims.has(one.claim))),
    )
  )
}

const isPassedOver = ({ lack }: VolumeEntry) => /resource polic/.test(lack?.why ?? '')

const absent: Lack = {
  why: 'Velero saved no bytes of it, and says nothing about it',
  cure: 'Take another backup, when the cause is gone.',
}

function lackOfClaim(claim: string, entries: readonly VolumeEntry[]): Lack[] {
  const own = entriesOf(claim, entries)
  if (own.some(isHeld)) return []
  const { why, cure } = own[0]?.lack ?? absent
  return [{ why: `claim ${claim}: ${why}`, cure }]
}

const lackOfUnmade = ({ claim, from }: { claim: string; from: string }): Lack => ({
  why: `claim ${claim}: it was not made yet from VolumeSnapshot ${from}, where its bytes are, and that is in no backup`,
  cure: `Take another backup, when claim ${claim} is Bound.`,
})

function lackOfVolume(volume: string, claim: string, entries: readonly VolumeEntry[]): Lack[] {
  const own = entries.filter((one) => one.volume === volume)
  if (own.some(isHeld)) return []
  const { why, cure } = own[0]?.lack ?? absent
  return [{ why: `volume ${volume} of claim ${claim}: ${why}`, cure }]
}

const bound = z.object({ phase: z.literal('Bound') })
const claimRef = z.object({ claimRef: z.object({ namespace: z.string(), name: z.string() }) })

const beginOf = ({ status }: BackupFile) => Date.parse(status?.startTimestamp ?? '')

/** Whether a backup defines kinds that no earlier one defines which Velero had time to learn of. */
async function hasNewKinds(
  bucket: Bucket,
  list: Record<string, string[]>,
  one: BackupFile,
  all: readonly BackupFile[],
): Promise<boolean> {
  const definitions = (of: Record<string, string[]> | undefined) =>
    of?.['apiextensions.k8s.io/v1/CustomResourceDefinition'] ?? []
  const earlier = all.find((other) => beginOf(one) - beginOf(other) >= known)
  const before = earlier && (await readable(() => resourceList(bucket, earlier.metadata.name)))
  const then = new Set(typeof before === 'object' ? definitions(before) : [])
  return definitions(list).some((name) => !then.has(name))
}

/**
 * The claims and volumes that were bound when the backup was made, the claims that were still to be made from a snapshot
 * (Velero takes along none but its own), and the kinds without an object, as its objects tell it.
 */
async function objectsIn(bucket: Bucket, name: string) {
  const claims: string[] = []
  const unmade: { claim: string; from: string }[] = []
  const defined: Defined[] = []
  const used = new Set<string>()
  const volumes: { volume: string; claim: string }[] = []
  const veleros = new Set<string>()
  await eachObject(bucket, name, (resource, one) => {
    used.add(resource)
    const kind = definedBy(resource, one)
    if (kind) defined.push(kind)
    const { namespace, name: own } = one.metadata
    const claim = resource === 'persistentvolumeclaims' ? `${namespace}/${own}` : undefined
    if (!bound.safeParse(one.status).success) {
      const from = claim && !isOfVelero(one) ? unmadeFrom(one) : undefined
      if (claim && from) unmade.push({ claim, from })
      return
    }
    if (claim && isOfVelero(one)) veleros.add(claim)
    else if (claim) claims.push(claim)
    const ref = resource === 'persistentvolumes' ? claimRef.safeParse(one.spec).data?.claimRef : undefined
    if (ref) volumes.push({ volume: own, claim: `${ref.namespace}/${ref.name}` })
  })
  return {
    claims,
    unmade,
    volumes: volumes.filter(({ claim }) => !veleros.has(claim)),
    unused: defined.filter(({ resource }) => !used.has(resource)),
  }
}

/** A claim that Velero made to read a snapshot, while it uploads one: it goes with its upload. */
const isOfVelero = ({ metadata }: Manifest) =>
  metadata.ownerReferences?.some(({ kind }) => kind === 'DataUpload' || kind === 'DataDownload') === true
