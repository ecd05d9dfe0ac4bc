#!/usr/bin/env -S sh -c 'exec "$(dirname "$(realpath "$0")")/node_modules/.bin/tsx" "$0" "$@"'
// Change the description, then make the cloud equal to it. Without flags: finish what was begun.
import { describe } from './lib/cluster/cluster.ts'
import { preflight, preflightReading } from './lib/cluster/preflight.ts'
import { ensureAddress } from './lib/digitalocean/address.ts'
import { ensureNetwork } from './lib/digitalocean/network.ts'
import { ensureProject } from './lib/digitalocean/project.ts'
import { ensureSshKey } from './lib/digitalocean/ssh-key.ts'
import { DryRunEnd, isDryRun } from './lib/dry-run.ts'
import { claim } from './lib/gitops/claim.ts'
import { ensureTools } from './lib/install/ensure-tools.ts'
import { Problem } from './lib/problem.ts'
import { run } from './lib/run.ts'
import { disksFit, machinesAreKnown } from './lib/scale/checks.ts'
import { difference } from './lib/scale/difference.ts'
import { join } from './lib/scale/join.ts'
import { scalePlan } from './lib/scale/plan.ts'
import { judge, refusals } from './lib/scale/refusals.ts'
import { reshape, serversOf } from './lib/scale/reshape.ts'
import { survey } from './lib/scale/survey.ts'
import { readWish } from './lib/scale/wish.ts'
import { ensureBuckets, openBuckets } from './lib/store/buckets.ts'
import { needKit } from './lib/store/kit.ts'

await run('scale', async ({ flags, confirm }) => {
  const wish = readWish(flags)
  await ensureTools(flags)
  const cluster = await describe({ name: flags.name, repo: flags.repo })
  preflightReading(cluster)
  const kit = await needKit(await openBuckets(cluster, 'read'), cluster.name)
  const before = await survey(cluster, kit) // machines, nodes and pods as they are
  const described = cluster.wanted
  cluster.wanted = reshape(described, wish) // pure: the description with the wish in it
  const lost = judge(refusals(described, cluster.wanted, before), flags.force)
  await preflight(cluster, [machinesAreKnown, disksFit])
  const planned = scalePlan(cluster, before, await cluster.cloud.sizes(), lost)
  await confirm(planned) // the difference in machines and in dollars

  if (!planned.nothing) {
    await claim(cluster, 'scale', flags) // lock; the intention is in Git before anything moves
    const project = await ensureProject(cluster)
    const [network, address, buckets, sshKey] = await Promise.all([
      ensureNetwork(cluster),
      ensureAddress(cluster, project),
      ensureBuckets(cluster),
      ensureSshKey(cluster, kit),
    ])
    const ground = { kit, buckets, project, network, address, sshKey }
    const now = await survey(cluster, kit)
    const todo = difference(cluster.wanted, now, Date.now())
    const kube = now.kube
    if (!kube || (wish.verb !== 'add' && wish.verb !== 'finish'))
      throw new Problem(`--${wish.verb} is not built yet`)
    for (const server of serversOf(todo.join)) await join(cluster, ground, kube, [server], now.droplets)
    await join(
      cluster,
      ground,
      kube,
      todo.join.filter((node) => node.role === 'agent'),
      now.droplets,
    )
  }
  if (isDryRun()) throw new DryRunEnd('nothing was changed')
  return { nodes: cluster.wanted.nodes.map((node) => `${node.name}  ${node.role}`) }
})
