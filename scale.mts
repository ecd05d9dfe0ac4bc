#!/usr/bin/env -S sh -c 'exec node --max-semi-space-size=4 --import "$(dirname "$(realpath "$0")")/lib/commands/start.mjs" "$0" "$@"'
// Change the description, then make the cloud equal to it. Without flags: finish what was begun.
import { ageOf } from './lib/backup/backups.ts'
import { backupBefore } from './lib/backup/take/first.ts'
import { tellThreats } from './lib/backup/take/threats.ts'
import { lastWhole } from './lib/backup/vouch/last.ts'
import { vouchForNew } from './lib/backup/vouch/witness.ts'
import { DryRunEnd, isDryRun } from './lib/base/dry-run.ts'
import { command, finishedBy } from './lib/base/hint.ts'
import { cloudTime } from './lib/clients/clock.ts'
import { describe } from './lib/cluster/cluster.ts'
import { askingFlags, clusterFlags } from './lib/commands/flags.ts'
import { run } from './lib/commands/run.ts'
import { ensureTools } from './lib/commands/tools/ensure-tools.ts'
import { claim } from './lib/gitops/claim.ts'
import { uncordon } from './lib/kubernetes/drain.ts'
import { noRestoreUnderWay } from './lib/machines/first/restoration.ts'
import { ensureAddress } from './lib/machines/foundation/address.ts'
import { ensureNetwork } from './lib/machines/foundation/network.ts'
import { ensureProject } from './lib/machines/foundation/project.ts'
import { ensureSshKey } from './lib/machines/foundation/ssh-key.ts'
import { preflight, preflightReading } from './lib/machines/preflight/preflight.ts'
import { disksFit, isDescribed, machinesAreKnown } from './lib/machines/scale/checks.ts'
import { convertToEtcd, withdrawConversion } from './lib/machines/scale/convert.ts'
import { joinAll } from './lib/machines/scale/join-all.ts'
import { bury, leave } from './lib/machines/scale/leave.ts'
import { anew, countedOn, withSuccessors } from './lib/machines/scale/mend.ts'
import { scalePlan } from './lib/machines/scale/plan.ts'
import { reach } from './lib/machines/scale/reach.ts'
import { judge, refusals } from './lib/machines/scale/refusals.ts'
import { reshape } from './lib/machines/scale/reshape.ts'
import { resize } from './lib/machines/scale/resize.ts'
import { othersThan, survey } from './lib/machines/scale/survey.ts'
import { readWish, secondsOf } from './lib/machines/scale/wish.ts'
import { ensureBuckets, keysAreLeft, needBuckets } from './lib/store/buckets.ts'
import { bundlesAreLeft } from './lib/store/bundles.ts'
import { needKit } from './lib/store/kit.ts'
import { notedNames } from './lib/store/nodes.ts'

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
  const wish = readWish(flags)
  const draining = { within: secondsOf(flags['drain-timeout'] ?? '10m'), force: flags.force }
  await ensureTools(flags)
  const cluster = await describe({ name: flags.name, repo: flags.repo })
  await preflightReading(cluster)
  const kept = await needBuckets(cluster, `${command('bootstrap.mts')} grows it.`)
  isDescribed(cluster)
  const kit = await needKit(kept, cluster.name)
  const taken = () => noRestoreUnderWay(cluster, kept.kit) // its machines may be the only copy
  await taken()
  const earlier = await othersThan(wish, kept.kit) // machines that a restore replaced and left
  const before = await survey(cluster, kit, earlier) // machines, nodes and pods as they are
  const noted = await notedNames(kept.kit) // every machine that was ever made
  const described = countedOn(cluster.wanted, noted)
  const now = cloudTime(cluster.cloud)
  const asked = anew(described, wish, before) // once more what did not end is no second wish
  cluster.wanted = await withSuccessors(reshape(described, asked), before, kept.kit, now) // with the wish in it
  const lost = judge(refusals(described, cluster.wanted, before), flags.force)
  await preflight(cluster, [machinesAreKnown(noted), disksFit])
  const planned = scalePlan(cluster, before, await cluster.cloud.sizes(), lost)
  await confirm(planned) // the difference in machines and in dollars

  if (!planned.nothing || (await keysAreLeft(cluster)) || (await bundlesAreLeft(cluster, kept.kit))) {
    await claim(cluster, 'scale', flags, { taken }) // lock; the intention is in Git before anything moves
    finishedBy(command('scale.mts'))
    const project = await ensureProject(cluster)
    const [network, address, buckets, sshKey] = await Promise.all([
      ensureNetwork(cluster),
      ensureAddress(cluster, project),
      ensureBuckets(cluster),
      ensureSshKey(cluster, kit),
    ])
    const ground = { kit, buckets, project, network, address, sshKey }
    const { kube, seen, todo } = await reach(cluster, ground, earlier) // nothing of ours stays off, the address leads to a server

    if (todo.convert || todo.resize.length > 0)
      await backupBefore(kube, cluster, buckets, 'scale', flags.force)
    await vouchForNew(kube, cluster, buckets) // for the backups that the cluster made since the last run
    if (todo.convert) await convertToEtcd(cluster, ground, kube, todo.convert)
    await withdrawConversion(cluster, kube) // what asked for it: the node may have ended it after a killed run
    for (const machine of todo.bury) await bury(cluster, kube, machine)
    await joinAll(cluster, ground, kube, todo.join, seen.droplets) // servers one by one, then all agents at once
    for (const machine of todo.leave) await leave(cluster, kube, machine, draining)
    for (const machine of todo.resize) await resize(cluster, kube, machine, draining)
    for (const node of todo.uncordon) await uncordon(kube, node)
    await tellThreats(kube, cluster) // what keeps the next backup from being whole
  }
  if (isDryRun()) throw new DryRunEnd('nothing was changed')
  return {
    nodes: cluster.wanted.nodes.map(({ name, role, size }) =>
      [name, role, size ?? cluster.wanted.size].join('  '),
    ),
    machines: `$${planned.perMonth.after.toFixed(2)} a month`,
    lastBackup: ageOf(await lastWhole(kept, cluster), cluster),
  }
})
