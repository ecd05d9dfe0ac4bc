import { registerNode } from '../cluster/nodes.ts'
import { textAt, textsAt } from '../cluster/tree.ts'
import { applyManifests } from './argocd.ts'
import { deleteBundle, fetchBundle } from './fetch.ts'
import type { Fleet } from './fleet.ts'
import { fetchBinary, k3sConfig } from './k3s.ts'
import { type Machine, StepFailure } from './machine.ts'

/** What happens from power-on: the script of the user-data, then the bundle's steps, each recorded on disk. */
export async function install(fleet: Fleet, machine: Machine): Promise<void> {
  const { disk, world } = machine
  // Cloud-init takes about half a minute before it runs anything of ours.
  await world.latency(30)
  if (!(await fetched(machine))) return
  await step(machine, 'host', () => world.latency(3))
  // k3s is a unit of its own: it starts at each boot.
  await step(machine, 'k3s', () => startK3s(fleet, machine), true)
  if (machine.env.ROLE === 'first-server' && disk.isDone('k3s'))
    await step(machine, 'argocd', async () => applyManifests(machine, fleet.clusterOf(machine)))
}

/** The bundle is fetched, or was before. */
async function fetched(machine: Machine): Promise<boolean> {
  const { disk, orders } = machine
  const started = performance.now()
  if (!disk.hasBundle()) {
    await machine.report(orders.startedUrl, 'started', 'done', started, '')
    try {
      await fetchBundle(machine)
    } catch (error) {
      if (!(error instanceof StepFailure) || !machine.isOn) throw error
      const message = `${orders.nodeName}: ${error.message}`
      await machine.report(orders.startedUrl, 'fetch', 'failed', started, message)
      return false
    }
  }
  await step(machine, 'fetch', () => deleteBundle(machine))
  return disk.isDone('fetch')
}

async function step(
  machine: Machine,
  name: string,
  take: () => Promise<void>,
  always = false,
): Promise<void> {
  const { disk, orders } = machine
  const before = ['fetch', 'host', 'k3s', 'argocd'].slice(0, ['fetch', 'host', 'k3s', 'argocd'].indexOf(name))
  if (!machine.isOn || !before.every((one) => disk.isDone(one))) return
  const again = disk.isDone(name)
  if (again && !always) return
  const started = performance.now()
  const url = disk.read(`reports/${name}`)?.trim()
  try {
    await take()
    if (again || !machine.isOn) return
    disk.markDone(name)
    if (url) await machine.report(url, name, 'done', started, '')
  } catch (error) {
    if (!(error instanceof StepFailure) || !machine.isOn) throw error
    if (url) await machine.report(url, name, 'failed', started, `${orders.nodeName}: ${error.message}`)
  }
}

async function startK3s(fleet: Fleet, machine: Machine): Promise<void> {
  const { hardware, env, disk, world } = machine
  if (!disk.isDone('k3s')) await fetchBinary(machine)
  const cluster = fleet.clusterOf(machine)
  const config = k3sConfig(machine)
  const name = textAt(config, 'node-name') || hardware.name
  const known = cluster.store.find('Node', undefined, name)
  const droplet = textAt(known, 'metadata', 'annotations', 'csi.volume.kubernetes.io/nodeid')
  if (known && !droplet.includes(`"${hardware.id}"`))
    throw new StepFailure(`k3s does not start: Node password rejected, duplicate hostname ${name}`)
  // From power-on to a ready node: about 45 s on a small machine.
  await world.latency(45)
  if (!machine.isOn) return
  disk.cluster = cluster.identity.id
  const labels = textsAt(config, 'node-label').map((label) => label.split('=') as [string, string])
  registerNode(cluster, {
    name,
    role: env.ROLE === 'agent' ? 'agent' : 'server',
    dropletId: hardware.id,
    region: hardware.region,
    internalAddress: hardware.privateAddress,
    externalAddress: env.EXTERNAL_ADDRESS || hardware.publicAddress,
    labels: Object.fromEntries(labels),
    etcd: env.DATASTORE === 'etcd',
  })
  await fleet.listen(machine, cluster)
}
