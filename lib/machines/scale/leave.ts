import { isDryRun } from '../../base/dry-run.ts'
import { tell } from '../../base/story.ts'
import { waitFor } from '../../base/wait.ts'
import { type Kube, kubectl } from '../../clients/tools.ts'
import { actUntil } from '../../clients/until-done.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { type Draining, drain, waitForDetached } from '../../kubernetes/drain.ts'
import { membersNow } from '../../kubernetes/nodes.ts'
import { kubectlRepeated } from '../../kubernetes/repeated.ts'
import { removeDroplet } from '../foundation/still-ours.ts'
import type { Leaving } from './difference.ts'

/**
 * Takes a living machine out: its pods move away, its volumes are let go, its node goes (and with it, on a server, its
 * seat in etcd), its droplet goes. Whoever stands in between is waited for; nothing is removed before that.
 */
export async function removeMachine(
  cluster: Cluster,
  kube: Kube,
  one: Leaving,
  how: Draining,
): Promise<void> {
  const ill = await illServers(kube)
  await drain(kube, one.name, how)
  await waitForDetached(kube, one.name)
  await removeNode(kube, one.name)
  if (one.droplet) await removeDroplet(cluster, one.droplet)
  // Its kubelet may have registered it once more before the machine was gone.
  await removeNode(kube, one.name)
  if (one.member?.server) await waitForServers(kube, ill)
}

/**
 * Takes a dead machine out. Its droplet goes first, so that surely nothing of it writes any more; then Kubernetes is
 * told so, releases its pods and volumes at once (https://kubernetes.io/docs/concepts/cluster-administration/node-shutdown/#non-graceful-node-shutdown)
 * and forgets it.
 */
export async function removeLost(cluster: Cluster, kube: Kube, one: Leaving): Promise<void> {
  const { name, droplet, member } = one
  const ill = await illServers(kube)
  if (droplet) await removeDroplet(cluster, droplet)
  if (!member) return
  await kubectlRepeated(
    kube,
  )`taint nodes ${name} node.kubernetes.io/out-of-service=nodeshutdown:NoExecute --overwrite`
  await waitForDetached(kube, name)
  await removeNode(kube, name)
  if (member.server) await waitForServers(kube, ill)
}

async function removeNode(kube: Kube, name: string): Promise<void> {
  const act = () => kubectl(kube)`delete node ${name} --ignore-not-found`
  if (isDryRun()) {
    await act()
    return
  }
  const isGone = async () => (await membersNow(kube))?.every((one) => one.name !== name) === true
  if (await isGone()) return
  await actUntil(`node ${name} is gone`, isGone, act)
  tell('-', `node ${name}`)
}

/**
 * Before the next step every server that stays must be well, so that etcd never loses two at a time.
 * @param but those that were ill before
 */
export async function waitForServers(kube: Kube, but: ReadonlySet<string> = new Set()): Promise<void> {
  if (isDryRun()) return
  await waitFor({ until: 'all servers are Ready', every: 3, within: 300 }, async (note) => {
    const all = await membersNow(kube)
    const ill = (all ?? []).filter((one) => one.server && !one.ready && !but.has(one.name))
    note(all ? ill.map((one) => one.name).join(', ') : 'the Kubernetes API does not answer')
    return all && ill.length === 0 ? true : undefined
  })
}

async function illServers(kube: Kube): Promise<Set<string>> {
  const all = (await membersNow(kube)) ?? []
  return new Set(all.filter((one) => one.server && !one.ready).map((one) => one.name))
}
