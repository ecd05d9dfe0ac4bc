import { z } from 'zod'
import type { Cluster } from '../cluster/cluster.ts'
import { isDryRun, showCommand } from '../dry-run.ts'
import { excludedNamespaces } from '../gitops/render.ts'
import { Problem } from '../problem.ts'
import type { Buckets } from '../store/buckets.ts'
import { tell } from '../story.ts'
import { type Kube, kubectl, ToolFailure, velero } from '../tools.ts'
import { waitFor } from '../wait.ts'
import { ageOf, lastWhole } from './backups.ts'

const location = z.object({
  status: z.object({ phase: z.string().optional(), message: z.string().optional() }).optional(),
})
const state = z.object({
  status: z
    .object({
      phase: z.string().optional(),
      errors: z.number().optional(),
      failureReason: z.string().optional(),
    })
    .optional(),
})

/** Waits until Velero can use the bucket. @throws Problem with Velero's own word after five minutes */
export async function locationAvailable(kube: Kube): Promise<void> {
  const started = performance.now()
  await waitFor({ wish: 'backup storage is available', every: 3, within: 300 }, async (note) => {
    const found = await look(kube, 'backupstoragelocations.velero.io', 'default', location)
    note(found?.status?.message ?? found?.status?.phase ?? 'not there yet')
    return found?.status?.phase === 'Available' ? true : undefined
  })
  tell('+', 'backup storage', 'Available', (performance.now() - started) / 1000)
}

/**
 * The first backup, so that the promise holds from the first minute; nothing when a whole one is already there.
 * The CLI's `--wait` ends with exit code 0 for a failed backup too, so the phase is read afterwards.
 */
export async function firstBackup(kube: Kube, cluster: Cluster, buckets: Buckets): Promise<string> {
  const whole = await lastWhole(buckets.velero)
  if (whole) {
    tell('=', `backup ${whole.metadata.name}`)
    return whole.metadata.name
  }
  return takeBackup(kube, cluster, `${cluster.name}-first`)
}

/** A backup before something risky; one that was made within the last quarter of an hour will do. */
export async function backupBefore(
  kube: Kube,
  cluster: Cluster,
  buckets: Buckets,
  what: string,
): Promise<void> {
  const now = new Date(Date.now() + cluster.cloud.clockOffset())
  if (isDryRun()) return showCommand(`velero backup create ${cluster.name}-before-${what}-<time>`)
  const last = await lastWhole(buckets.velero)
  if (last && now.getTime() - Date.parse(last.status?.startTimestamp ?? '') < 15 * 60_000)
    return tell('=', `backup ${last.metadata.name}`, ageOf(last, cluster).split(', ')[1])
  const time = now.toISOString().slice(0, 19).replace(/[-:]/g, '').toLowerCase()
  await takeBackup(kube, cluster, `${cluster.name}-before-${what}-${time}`)
}

/** Takes a backup and waits until it is whole. @throws Problem when it failed, or after an hour */
async function takeBackup(kube: Kube, cluster: Cluster, base: string): Promise<string> {
  await locationAvailable(kube)
  const started = performance.now()
  const name = await unusedName(kube, base)
  const { volumes, keepDays } = cluster.wanted.backups
  if (!(await look(kube, 'backups.velero.io', name, state)))
    await velero(
      kube,
    )`backup create ${name} --ttl ${`${keepDays * 24}h`} --csi-snapshot-timeout 25m --snapshot-move-data=${String(volumes === 's3')} --exclude-namespaces ${excludedNamespaces.join(',')}`
  await waitFor({ wish: `backup ${name} is whole`, every: 3, within: 3600 }, async (note) => {
    const found = await look(kube, 'backups.velero.io', name, state)
    const phase = found?.status?.phase ?? 'not started yet'
    note(phase)
    if (/Failed/.test(phase))
      throw new Problem(
        `backup ${name} ended ${phase}${found?.status?.failureReason ? `: ${found.status.failureReason}` : ''}`,
        {
          cure: `See why with: velero backup logs ${name}. Then run the same command again.`,
        },
      )
    return phase === 'Completed' ? true : undefined
  })
  tell('+', `backup ${name}`, 'Completed', (performance.now() - started) / 1000)
  return name
}

/** A name whose earlier attempt did not fail: `first`, else `first-2` and so on. One still running is waited for. */
async function unusedName(kube: Kube, base: string): Promise<string> {
  for (let n = 1; ; n++) {
    const name = n === 1 ? base : `${base}-${n}`
    const found = await look(kube, 'backups.velero.io', name, state)
    if (!found || !/Failed/.test(found.status?.phase ?? '')) return name
  }
}

/** One object of Velero's, or undefined while it is not there or the API does not answer. */
export async function look<T>(
  kube: Kube,
  kind: string,
  name: string,
  schema: z.ZodType<T>,
): Promise<T | undefined> {
  try {
    const answer = await kubectl(kube)`get ${kind} ${name} -n velero --ignore-not-found -o json`
    return answer.text.trim() === '' ? undefined : answer.json(schema)
  } catch (error) {
    // The API may be away for a moment; whoever waits looks again.
    if (error instanceof ToolFailure) return undefined
    throw error
  }
}
