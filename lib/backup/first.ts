import { cloudTime } from '../clients/clock.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { names } from '../cluster/names.ts'
import { isDryRun } from '../dry-run.ts'
import { firstServerName } from '../server/first-server.ts'
import type { Buckets } from '../store/buckets.ts'
import { readNote } from '../store/nodes.ts'
import { tell } from '../story.ts'
import { type Kube, velero } from '../tools.ts'
import { ageOf, type Backup, isWhole, lastWhole, listBackups } from './backups.ts'
import { takeBackup } from './take.ts'

/**
 * The first backup of this server, so that the promise holds from the first minute; nothing when a whole one was made
 * since it was grown. One of an earlier server holds nothing of this one.
 */
export async function firstBackup(kube: Kube, cluster: Cluster, buckets: Buckets): Promise<string> {
  const server = firstServerName(cluster)
  const [all, note] = await Promise.all([listBackups(buckets.velero), readNote(buckets.kit, server)])
  const grown = Date.parse(note?.at ?? '') || 0
  const isOfThisServer = (one: Backup) => Date.parse(one.status?.startTimestamp ?? '') >= grown
  const whole = all.find((one) => isWhole(one) && isOfThisServer(one))
  if (whole) {
    tell('=', `backup ${whole.metadata.name}`)
    return whole.metadata.name
  }
  const earlier = new Set(all.filter((one) => !isOfThisServer(one)).map((one) => one.metadata.name))
  let name = `${cluster.name}-first`
  for (let n = 2; earlier.has(name); n++) name = `${cluster.name}-first-${n}`
  return takeBackup(kube, cluster, buckets.velero, { name })
}

/** A backup before something risky; one that was made within the last quarter of an hour will do. */
export async function backupBefore(
  kube: Kube,
  cluster: Cluster,
  buckets: Buckets,
  what: string,
): Promise<void> {
  const now = cloudTime(cluster.cloud)
  const name = names.backup(`${cluster.name}-before-${what}`, now)
  if (isDryRun()) return void (await velero(kube)`backup create ${name}`)
  const last = await lastWhole(buckets.velero)
  if (last && now.getTime() - Date.parse(last.status?.startTimestamp ?? '') < 15 * 60_000)
    return tell('=', `backup ${last.metadata.name}`, ageOf(last, cluster).split(', ')[1])
  await takeBackup(kube, cluster, buckets.velero, { name })
}
