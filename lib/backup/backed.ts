import { z } from 'zod'
import { gunzip } from '../base/gunzip.ts'
import { parseJson } from '../base/json.ts'
import type { Bucket } from '../clients/s3.ts'
import { isNamespaceName, isObjectName } from '../kubernetes/object-names.ts'
import type { Bytes } from './bytes.ts'
import type { BackedVolume } from './restore/volumes.ts'

/** The driver whose snapshots a restore can bring back. */
export const driver = 'dobs.csi.digitalocean.com'

/** Why something is not in a backup as it must be, and what a person can do about it. */
export interface Lack {
  why: string
  cure: string
}

/** What a backup says of one volume. */
export interface VolumeEntry extends BackedVolume {
  /** Why a restore cannot bring it back; undefined when it can. */
  lack: Lack | undefined
  /** `namespace/name` of the pod, where it is a volume of a pod that no claim stands for. */
  pod: string | undefined
}

const moved = z.object({
  dataMover: z.string().default(''),
  snapshotHandle: z.string().default(''),
  size: z.number().optional(),
})
// These names reach command lines, and keys in the bucket.
const name = z
  .string()
  .refine((text) => text === '' || isObjectName(text), 'is no name')
  .default('')
const namespace = z
  .string()
  .refine((text) => text === '' || isNamespaceName(text), 'is no name of a namespace')
  .default('')
const info = z.object({
  pvcName: name,
  pvcNamespace: namespace,
  pvName: name,
  backupMethod: z.string().default(''),
  snapshotDataMoved: z.boolean().default(false),
  skipped: z.boolean().default(false),
  skippedReason: z.string().default(''),
  result: z.string().default(''),
  csiSnapshotInfo: z
    .object({ snapshotHandle: z.string().default(''), driver: z.string().default('') })
    .nullish(),
  snapshotDataMovementInfo: moved.nullish(),
  pvbInfo: z.object({ podName: name, podNamespace: namespace }).nullish(),
})
type Info = z.infer<typeof info>

/** Bytes that Velero's lists of a backup may become: of ten thousand objects, or two thousand volumes, they have half. */
export const listBytes = 8 * 1024 ** 2

const whereOf = ({ issues }: z.ZodError) =>
  [issues[0]?.path.join('.'), issues[0]?.message].filter(Boolean).join(': ')

/**
 * What a backup says of its volumes (Velero's `volumeinfo.json.gz`, `internal/volume/volumes_information.go`), in the
 * order of their claims: the order in which they got ready says nothing.
 * @returns undefined when it says nothing at all, because the file is missing
 * @throws an error when the file cannot be read
 */
export async function volumeEntries(bucket: Bucket, backup: string): Promise<VolumeEntry[] | undefined> {
  const bytes = await bucket.get(`backups/${backup}/${backup}-volumeinfo.json.gz`)
  if (!bytes) return undefined
  const read = z.array(info).safeParse(parseJson(gunzip(bytes, listBytes)))
  if (!read.success) throw new Error(`it is no list of volumes (${whereOf(read.error)})`)
  return (
    read.data
      // A volume that nobody claims is an object alone: whose bytes they are nobody says.
      .filter((one) => one.pvcName !== '' || one.pvbInfo)
      .map(entryOf)
      .toSorted((a, b) => (a.claim < b.claim ? -1 : 1))
  )
}

/** The same entries, where one whose bytes are gone since lacks them. */
export const withoutGone = (entries: readonly VolumeEntry[], bytes: Bytes): Promise<VolumeEntry[]> =>
  Promise.all(entries.map(async (one) => (isHeld(one) ? { ...one, lack: await bytes.gone(one) } : one)))

/** The volumes that a restore can bring back from a backup, by their claims' names. */
export async function backedVolumes(bucket: Bucket, backup: string, bytes: Bytes): Promise<BackedVolume[]> {
  const all = await withoutGone((await volumeEntries(bucket, backup)) ?? [], bytes)
  return all.filter(isHeld).map(({ claim, volume, kept, bytes, snapshot }) => ({
    claim,
    volume,
    kept,
    bytes,
    snapshot,
  }))
}

/** Whether a backup holds the bytes of a claim's volume. */
export const isHeld = ({ lack, pod }: VolumeEntry) => lack === undefined && pod === undefined

function entryOf(one: Info): VolumeEntry {
  const isMoved = one.snapshotDataMoved
  const { podNamespace = '', podName = '' } = one.pvbInfo ?? {}
  return {
    claim: `${one.pvcNamespace}/${one.pvcName}`,
    volume: one.pvName,
    kept: isMoved ? 's3' : 'snapshot',
    bytes: one.snapshotDataMovementInfo?.size,
    snapshot: isMoved ? undefined : one.csiSnapshotInfo?.snapshotHandle,
    lack: lackOf(one),
    pod: one.pvcName === '' ? `${podNamespace}/${podName}` : undefined,
  }
}

const again = 'Take another backup then.'
const failed = 'Take another backup, when the cause is gone.'
const elsewhere = {
  why: 'Velero saved no bytes of it',
  cure: `Velero can save only volumes of ${driver}: move the data to a claim of class do-block-storage, and remove this one, or save it yourself.`,
}

/** Why a restore cannot bring a volume back. */
function lackOf(one: Info): Lack | undefined {
  if (one.skipped) return skipped(one.skippedReason)
  const { backupMethod, result, csiSnapshotInfo, snapshotDataMovementInfo } = one
  if (backupMethod === 'PodVolumeBackup')
    return {
      why: 'its files were copied by file-system backup (annotation backup.velero.io/backup-volumes of its pod), which a restore cannot bring back',
      cure: `Remove the annotation from the pod’s template: the volume is saved as a whole without it. ${again}`,
    }
  if (backupMethod !== 'CSISnapshot')
    return {
      why: `it was saved by ${backupMethod || 'an unknown method'}, which a restore cannot bring back`,
      cure: elsewhere.cure,
    }
  if (result !== 'succeeded')
    return { why: `Velero did not finish saving it (${result || 'no result'})`, cure: failed }
  if (one.snapshotDataMoved) {
    if (!snapshotDataMovementInfo?.snapshotHandle)
      return { why: 'nothing of it was moved into the bucket', cure: failed }
    const mover = snapshotDataMovementInfo.dataMover
    return mover === '' || mover === 'velero'
      ? undefined
      : { why: `data mover ${mover} has it, which a restore cannot use`, cure: failed }
  }
  const { snapshotHandle = '', driver: used } = csiSnapshotInfo ?? {}
  if (snapshotHandle === '' || snapshotHandle === 'unknown')
    return { why: 'it has no snapshot', cure: failed }
  return used === driver
    ? undefined
    : { why: `its snapshot is one of ${used || 'an unknown driver'}`, cure: elsewhere.cure }
}

function skipped(reason: string): Lack {
  const said = reason.replace(/;\s*$/, '').trim()
  const why = said ? `${elsewhere.why}: ${said}` : elsewhere.why
  if (/exclude-from-backup/.test(said))
    return {
      why,
      cure: `Remove the label velero.io/exclude-from-backup from the claim and its volume. ${again}`,
    }
  return { why, cure: elsewhere.cure }
}
