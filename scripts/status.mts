#!/usr/bin/env -S sh -c 'exec node --max-semi-space-size=4 --import "$(dirname "$(realpath "$0")")/../node_modules/tsx/dist/esm/index.mjs" "$0" "$@"'
// What exists, how it is, what it costs, how old the last whole backup is.
import { ageOf, lastWhole } from '../lib/backup/backups.ts'
import { type Cluster, describe } from '../lib/cluster/cluster.ts'
import { lockHolder } from '../lib/cluster/lock.ts'
import { health } from '../lib/kubernetes/health.ts'
import { plan, sizesBeside } from '../lib/preflight/plan.ts'
import { preflightReading } from '../lib/preflight/preflight.ts'
import { run } from '../lib/run.ts'
import { openBuckets } from '../lib/store/buckets.ts'

const whose = ({ tokens }: Cluster) =>
  tokens.csiIsMain ? 'your DigitalOcean token (narrower: REGROW_CSI_TOKEN)' : 'REGROW_CSI_TOKEN'

await run('status', async ({ flags }) => {
  const cluster = await describe(flags)
  preflightReading(cluster)
  const planned = await plan(cluster)
  const buckets = await openBuckets(cluster, 'read')
  const seen = await health(cluster, buckets)
  const backup = buckets && (await lastWhole(buckets.velero))

  return {
    cluster: cluster.committed ? cluster.name : `${cluster.name} (not described in Git yet)`,
    exists: planned.items
      .filter((item) => item.mark !== '+')
      .map((item) => [`${item.kind} ${item.name}`, item.detail].filter(Boolean).join('  ')),
    changed: [
      ...planned.items.filter((item) => item.mark === '~').map((item) => `${item.kind} ${item.name}`),
      ...sizesBeside(cluster, planned.items),
    ],
    missing: planned.items.filter((item) => item.mark === '+').map((item) => `${item.kind} ${item.name}`),
    ...seen,
    lockedBy: cluster.repository && (await lockHolder(cluster.github, cluster.place)),
    ...(seen.nodes ? { tokenInCluster: whose(cluster) } : {}),
    perMonth: `$${planned.items.reduce((sum, item) => sum + (item.mark === '+' ? 0 : item.perMonth), 0).toFixed(2)}`,
    lastBackup: ageOf(backup, cluster),
  }
})
