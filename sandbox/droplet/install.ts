import { stepDeadlines } from '../../cloud-init/src/reports.ts'
import { registerNode } from '../cluster/nodes.ts'
import { textAt, textsAt } from '../cluster/tree.ts'
import { latencies } from '../latencies.ts'
import { applyManifests } from './argocd.ts'
import { deleteBundle, fetchBundle } from './fetch.ts'
import type { Fleet } from './fleet.ts'
import { checkAddress, fetchBinary, k3sConfig, k3sFails, reservedMemory } from './k3s.ts'
import { type Machine, StepFailure } from './machine.ts'

type Name = 'fetch' | 'host' | 'k3s' | 'argocd'

const order: Name[] = ['fetch', 'host', 'k3s', 'argocd']

/** What happens from power-on: the script of the user-data, then the bundle's steps, each recorded on disk. */
export async function install(fleet: Fleet, machine: Machine): Promise<void> {
  const { world, disk } = machine
  if (!machine.resumes) await world.latency(latencies.cloudInit)
  if (!disk.hasBundle() && !(await fetched(machine))) return
  await step(machine, 'fetch', async () => {
    const gone = await deleteBundle(machine)
    return `The bundle is here and is what it should be.${gone ? '' : ' It could not be deleted where it lay yet.'}`
  })
  await step(machine, 'host', async () => {
    await world.latency(latencies.prepareHost)
    return 'The machine is ready for k3s.'
  })
  await step(machine, 'k3s', () => startK3s(fleet, machine))
  if (machine.env.ROLE !== 'first-server') return
  await step(machine, 'argocd', async () => {
    applyManifests(machine, fleet.clusterOf(machine))
    return 'Argo CD runs and has what it installs the platform by.'
  })
}

async function fetched(machine: Machine): Promise<boolean> {
  const { startedUrl, nodeName } = machine.orders
  const since = performance.now()
  await machine.report(startedUrl, { step: 'started', state: 'done', since, message: '' })
  try {
    await fetchBundle(machine)
    return true
  } catch (error) {
    if (!(error instanceof StepFailure) || !machine.isOn) throw error
    await machine.report(startedUrl, {
      step: 'started',
      state: 'failed',
      since,
      message: `${nodeName}: ${error.message}`,
    })
    return false
  }
}

async function step(machine: Machine, name: Name, take: () => Promise<string>): Promise<void> {
  const { disk } = machine
  const isDone = disk.isDone(name)
  const since = performance.now()
  const say = async (state: 'done' | 'failed', message: string, log?: string) => {
    const url = disk.read(`reports/${name}`)?.trim()
    const isTold = url && (await machine.report(url, { step: name, state, since, message, log }))
    if (isTold && state === 'done') disk.markDone(`${name}.told`)
  }
  if (!machine.isOn || !order.slice(0, order.indexOf(name)).every((one) => disk.isDone(one))) return
  if (isDone && !disk.isDone(`${name}.told`)) await say('done', 'Done before the machine was started again.')
  // k3s is a unit of its own and starts at each boot; the other steps are done once.
  if (isDone && name !== 'k3s') return
  const isOver = machine.patience(stepDeadlines[name])
  for (;;)
    try {
      const message = await take()
      if (isDone || !machine.isOn) return
      disk.markDone(name)
      return await say('done', message)
    } catch (error) {
      if (!(error instanceof StepFailure) || !machine.isOn) throw error
      if (!error.again || isOver()) return await say('failed', error.message, error.log)
      await machine.pause(1, 20)
    }
}

async function startK3s(fleet: Fleet, machine: Machine): Promise<string> {
  const { hardware, env, disk, world } = machine
  if (!disk.isDone('k3s')) {
    await fetchBinary(machine)
    checkAddress(machine)
  }
  const cluster = fleet.clusterOf(machine)
  const config = k3sConfig(machine)
  const name = textAt(config, 'node-name') || hardware.name
  const known = cluster.store.find('Node', undefined, name)
  const droplet = textAt(known, 'metadata', 'annotations', 'csi.volume.kubernetes.io/nodeid')
  if (known && !droplet.includes(`"${hardware.id}"`))
    throw k3sFails(
      machine,
      `Node password rejected, duplicate hostname or contents of '/etc/rancher/node/password' may not match server node-passwd entry`,
    )
  if (!machine.resumes || !disk.isDone('k3s')) await world.latency(latencies.startK3s)
  if (!machine.isOn) return ''
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
    bootId: machine.bootId,
    reserved: reservedMemory(machine),
  })
  await fleet.listen(machine, cluster).catch((error: Error) => {
    throw k3sFails(machine, error.message)
  })
  return `${env.NODE_NAME} is Ready with k3s ${env.K3S_VERSION}.`
}
