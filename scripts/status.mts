#!/usr/bin/env -S sh -c 'exec node --max-semi-space-size=4 --import "$(dirname "$(realpath "$0")")/../lib/commands/start.mjs" "$0" "$@"'
// What exists, how it is, what it costs, how old the last whole backup is. Exit code 0: well; 3: something wants
// attention; 4: unprotected, no whole backup is as young as the schedule wants it.
import {
  alteredLines,
  firstThatCounts,
  isWhole,
  kubeAsWitness,
  leftSnapshots,
  listBackups,
  threats,
} from '../lib/backup/index.ts'
import { cloudTime } from '../lib/clients/index.ts'
import { describe, inventory, lockHolder } from '../lib/cluster/index.ts'
import {
  attentionOf,
  changesOf,
  clusterFlags,
  existing,
  run,
  stateOf,
  statusOutcome,
} from '../lib/commands/index.ts'
import { health } from '../lib/kubernetes/index.ts'
import { plan, preflightReading, restorations, unfinishedRestore } from '../lib/machines/index.ts'
import { damagedNotes, keptUpstream, openBuckets } from '../lib/store/index.ts'

const status = {
  about:
    'What exists, how it is, what it costs, how old the last whole backup is.\nExit code 3: something wants attention. 4: no whole backup is young enough.',
  flags: { ...clusterFlags },
}

await run(status, async ({ flags }) => {
  const cluster = await describe(flags)
  await preflightReading(cluster)
  const own = await inventory(cluster.cloud, cluster.name)
  const buckets = await openBuckets(cluster, 'read')
  const unread = new Set<string>() // notes that are damaged
  const all = buckets ? await restorations(buckets.kit, unread) : []
  const unfinished = await unfinishedRestore(cluster, buckets?.kit, unread)
  const planned = await plan(cluster, own, undefined, unfinished?.begun) // what differs from the description
  const backups = buckets ? await listBackups(buckets.velero, cluster) : []
  const seen = await health(cluster, own, buckets, backups.some(isWhole))
  const risks = seen.kube ? await threats(seen.kube, cluster) : [] // to the next backup
  const left = seen.kube ? await leftSnapshots(seen.kube, cluster, own, buckets?.velero) : [] // by backups that failed
  const witness = seen.kube && buckets && kubeAsWitness(seen.kube, cluster, buckets.velero)
  const last = buckets && (await firstThatCounts(backups.filter(isWhole), buckets, witness)) // no other protects
  const altered = buckets ? await alteredLines(buckets, backups) : [] // by somebody who has the key to them
  const machines = cluster.wanted.nodes.map(({ name }) => name)
  const damaged = buckets ? [...unread, ...(await damagedNotes(buckets.kit, machines))] : []
  const lock = cluster.repository && (await lockHolder(cluster.github, cluster.place))
  const upstream = buckets && cluster.committed && (await keptUpstream(cluster, buckets.kit)) // what a restore needs of it
  const { changed, missing } = changesOf(cluster, planned)
  const found = {
    cluster,
    own,
    health: seen,
    ...{ backups, lastBackup: last?.found },
    restorations: all,
    unfinished,
    lock,
    threats: [...risks, ...left, ...(last?.passedOver ?? []), ...altered, ...damaged],
    changed,
  }
  const attention = attentionOf(found)
  const things = existing(cluster, own, planned.items, {
    sizes: await cluster.cloud.sizes(),
    claims: seen.claims,
    restorations: all,
    unfinished: unfinished?.begun,
  })
  const state = stateOf(found, attention, cloudTime(cluster.cloud).getTime())
  return statusOutcome({ ...found, state, attention, things, missing, upstream })
})
