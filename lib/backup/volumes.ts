import { z } from 'zod'
import { kubectlRepeated } from '../kubernetes/repeated.ts'
import type { Kube } from '../tools.ts'

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
}

const download = z.object({
  spec: z.object({ targetVolume: z.object({ pvc: z.string(), namespace: z.string() }) }),
  status: z
    .object({
      phase: z.string().optional(),
      message: z.string().optional(),
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
    labels: z.record(z.string(), z.string()).optional(),
  }),
  spec: z.object({ dataSource: z.object({ kind: z.string() }).nullish() }),
  status: z.object({ phase: z.string().optional() }).optional(),
})
export type Claim = z.infer<typeof claim>

/** Looks at what a restore made of the volumes of a backup. @throws ToolFailure when the API does not answer */
export async function volumesBack(
  kube: Kube,
  restore: string,
  backed: readonly BackedVolume[],
): Promise<VolumeProof[]> {
  const list = <T>(one: z.ZodType<T>) => z.object({ items: z.array(one) })
  const label = `velero.io/restore-name=${restore}`
  const downloads = await kubectlRepeated(kube)`get datadownloads.velero.io -n velero -l ${label} -o json`
  const claims = await kubectlRepeated(kube)`get persistentvolumeclaims -A -o json`
  return compareVolumes(backed, {
    restore,
    downloads: downloads.json(list(download)).items,
    claims: claims.json(list(claim)).items,
  })
}

/**
 * Compares volume by volume what a backup holds with what a restore brought. The restore's own word does not count: it
 * ends Completed as well when it skipped a claim that was there before (velero `pvc_action.go`).
 */
export function compareVolumes(
  backed: readonly BackedVolume[],
  found: { restore: string; downloads: readonly DataDownload[]; claims: readonly Claim[] },
): VolumeProof[] {
  return backed.map((one) => {
    const download = found.downloads.find(
      ({ spec: { targetVolume } }) => `${targetVolume.namespace}/${targetVolume.pvc}` === one.claim,
    )
    const claim = found.claims.find(({ metadata }) => `${metadata.namespace}/${metadata.name}` === one.claim)
    return {
      ...one,
      moved: download?.status?.progress.bytesDone,
      missing: one.kept === 's3' ? notMoved(one, download, claim) : notCloned(found.restore, claim),
      pending:
        claim !== undefined &&
        (claim.status?.phase ?? 'Pending') === 'Pending' &&
        (one.kept === 'snapshot' || download?.status?.phase === 'Completed'),
    }
  })
}

function notMoved(
  one: BackedVolume,
  download: DataDownload | undefined,
  claim: Claim | undefined,
): string | undefined {
  if (!download) return claim ? 'its claim was there before, so nothing was moved' : 'nothing was moved'
  const { phase = 'not started', message, progress } = download.status ?? {}
  if (phase !== 'Completed') return `${phase}${message ? `: ${message}` : ''}`
  const { bytesDone = 0, totalBytes = 0 } = progress ?? {}
  if (bytesDone !== totalBytes) return `${bytesDone} of ${totalBytes} bytes were moved`
  if (one.bytes !== undefined && bytesDone !== one.bytes)
    return `${bytesDone} bytes were moved, and the backup recorded ${one.bytes}`
  return notBound(claim)
}

function notCloned(restore: string, claim: Claim | undefined): string | undefined {
  if (claim && claim.metadata.labels?.['velero.io/restore-name'] !== restore)
    return 'its claim was there before, so it was not made from the snapshot'
  if (claim && claim.spec.dataSource?.kind !== 'VolumeSnapshot') return 'it was not made from its snapshot'
  return notBound(claim)
}

function notBound(claim: Claim | undefined): string | undefined {
  if (!claim) return 'there is no claim'
  return claim.status?.phase === 'Bound'
    ? undefined
    : `its claim is ${claim.status?.phase ?? 'not looked at yet'}`
}
