import { isDryRun } from '../../base/dry-run.ts'
import { command, hint } from '../../base/hint.ts'
import { forAll, tellAll } from '../../base/parallel.ts'
import { Problem } from '../../base/problem.ts'
import { tell } from '../../base/story.ts'
import { sparingly, waitFor } from '../../base/wait.ts'
import type { Droplet, SshKey } from '../../clients/digitalocean-types.ts'
import { doctl, type Kube, ToolFailure } from '../../clients/tools.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { members, membersNow } from '../../kubernetes/nodes.ts'
import { installDeadline, Reports } from '../../kubernetes/reports.ts'
import { commonSpec, deliver } from '../first/bundle.ts'
import { isUnmade, makeDroplet, removeUnmade } from '../foundation/droplet.ts'
import type { Foundation } from '../foundation/foundation.ts'
import { ensureInProject } from '../foundation/project.ts'
import { type Described, sizeOf } from './reshape.ts'

/** What a machine needs to join: what the first server stands on, and the SSH key. */
export interface JoinFoundation extends Foundation {
  sshKey: SshKey
}

/** How many machines are ordered at the same time. */
const ordersAtOnce = 8

/**
 * Grows machines that join a living server by its private address, each by a bundle of its own, and waits until all
 * are Ready. One that fails keeps no other from joining.
 * @throws Problem naming each that did not join and why
 */
export async function join(
  cluster: Cluster,
  foundation: JoinFoundation,
  kube: Kube,
  nodes: readonly Described[],
  droplets: readonly Droplet[],
): Promise<void> {
  if (nodes.length === 0) return
  const server = `https://${await livingServer(kube, droplets)}:6443`
  const failed: unknown[] = []
  const ordered: Described[] = []
  const made: Droplet[] = []
  await forAll(
    nodes,
    async (node) => {
      try {
        const isThere = droplets.some((one) => one.name === node.name)
        made.push(await order(cluster, foundation, node, { server, isThere }))
        ordered.push(node)
      } catch (error) {
        failed.push(error)
      }
    },
    ordersAtOnce,
  )
  // The lost answer to a create may have been that to its assignment.
  if (!isDryRun())
    await ensureInProject(cluster, foundation.project, made).catch((error: unknown) => failed.push(error))
  if (!isDryRun()) failed.push(...(await untilReady(cluster, foundation, kube, ordered, server)))
  tellAll(failed)
}

/** Private address of a server that is Ready: etcd and agents speak over the private network. */
async function livingServer(kube: Kube, droplets: readonly Droplet[]): Promise<string> {
  const servers = (await members(kube)).filter((one) => one.server && one.ready)
  for (const { name } of servers) {
    const droplet = droplets.find((one) => one.name === name)
    const own = droplet?.networks.v4.find((net) => net.type === 'private')
    if (own) return own.ip_address
  }
  throw new Problem('no server is Ready that a machine could join', {
    cure: `${command('scripts/status.mts')} shows what exists.`,
  })
}

async function order(
  cluster: Cluster,
  foundation: JoinFoundation,
  node: Described,
  { server, isThere }: { server: string; isThere: boolean },
): Promise<Droplet> {
  const { kit, buckets, project, network, sshKey } = foundation
  const { name, role } = node
  // A droplet that is there has its bundle: it was uploaded before.
  const userData =
    isThere || isDryRun()
      ? ''
      : await deliver(cluster, buckets, {
          node: { ...(await commonSpec(cluster, foundation)), name, role, join: server },
          authorities: kit.authorities,
        })
  return makeDroplet(cluster, {
    name,
    size: sizeOf(node, cluster.wanted),
    userData,
    project,
    network,
    sshKey,
  })
}

/** Watches all that join together: one look at the nodes and one at the droplets each round. @returns the failures */
async function untilReady(
  cluster: Cluster,
  foundation: JoinFoundation,
  kube: Kube,
  nodes: readonly Described[],
  server: string,
): Promise<unknown[]> {
  const started = performance.now()
  const waiting = new Map(
    nodes.map((node) => [
      node.name,
      { node, reports: new Reports(foundation.buckets, node.name, node.role) },
    ]),
  )
  const failed: unknown[] = []
  const orders = new Map<string, number>()
  const orderAgain = async (unmade: Droplet, node: Described) => {
    const attempt = (orders.get(node.name) ?? 0) + 1
    orders.set(node.name, attempt)
    await removeUnmade(cluster, unmade, attempt)
    await order(cluster, foundation, node, { server, isThere: false })
  }
  let rounds = 0
  const isDue = sparingly(10)
  if (waiting.size === 0) return []
  const until = waiting.size === 1 ? `${[...waiting.keys()][0]} joins` : `${waiting.size} machines join`
  try {
    const cure = `What did not join is billed as well. ${hint('scale.mts', cluster)} puts another machine in its place; its console at DigitalOcean may tell why.`
    await waitFor({ until, every: 5, within: installDeadline, cure }, async (note) => {
      const ready = (await membersNow(kube))?.filter((one) => one.ready)
      for (const { name } of ready ?? [])
        if (waiting.has(name)) {
          waiting.delete(name)
          tell('+', `node ${name}`, 'Ready', (performance.now() - started) / 1000)
        }
      if (waiting.size === 0) return true
      const machines = isDue()
        ? (await cluster.cloud.dropletsTagged(cluster.tag)).filter((one) => waiting.has(one.name))
        : []
      await powerOn(machines.filter(({ status }) => status === 'off'))
      const attend = async (name: string, work: () => Promise<void>) => {
        try {
          await work()
        } catch (error) {
          if (!(error instanceof Problem)) throw error
          waiting.delete(name)
          failed.push(error)
        }
      }
      // One at a time: a hundred that are being made would be a hundred more requests.
      const beingMade = machines.filter(({ status }) => status === 'new')
      const next = beingMade[rounds++ % beingMade.length]
      const awaited = next && waiting.get(next.name)
      if (awaited && (await isUnmade(cluster, next)))
        await attend(next.name, () => orderAgain(next, awaited.node))
      await forAll([...waiting], ([name, { reports }]) => attend(name, () => reports.follow()))
      note([...waiting].map(([name, { reports }]) => `${name}: ${reports.last}`).join('; '))
      return waiting.size === 0 ? true : undefined
    })
  } catch (error) {
    failed.push(error)
  }
  return failed
}

/** Nothing may be billed and off; a refusal means that something is pending, and the next round looks again. */
async function powerOn(droplets: readonly Droplet[]): Promise<void> {
  for (const { id } of droplets)
    await doctl`compute droplet-action power-on ${id}`.catch((error: unknown) => {
      if (!(error instanceof ToolFailure)) throw error
    })
}
