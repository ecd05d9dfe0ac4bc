import { z } from 'zod'
import type { Bucket } from '../clients/s3.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { excludedNamespaces } from '../gitops/render.ts'
import { again, veleroHint } from '../hint.ts'
import { kubectlRepeated } from '../kubernetes/repeated.ts'
import { Problem } from '../problem.ts'
import { tell } from '../story.ts'
import { type Kube, kubectl, velero } from '../tools.ts'
import { waitFor } from '../wait.ts'
import { backedVolumes } from './backed.ts'
import { listBackups } from './backups.ts'
import { createOnce, locationAvailable, look, state } from './look.ts'
import { commitAnnotation } from './record.ts'

/** How a backup is wanted; the description says the rest. */
export interface BackupWish {
  /** Its name; where an earlier one of that name failed, `<name>-2` and so on. */
  name: string
  volumes?: 's3' | 'snapshot'
  /** Hours that it is kept. */
  hours?: number
}

/**
 * Takes a backup and waits until it is whole; one of this name that is under way is waited for. The CLI's `--wait` ends
 * with exit code 0 for a failed backup too, so the phase is read from the cluster and every volume from the bucket.
 * @returns its name
 * @throws Problem when it failed or lacks a volume, or after an hour
 */
export async function takeBackup(
  kube: Kube,
  cluster: Cluster,
  bucket: Bucket,
  wish: BackupWish,
): Promise<string> {
  await locationAvailable(kube)
  const started = performance.now()
  const { name, isBegun } = await attempt(kube, wish.name)
  const volumes = wish.volumes ?? cluster.wanted.backups.volumes
  if (!isBegun) {
    const commit = await cluster.github.ref(cluster.place, 'heads/main')
    await createOnce(
      kube,
      'backups',
      name,
      () =>
        velero(
          kube,
        )`backup create ${name} --ttl ${`${wish.hours ?? cluster.wanted.backups.keepDays * 24}h`} --csi-snapshot-timeout 25m --snapshot-move-data=${String(volumes === 's3')} --annotations ${`${commitAnnotation}=${commit ?? 'none'}`} --exclude-namespaces ${excludedNamespaces.join(',')}`,
    )
  }
  let looks = 0
  await waitFor({ wish: `backup ${name} is whole`, every: 3, within: 3600 }, async (note) => {
    looks++
    const found = await look(kube, 'backups.velero.io', name, state)
    const phase = found?.status?.phase ?? 'not started yet'
    if (/Failed/.test(phase)) throw failed(kube, name, phase, found?.status)
    if (phase === 'Completed') return true
    note([phase, ...(await uploads(kube, name))].join(', '))
    return undefined
  })
  await proveWhole(kube, bucket, name)
  const mark = isBegun && looks === 1 ? '=' : '+'
  tell(mark, `backup ${name}`, 'Completed', (performance.now() - started) / 1000)
  return name
}

function failed(kube: Kube, name: string, phase: string, status: z.infer<typeof state>['status']): Problem {
  const why = [status?.failureReason, ...(status?.validationErrors ?? [])].filter(Boolean).join('; ')
  return new Problem(`backup ${name} ended ${phase}${why ? `: ${why}` : ''}`, {
    cure: `See why with: ${veleroHint(kube.file)`backup logs ${name}`}. Then run ${again()}.`,
  })
}

const upload = z.object({
  items: z.array(
    z.object({
      spec: z.object({ sourcePVC: z.string().default('') }).prefault({}),
      status: z
        .object({
          phase: z.string().optional(),
          progress: z
            .object({ bytesDone: z.number().default(0), totalBytes: z.number().default(0) })
            .optional(),
        })
        .optional(),
    }),
  ),
})

/** How far each volume's bytes are on their way into the bucket. */
async function uploads(kube: Kube, backup: string): Promise<string[]> {
  const label = `velero.io/backup-name=${backup}`
  const answer = await kubectl(kube)`get datauploads.velero.io -n velero -l ${label} -o json`.catch(
    () => undefined,
  )
  return (answer?.json(upload).items ?? [])
    .filter(({ status }) => status?.phase !== 'Completed')
    .map(({ spec, status }) => {
      const { bytesDone = 0, totalBytes = 0 } = status?.progress ?? {}
      const share =
        totalBytes > 0 ? `${Math.floor((100 * bytesDone) / totalBytes)} %` : (status?.phase ?? 'waits')
      return `${spec.sourcePVC} ${share}`
    })
}

const claims = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string(), namespace: z.string() }),
      status: z.object({ phase: z.string().optional() }).optional(),
    }),
  ),
})

/** Reads back from the bucket what Velero calls complete. @throws Problem naming every volume that it lacks */
async function proveWhole(kube: Kube, bucket: Bucket, name: string): Promise<void> {
  const found = await waitFor(
    { wish: `backup ${name} lies in ${bucket.name}`, every: 2, within: 60 },
    async () =>
      (await listBackups(bucket)).find(
        (one) => one.metadata.name === name && one.status?.phase === 'Completed',
      ),
  )
  const [volumes, there] = await Promise.all([
    backedVolumes(bucket, name),
    kubectlRepeated(kube)`get persistentvolumeclaims -A -o json`,
  ])
  const kept = new Set(volumes.map((one) => one.claim))
  const lacking = there
    .json(claims)
    .items.filter(({ status }) => status?.phase === 'Bound')
    .filter(({ metadata }) => !(excludedNamespaces as readonly string[]).includes(metadata.namespace))
    .map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)
    .filter((claim) => !kept.has(claim))
  const errors = found.status?.errors ?? 0
  if (lacking.length > 0 || errors > 0)
    throw new Problem(
      `backup ${name} is not whole: ${[...(errors > 0 ? [`${errors} errors`] : []), ...lacking.map((one) => `it lacks the volume of claim ${one}`)].join('; ')}`,
      {
        cure: `See why with: ${veleroHint(kube.file)`backup logs ${name}`}. A claim made meanwhile is in the next one: run ${again()}.`,
      },
    )
}

/** The attempt that did not fail yet: `first`, else `first-2` and so on; and whether it was begun by an earlier run. */
async function attempt(kube: Kube, base: string): Promise<{ name: string; isBegun: boolean }> {
  for (let n = 1; ; n++) {
    const name = n === 1 ? base : `${base}-${n}`
    const found = await look(kube, 'backups.velero.io', name, state)
    if (!found || !/Failed/.test(found.status?.phase ?? '')) return { name, isBegun: found !== undefined }
  }
}
