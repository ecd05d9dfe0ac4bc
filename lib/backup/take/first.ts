import { isDryRun } from '../../base/dry-run.ts'
import { names } from '../../base/names.ts'
import { Problem } from '../../base/problem.ts'
import { tell } from '../../base/story.ts'
import { cloudTime } from '../../clients/clock.ts'
import { type Kube, velero } from '../../clients/tools.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { firstServerName } from '../../machines/first/first-server.ts'
import type { Buckets } from '../../store/buckets.ts'
import { readNote } from '../../store/nodes.ts'
import { ageOf, type Backup, listBackups } from '../backups.ts'
import { firstThatCounts } from '../vouch/last.ts'
import { kubeAsWitness } from '../vouch/witness.ts'
import { isWhole, reasonsOf } from '../whole.ts'
import { narrowness } from './specification.ts'
import { partial, takeBackup } from './take.ts'

const day = 86_400_000

/**
 * The first backup of this server, so that the promise holds from the first minute; nothing when a whole one was made
 * since it was grown. One of an earlier server holds nothing of this one. Where it cannot be whole, because of a volume
 * that Velero cannot save, one is tried a day; it is told, and nothing is held up by it.
 */
export async function ensureFirstBackup(kube: Kube, cluster: Cluster, buckets: Buckets): Promise<void> {
  const server = firstServerName(cluster)
  const [all, note] = await Promise.all([listBackups(buckets.velero, cluster), readNote(buckets.kit, server)])
  const grown = Date.parse(note?.at ?? '') || 0
  const startOf = (one: Backup) => Date.parse(one.status?.startTimestamp ?? '')
  const own = all.filter((one) => startOf(one) >= grown)
  const witness = kubeAsWitness(kube, cluster, buckets.velero)
  const { found: whole } = await firstThatCounts(own.filter(isWhole), buckets, witness)
  if (whole) return tell('=', `backup ${whole.metadata.name}`)
  const now = cloudTime(cluster.cloud).getTime()
  // One that somebody else put there keeps none from being made.
  const { found: tried } = await firstThatCounts(
    own.filter(
      (one) =>
        one.wholeness.state === 'partial' &&
        narrowness(one.spec ?? {}).length === 0 &&
        now - startOf(one) < day,
    ),
    buckets,
    witness,
  )
  if (tried) {
    tell('!', `backup ${tried.metadata.name}`, `partial: ${reasonsOf(tried).join('; ')}`)
    return
  }
  // One of this server that has not ended is waited for under its name.
  const ended = new Set(
    all.filter((one) => !own.includes(one) || isEnded(one)).map((one) => one.metadata.name),
  )
  let name = `${cluster.name}-first`
  for (let n = 2; ended.has(name); n++) name = `${cluster.name}-first-${n}`
  await takeBackup(kube, cluster, buckets.velero, { name })
}

const isEnded = ({ status }: Backup) =>
  /^(Completed|PartiallyFailed|Failed|FailedValidation)$/.test(status?.phase ?? '')

/**
 * A backup before something risky; a whole one that was made within the last quarter of an hour will do.
 * @param force goes on although it is partial: what it lacks was told
 * @throws Problem when it is not whole
 */
export async function backupBefore(
  kube: Kube,
  cluster: Cluster,
  buckets: Buckets,
  what: string,
  force = false,
): Promise<void> {
  const now = cloudTime(cluster.cloud)
  const name = names.backup(`${cluster.name}-before-${what}`, now)
  if (isDryRun()) return void (await velero(kube)`backup create ${name}`)
  const recent = (await listBackups(buckets.velero, cluster)).filter(
    (one) => isWhole(one) && now.getTime() - Date.parse(one.status?.startTimestamp ?? '') < 15 * 60_000,
  )
  const witness = kubeAsWitness(kube, cluster, buckets.velero)
  const { found: last } = await firstThatCounts(recent, buckets, witness)
  if (last) return tell('=', `backup ${last.metadata.name}`, ageOf(last, cluster).split(', ')[1])
  const taken = await takeBackup(kube, cluster, buckets.velero, { name })
  const fault = partial(kube, taken)
  if (!fault || force) return
  throw new Problem(`${fault.message}\n    nothing was changed`, {
    cure: `${fault.cure}\n  → Or add --force to go on anyway.`,
  })
}
