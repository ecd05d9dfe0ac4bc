#!/usr/bin/env -S sh -c 'exec node --max-semi-space-size=4 --import "$(dirname "$(realpath "$0")")/../lib/start.mjs" "$0" "$@"'
// What exists, how it is, what it costs, how old the last whole backup is.
import { ageOf, lastWhole } from '../lib/backup/backups.ts'
import { describe } from '../lib/cluster/cluster.ts'
import { lockHolder } from '../lib/cluster/lock.ts'
import { inventory } from '../lib/cluster/ours.ts'
import { movedBranch } from '../lib/gitops/branch.ts'
import { hint } from '../lib/hint.ts'
import { health } from '../lib/kubernetes/health.ts'
import { plan } from '../lib/preflight/plan.ts'
import { endingTokens, type PlanItem, sizesBeside } from '../lib/preflight/plan-text.ts'
import { preflightReading } from '../lib/preflight/preflight.ts'
import { run } from '../lib/run.ts'
import { openBuckets } from '../lib/store/buckets.ts'

const thing = ({ kind, name }: PlanItem) => `${kind} ${name}`
const line = (item: PlanItem) => [thing(item), item.detail].filter(Boolean).join('  ')

/** What a first server brings along is not missed beside it. */
const isPart = ({ kind }: PlanItem) => kind === 'Spaces key' || kind === 'volume'

await run('status', async ({ flags }) => {
  const cluster = await describe(flags)
  await preflightReading(cluster)
  const { name, place } = cluster
  const own = await inventory(cluster.cloud, name)
  const planned = await plan(cluster, own)
  const marked = (mark: PlanItem['mark']) => planned.items.filter((item) => item.mark === mark)
  const isGrown = planned.items.some((item) => item.kind === 'droplet' && item.mark !== '+')
  const buckets = await openBuckets(cluster, 'read')
  const backup = buckets && (await lastWhole(buckets.velero))
  const seen = await health(cluster, own, buckets, backup !== undefined)

  return {
    cluster: cluster.committed ? name : `${name} (not described in ${place.owner}/${place.name} yet)`,
    exists: planned.items.filter((item) => item.mark !== '+').map(line),
    changed: [...marked('~').map(line), ...sizesBeside(cluster, planned.items)],
    missing: marked('+')
      .filter((item) => isGrown || !cluster.committed || !isPart(item))
      .map(thing),
    ...(cluster.committed && isGrown && marked('~').length > 0
      ? { mendedBy: hint('bootstrap.mts', cluster) }
      : {}),
    ...seen,
    ...(movedBranch(cluster) ? { branch: movedBranch(cluster) } : {}),
    lockedBy: cluster.repository && (await lockHolder(cluster.github, cluster.place)),
    ...(endingTokens(cluster).length > 0 ? { tokensEnd: endingTokens(cluster) } : {}),
    perMonth: `$${planned.items.reduce((sum, item) => sum + (item.mark === '+' ? 0 : item.perMonth), 0).toFixed(2)}`,
    lastBackup: ageOf(backup, cluster),
  }
})
