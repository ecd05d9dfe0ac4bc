import { z } from 'zod'
import { again, veleroHint } from '../../base/hint.ts'
import { Problem } from '../../base/problem.ts'
import { tell } from '../../base/story.ts'
import { waitFor } from '../../base/wait.ts'
import type { Bucket } from '../../clients/s3.ts'
import { type Kube, kubectl, velero } from '../../clients/tools.ts'
import { everything } from '../../cluster/backup-rules.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { isHeld, volumeEntries, withoutGone } from '../backed.ts'
import { type Backup, listBackups } from '../backups.ts'
import { bytesIn } from '../bytes.ts'
import { createOnce, locationAvailable, look, state } from '../proof/look.ts'
import { commitAnnotation } from '../record.ts'
import { letVeleroLearn } from '../restore/late-kinds.ts'
import { isWhole, judge, reasonsOf } from '../whole.ts'
import { ensurePolicy } from './policy.ts'

/** How a backup is wanted; the description says the rest. */
export interface BackupSpec {
  /** Its name; where an earlier one of that name failed, `<name>-2` and so on. */
  name: string
  volumes?: 's3' | 'snapshot'
  /** Hours that it is kept. */
  hours?: number
}

/**
 * Takes a backup and waits until it is complete; one of this name that is under way is waited for. The CLI's `--wait` ends
 * with exit code 0 for a failed backup too, so the phase is read from the cluster, and all that it holds from the bucket.
 * @returns it, judged: it may be partial, see {@link partial}
 * @throws Problem when it failed, or after an hour
 */
export async function takeBackup(
  kube: Kube,
  cluster: Cluster,
  bucket: Bucket,
  wish: BackupSpec,
): Promise<Backup> {
  await locationAvailable(kube)
  const started = performance.now()
  const { name, isBegun } = await attempt(kube, wish.name)
  const volumes = wish.volumes ?? cluster.wanted.backups.volumes
  if (!isBegun) {
    await uploadsEnded(kube)
    await ensurePolicy(kube, cluster)
    await letVeleroLearn(kube, cluster)
    const commit = await cluster.github.ref(cluster.place, 'heads/main')
    await createOnce(
      kube,
      'backups',
      name,
      () =>
        velero(
          kube,
        )`backup create ${name} --ttl ${`${wish.hours ?? cluster.wanted.backups.keepDays * 24}h`} --csi-snapshot-timeout 25m --snapshot-move-data=${String(volumes === 's3')} --annotations ${`${commitAnnotation}=${commit ?? 'none'}`} ${everything}`,
    )
  }
  let looks = 0
  await waitFor({ until: `backup ${name} is complete`, every: 3, within: 3600 }, async (note) => {
    looks++
    const found = await look(kube, 'backups.velero.io', name, state)
    const phase = found?.status?.phase ?? 'not started yet'
    if (/Failed/.test(phase)) throw failed(kube, name, phase, found?.status)
    if (phase === 'Completed') return true
    note([phase, ...(await uploads(kube, `velero.io/backup-name=${name}`))].join(', '))
    return undefined
  })
  const taken = await readBack(bucket, cluster, name)
  const mark = isBegun && looks === 1 ? '=' : '+'
  const phase = isWhole(taken) ? 'Completed' : 'Completed, but partial'
  tell(mark, `backup ${name}`, phase, (performance.now() - started) / 1000)
  for (const reason of reasonsOf(taken)) tell('!', `backup ${name}`, reason)
  return taken
}

/** What is wrong with a backup that is not whole, and what makes the next one whole; nothing for a whole one. */
export function partial(kube: Kube, { metadata: { name }, wholeness }: Backup): Problem | undefined {
  if (wholeness.state === 'whole') return undefined
  const cures = wholeness.state === 'partial' ? (wholeness.cures ?? []) : []
  return new Problem(`backup ${name} is ${wholeness.state}:\n    ${wholeness.reasons.join('\n    ')}`, {
    cure: [...cures, `Velero says more: ${veleroHint(kube.file)`backup logs ${name}`}`].join('\n  → '),
  })
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
async function uploads(kube: Kube, label: string): Promise<string[]> {
  const answer = await kubectl(kube)`get datauploads.velero.io -n velero -l ${label} -o json`.catch(
    () => undefined,
  )
  return (answer?.json(upload).items ?? [])
    .filter(({ status }) => !/^(Completed|Failed|Canceled)$/.test(status?.phase ?? ''))
    .map(({ spec, status }) => {
      const { bytesDone = 0, totalBytes = 0 } = status?.progress ?? {}
      const share =
        totalBytes > 0 ? `${Math.floor((100 * bytesDone) / totalBytes)} %` : (status?.phase ?? 'waits')
      return `${spec.sourcePVC} ${share}`
    })
}

/**
 * Waits for the uploads of other backups: for each Velero has a claim and a volume of its own for a while, and a backup
 * begun meanwhile would take them for a person's.
 */
async function uploadsEnded(kube: Kube): Promise<void> {
  await waitFor({ until: 'no other backup copies volumes', every: 3, within: 3600 }, async (note) => {
    const running = await uploads(kube, 'velero.io/backup-name')
    note(running.join(', '))
    return running.length === 0 ? true : undefined
  })
}

/**
 * Reads back from the bucket what Velero calls complete, with every object and volume. What is new may not be in
 * DigitalOcean's list of snapshots at once.
 */
async function readBack(bucket: Bucket, cluster: Cluster, name: string): Promise<Backup> {
  const started = performance.now()
  return waitFor({ until: `backup ${name} lies in ${bucket.name}`, every: 2, within: 60 }, async () => {
    const bytes = bytesIn(bucket, cluster)
    const found = (await listBackups(bucket, cluster, bytes)).find((one) => one.metadata.name === name)
    if (found?.status?.phase !== 'Completed') return undefined
    const held = ((await volumeEntries(bucket, name).catch(() => [])) ?? []).filter(isHeld)
    const isThere = (await withoutGone(held, bytes)).every(isHeld)
    if (!isThere && performance.now() - started < 30_000) return undefined
    return { ...found, wholeness: await judge(bucket, found, bytes, { thorough: true }) }
  })
}

/** The attempt that did not fail yet: `first`, else `first-2` and so on; and whether it was begun by an earlier run. */
async function attempt(kube: Kube, base: string): Promise<{ name: string; isBegun: boolean }> {
  for (let n = 1; ; n++) {
    const name = n === 1 ? base : `${base}-${n}`
    const found = await look(kube, 'backups.velero.io', name, state)
    if (!found || !/Failed/.test(found.status?.phase ?? '')) return { name, isBegun: found !== undefined }
  }
}
