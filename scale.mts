#!/usr/bin/env -S sh -c 'exec node --max-semi-space-size=4 --import "$(dirname "$(realpath "$0")")/lib/commands/start.mjs" "$0" "$@"'
// Change the description, then make the cloud equal to it. Without flags: finish what was begun.
import { backupBefore, lastBackupField, lastWhole, tellThreats, vouchForNew } from './lib/backup/index.ts'
import { command, DryRunEnd, Field, finishedBy, isDryRun } from './lib/base/index.ts'
import { describe } from './lib/cluster/index.ts'
import { askingFlags, clusterFlags, ensureTools, run } from './lib/commands/index.ts'
import { claim } from './lib/gitops/index.ts'
import { uncordon } from './lib/kubernetes/index.ts'
import {
  assertNoRestore,
  convertToEtcd,
  disksFit,
  ensureFoundation,
  isDescribed,
  joinAll,
  machinesAreKnown,
  preflight,
  preflightReading,
  prepareScale,
  reach,
  readRequest,
  removeLost,
  removeMachine,
  resize,
  scalePlan,
  secondsOf,
  withdrawConversion,
} from './lib/machines/index.ts'
import { bundlesAreLeft, keysAreLeft, needBuckets, needKit } from './lib/store/index.ts'

const scale = {
  about: 'Change the size and shape of a living cluster, or finish what was begun.',
  flags: {
    ...clusterFlags,
    add: { value: 'N', about: 'let N machines join' },
    role: { value: 'agent|server', about: 'what --add adds (agent)' },
    remove: { value: 'NAME,…', about: 'move everything away, remove the machines' },
    replace: { value: 'NAME', about: 'a fresh machine of the same role instead' },
    size: { value: 'SIZE', about: 'size of all machines, or with --add of the new ones' },
    node: { value: 'NAME', about: '--size for this machine only' },
    ha: { about: 'SQLite becomes etcd on three servers' },
    force: { about: 'even if something is lost; the plan names it' },
    'drain-timeout': { value: 'TIME', about: 'for pods to move away (10m)' },
    ...askingFlags,
  },
}

await run(scale, async ({ flags, confirm }) => {
  const wish = readRequest(flags)
  const draining = { within: secondsOf(flags['drain-timeout'] ?? '10m'), force: flags.force }
  await ensureTools(flags)
  const cluster = await describe({ name: flags.name, repo: flags.repo })
  await preflightReading(cluster)
  const kept = await needBuckets(cluster, `${command('bootstrap.mts')} grows it.`)
  isDescribed(cluster)
  const kit = await needKit(kept, cluster.name)
  const taken = () => assertNoRestore(cluster, kept.kit) // its machines may be the only copy
  await taken()
  const scaling = await prepareScale(cluster, { kit, bucket: kept.kit }, wish, flags.force) // the wish is described now
  const { earlier, before, noted, lost } = scaling
  await preflight(cluster, [machinesAreKnown(noted), disksFit])
  const planned = scalePlan(cluster, before, await cluster.cloud.sizes(), lost)
  await confirm(planned) // the difference in machines and in dollars

  if (!planned.nothing || (await keysAreLeft(cluster)) || (await bundlesAreLeft(cluster, kept.kit))) {
    await claim(cluster, 'scale', flags, { taken }) // lock; the intention is in Git before anything moves
    finishedBy(command('scale.mts'))
    const foundation = await ensureFoundation(cluster, { kit })
    const { buckets } = foundation
    const { kube, seen, todo } = await reach(cluster, foundation, earlier) // nothing of ours stays off, the address leads to a server

    if (todo.convert || todo.resize.length > 0)
      await backupBefore(kube, cluster, buckets, 'scale', flags.force)
    await vouchForNew(kube, cluster, buckets) // for the backups that the cluster made since the last run
    if (todo.convert) await convertToEtcd(cluster, foundation, kube, todo.convert)
    await withdrawConversion(cluster, kube) // what asked for it: the node may have ended it after a killed run
    for (const machine of todo.bury) await removeLost(cluster, kube, machine)
    await joinAll(cluster, foundation, kube, todo.join, seen.droplets) // servers one by one, then all agents at once
    for (const machine of todo.leave) await removeMachine(cluster, kube, machine, draining)
    for (const machine of todo.resize) await resize(cluster, kube, machine, draining)
    for (const node of todo.uncordon) await uncordon(kube, node)
    await tellThreats(kube, cluster) // what keeps the next backup from being whole
  }
  if (isDryRun()) throw new DryRunEnd('nothing was changed')
  return {
    nodes: cluster.wanted.nodes.map(({ name, role, size = cluster.wanted.size }) => ({ name, role, size })),
    perMonth: new Field(planned.perMonth.after, `$${planned.perMonth.after.toFixed(2)} for the machines`),
    lastBackup: lastBackupField(await lastWhole(kept, cluster), cluster),
  }
})
