import { z } from 'zod'
import type { Kube } from '../../clients/tools.ts'
import { kubectlRepeated } from '../../kubernetes/repeated.ts'

/** A volume as a backup holds it. */
export interface BackedVolume {
  /** `namespace/name` of its claim. */
  claim: string
  /** Name of the volume in the earlier cluster, and at DigitalOcean. */
  volume: string
  /** Copied into the bucket, or a snapshot at DigitalOcean. */
  kept: 's3' | 'snapshot'
  /** What was copied, in bytes; a snapshot has no such number. */
  bytes: number | undefined
  /** Id of the snapshot at DigitalOcean, where it stays there. */
  snapshot: string | undefined
}

/** A volume as it came back. */
export interface VolumeProof extends BackedVolume {
  /** What was moved, in bytes. */
  moved: number | undefined
  /** Why it does not count as back. */
  missing: string | undefined
  /** Its claim still waits for its volume. */
  pending: boolean
  /** The claim does not exist. */
  absent: boolean
  /** Another claim has its name by now: nothing is ever written into that one. */
  taken: boolean
  /** Identity of the claim that has the bytes, and the id of its volume at DigitalOcean. */
  uid: string | undefined
  handleNow: string | undefined
}

const texts = z.record(z.string(), z.string()).optional()

const download = z.object({
  metadata: z.object({ labels: texts }).prefault({}),
  spec: z.object({ targetVolume: z.object({ pvc: z.string(), namespace: z.string() }) }),
  status: z
    .object({
      phase: z.string().optional(),
      message: z.string().optional(),
      completionTimestamp: z.string().optional(),
      progress: z
        .object({ totalBytes: z.number().default(0), bytesDone: z.number().default(0) })
        .prefault({}),
    })
    .optional(),
})
export type DataDownload = z.infer<typeof download>

const claim = z.object({
  metadata: z.object({
    name: z.string(),
    namespace: z.string(),
    uid: z.string().optional(),
    creationTimestamp: z.string().optional(),
    deletionTimestamp: z.string().optional(),
    labels: texts,
  }),
  spec: z.object({
    dataSource: z.object({ kind: z.string() }).nullish(),
    volumeName: z.string().optional(),
  }),
  status: z.object({ phase: z.string().optional() }).optional(),
})
export type Claim = z.infer<typeof claim>

const persistentVolume = z.object({
  metadata: z.object({ name: z.string() }),
  spec: z.object({
    claimRef: z.object({ uid: z.string().optional() }).optional(),
    csi: z.object({ volumeHandle: z.string() }).optional(),
  }),
})
export type Volume = z.infer<typeof persistentVolume>

/** What there is of volumes in a cluster. */
export interface FoundVolumes {
  downloads: readonly DataDownload[]
  claims: readonly Claim[]
  volumes: readonly Volume[]
}

const madeAgain = 'its claim was deleted and made again; the new one does not have the backup’s bytes'
const restoreLabel = 'velero.io/restore-name'

/**
 * Looks at what the restores onto a server made of the volumes of a backup.
 * @param restores the restores' names
 * @throws ToolFailure when the API does not answer
 */
export async function volumesBack(
  kube: Kube,
  restores: readonly string[],
  backed: readonly BackedVolume[],
): Promise<VolumeProof[]> {
  const list = <T>(one: z.ZodType<T>) => z.object({ items: z.array(one) })
  const downloads = await kubectlRepeated(kube)`get datadownloads.velero.io -n velero -o json`
  const claims = await kubectlRepeated(kube)`get persistentvolumeclaims -A -o json`
  const volumes = await kubectlRepeated(kube)`get persistentvolumes -o json`
  return compareVolumes(backed, restores, {
    downloads: downloads.json(list(download)).items,
    claims: claims.json(list(claim)).items,
    volumes: volumes.json(list(persistentVolume)).items,
  })
}

/**
 * Compares volume by volume what a backup holds with what restores brought. A restore's own word does not count: it ends
 * Completed as well when it skipped a claim that was there before (velero `pvc_action.go`). Nor does a claim's name: one
 * that was deleted and made again is empty.
 */
export function compareVolumes(
  backed: readonly BackedVolume[],
  restores: readonly string[],
  found: FoundVolumes,
): VolumeProof[] {
  return backed.map((one) => {
    const claim = found.claims.find(({ metadata }) => `${metadata.namespace}/${metadata.name}` === one.claim)
    const by = claim?.metadata.labels?.[restoreLabel]
    const own = by !== undefined && restores.includes(by)
    const isOf = ({ spec: { targetVolume } }: DataDownload) =>
      `${targetVolume.namespace}/${targetVolume.pvc}` === one.claim
    const downloads = found.downloads.filter((each) => isOf(each) && ofThese(each, restores))
    const download = own
      ? downloads.find(({ metadata }) => metadata.labels?.[restoreLabel] === by)
      : downloads.at(-1)
    const volume = found.volumes.find(({ metadata }) => metadata.name === claim?.spec.volumeName)
    const why = one.kept === 's3' ? notMoved(one, download, claim, own) : notCloned(claim, own)
    return {
      ...one,
      moved: download?.status?.progress.bytesDone,
      missing: why ?? notItsVolume(claim, volume) ?? notLeaving(claim),
      pending:
        own &&
        (claim?.status?.phase ?? 'Pending') === 'Pending' &&
        (one.kept === 'snapshot' || download?.status?.phase === 'Completed'),
      absent: claim === undefined,
      taken: claim !== undefined && (!own || isYounger(claim, download)),
      uid: claim?.metadata.uid,
      handleNow: volume?.spec.csi?.volumeHandle,
    }
  })
}

const ofThese = ({ metadata }: DataDownload, restores: readonly string[]) =>
  restores.includes(metadata.labels?.[restoreLabel] ?? '')

function notMoved(
  one: BackedVolume,
  download: DataDownload | undefined,
  claim: Claim | undefined,
  own: boolean,
): string | undefined {
  if (claim && !own)
    return download?.status?.phase === 'Completed'
      ? madeAgain
      : 'its claim was there before, so nothing was moved'
  if (!download) return claim ? 'nothing was moved into it' : 'nothing was moved'
  const { phase = 'not started', message, progress } = download.status ?? {}
  if (phase !== 'Completed') return `${phase}${message ? `: ${message}` : ''}`
  const { bytesDone = 0, totalBytes = 0 } = progress ?? {}
  if (bytesDone !== totalBytes) return `${bytesDone} of ${totalBytes} bytes were moved`
  if (one.bytes !== undefined && bytesDone !== one.bytes)
    return `${bytesDone} bytes were moved, and the backup recorded ${one.bytes}`
  return isYounger(claim, download) ? madeAgain : notBound(claim)
}

/** Whether a claim was made after the bytes had come; times are told in seconds. */
function isYounger(claim: Claim | undefined, download: DataDownload | undefined): boolean {
  const [made, came] = [claim?.metadata.creationTimestamp, download?.status?.completionTimestamp]
  return made !== undefined && came !== undefined && Date.parse(made) > Date.parse(came) + 1000
}

function notCloned(claim: Claim | undefined, own: boolean): string | undefined {
  if (claim && !own) return 'its claim was there before, so it was not made from the snapshot'
  if (claim && claim.spec.dataSource?.kind !== 'VolumeSnapshot') return 'it was not made from its snapshot'
  return notBound(claim)
}

function notBound(claim: Claim | undefined): string | undefined {
  if (!claim) return 'there is no claim'
  return claim.status?.phase === 'Bound'
    ? undefined
    : `its claim is ${claim.status?.phase ?? 'not looked at yet'}`
}

/** A claim that was deleted is there for as long as a pod uses it, and its volume goes with it. */
const notLeaving = (claim: Claim | undefined): string | undefined =>
  claim?.metadata.deletionTimestamp === undefined ? undefined : 'its claim is being deleted'

/** A volume that another claim holds is not this claim's, whatever the names say. */
function notItsVolume(claim: Claim | undefined, volume: Volume | undefined): string | undefined {
  if (!volume) return `its volume ${claim?.spec.volumeName ?? ''} is not there`
  const holder = volume.spec.claimRef?.uid
  return holder !== undefined && claim?.metadata.uid !== undefined && holder !== claim.metadata.uid
    ? `its volume ${volume.metadata.name} belongs to another claim`
    : undefined
}

/**
 * Volumes as they are now, held against what was seen when their bytes had just come back: another claim, or another
 * volume, of the same name is not the one with the bytes.
 */
export function stillThere(
  now: readonly VolumeProof[],
  seen: readonly { claim: string; uid: string; handle: string }[],
): VolumeProof[] {
  const before = new Map(seen.map((one) => [one.claim, one]))
  return now.map((one) => {
    const was = before.get(one.claim)
    if (one.missing !== undefined || !was) return one
    return was.uid === one.uid && was.handle === one.handleNow
      ? one
      : { ...one, missing: madeAgain, taken: true }
  })
}

/**
 * The ids at DigitalOcean of earlier volumes whose content was proven to be back: of the volume that the backed claim had,
 * by what the backup says of both, never by a name.
 */
export function provenIds(
  proven: readonly Pick<VolumeProof, 'claim' | 'volume' | 'missing'>[],
  backed: readonly { resource: string; id: string; claim?: string; handle?: string }[],
): Set<string> {
  const good = new Set(proven.filter((one) => !one.missing).map((one) => `${one.claim} ${one.volume}`))
  return new Set(
    backed.flatMap(({ resource, id, claim, handle }) =>
      resource === 'persistentvolumes' && handle && good.has(`${claim} ${id}`) ? [handle] : [],
    ),
  )
}
