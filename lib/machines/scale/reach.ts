import { holdsSince, mayChange } from '../../base/change.ts'
import { DryRunEnd, isDryRun } from '../../base/dry-run.ts'
import { command } from '../../base/hint.ts'
import { waitFor } from '../../base/wait.ts'
import type { Kube } from '../../clients/tools.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { assignAddress } from '../foundation/address.ts'
import type { Foundation } from '../foundation/foundation.ts'
import { ensureInProject } from '../foundation/project.ts'
import { difference, type Todo } from './difference.ts'
import { changeSize, powerOn } from './resize.ts'
import { type Earlier, type Observed, observe } from './survey.ts'

/** A cluster that answers, what it looks like now, and what is left to do. */
export interface Reached {
  kube: Kube
  seen: Observed
  todo: Todo
}

/**
 * Gets a server to answer before anything else: what an earlier run left off is powered on, with the size that it was
 * to get, what it left outside the project is put into it, and the reserved address is led to a server that works.
 * @param earlier droplets that stay as they are: of a cluster that is being replaced
 * @throws Problem when no server answers after ten minutes
 */
export async function reach(
  cluster: Cluster,
  { kit, address, project }: Foundation,
  earlier: Earlier = [],
): Promise<Reached> {
  let since = performance.now()
  const before = await observe(cluster, kit, earlier)
  const { wake, adopt, resize, lead } = difference(cluster.wanted, before, Date.now())
  // Powering on needs no lock of its own, because it must come true for a run that is ending, too.
  if (wake.length > 0 && !isDryRun()) await mayChange()
  for (const droplet of wake) await powerOn(cluster, droplet)
  for (const one of resize) if (one.droplet.status === 'off') await changeSize(cluster, one)
  await ensureInProject(cluster, project, adopt)
  const leader = before.droplets.find((one) => one.name === lead)
  if (leader) await assignAddress(cluster, address, leader)
  return waitFor(
    {
      until: `a server of ${cluster.name} answers`,
      every: 5,
      within: 600,
      sparing: true,
      cure: `Port 6443 is open to ${cluster.wanted.network.adminCidrs.join(', ')}: is your own address among them? If no server is left, bring the last backup back: ${command('restore.mts', '--backup', 'latest')}`,
    },
    async () => {
      // What was seen just now holds, where nothing had to be done about it.
      const seen = await observe(cluster, kit, earlier, Math.max(since, holdsSince()))
      since = performance.now()
      const todo = difference(cluster.wanted, seen, Date.now())
      if (seen.kube) return { kube: seen.kube, seen, todo }
      if (isDryRun()) throw new DryRunEnd('no server answers; nothing was changed')
      return undefined
    },
  )
}
