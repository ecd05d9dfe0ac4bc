#!/usr/bin/env -S sh -c 'd=$(dirname "$(realpath "$0")"); [ -d "$d/lib" ] || d=$d/..; exec node --max-semi-space-size=4 --import "$d/lib/commands/start.mjs" "$0" "$@"'
// Moves everything off a node, restarts it, and lets everything come back.
import {
  askingFlags,
  claim,
  clusterFlags,
  drain,
  membersNow,
  openCluster,
  ownMachines,
  Problem,
  restartDroplet,
  run,
  uncordon,
  waitFor,
} from '#flow'

const patchNode = {
  about: 'Move everything off a node, restart it, let everything come back.',
  words: 'NODE',
  flags: { ...clusterFlags, ...askingFlags },
}

await run(patchNode, async ({ flags, words: [node = ''], confirm }) => {
  const { cluster, kube } = await openCluster(flags)
  const { droplets } = await ownMachines(cluster.cloud, cluster.name)
  const droplet = droplets.find(({ name }) => name === node)
  if (!droplet)
    throw new Problem(`name one of ${droplets.map(({ name }) => name).join(', ')}`, { exitCode: 2 })
  await confirm({ text: `everything moves off ${node}, and it restarts`, destructive: true })

  await claim(cluster, 'patch-node', flags) // no other run beside this one
  await drain(kube, node, { within: 600, force: false })
  // The node is empty: patch it here.
  await restartDroplet(cluster, droplet)
  await waitFor({ until: `node ${node} is Ready`, every: 3, within: 600 }, async () =>
    (await membersNow(kube))?.find(({ name, ready }) => name === node && ready),
  )
  await uncordon(kube, node)
})
