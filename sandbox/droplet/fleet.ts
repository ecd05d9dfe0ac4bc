import { readdirSync, rmSync } from 'node:fs'
import { Cluster, type ClusterDeps, type Identity } from '../cluster/cluster.ts'
import { startControllers } from '../cluster/controllers.ts'
import { firstObjects, markNode } from '../cluster/nodes.ts'
import { textAt } from '../cluster/tree.ts'
import type { World } from '../world.ts'
import { Disk } from './disk.ts'
import { checkToken, foundedIdentity, k3sConfig, servedNames } from './k3s.ts'
import { type Machine, StepFailure } from './machine.ts'

/** All machines that are on, the clusters that they make up and where reserved addresses lead. */
export class Fleet {
  readonly world: World
  readonly #deps: ClusterDeps
  readonly #running = new Map<number, Machine>()
  readonly #clusters = new Map<string, Cluster>()
  readonly #routes = new Map<string, number>()
  // Machines whose API is served: from then on a route that comes later is served too.
  readonly #serving = new Set<number>()

  constructor(world: World, deps: ClusterDeps) {
    this.world = world
    this.#deps = deps
    world.atEnd(() => {
      for (const machine of this.#running.values()) machine.powerOff()
    })
  }

  isOn(dropletId: number): boolean {
    return this.#running.has(dropletId)
  }

  add(machine: Machine): void {
    this.#running.set(machine.hardware.id, machine)
  }

  /** The cluster that this machine's k3s founds, opens again or joins. @throws StepFailure as k3s would fail */
  clusterOf(machine: Machine): Cluster {
    const config = k3sConfig(machine)
    if (machine.env.ROLE === 'first-server')
      return this.#open(foundedIdentity(machine, config), machine.resumes)
    const known = machine.disk.cluster
    const identity = known ? Cluster.identity(this.world, known) : undefined
    if (identity) return this.#open(identity, machine.resumes)
    const address = new URL(textAt(config, 'server')).hostname
    const server = [...this.#running.values()].find((one) => one.hardware.privateAddress === address)
    const cluster = this.#clusters.get(server?.disk.cluster ?? '')
    if (!cluster?.isUp() || !server?.disk.isDone('k3s')) {
      const message = `The server to join, https://${address}:6443, cannot be reached from here: connection refused`
      throw new StepFailure(message, { again: true })
    }
    checkToken(machine, cluster.identity, textAt(config, 'token'))
    return cluster
  }

  /** Serves the API where this machine is reached from outside: its own address and the reserved one that leads to it. */
  async listen(machine: Machine, cluster: Cluster): Promise<void> {
    if (machine.env.ROLE === 'agent') return
    this.#serving.add(machine.hardware.id)
    const names = servedNames(machine, k3sConfig(machine))
    // The port is the world's; firewalls know it by the name it has outside.
    const admits = (from: string) => machine.hardware.admits?.(6443, from) ?? true
    for (const address of this.#addressesOf(machine)) await cluster.listen(address, names, admits)
  }

  async route(address: string, dropletId: number | undefined): Promise<void> {
    const before = this.#running.get(this.#routes.get(address) ?? 0)
    if (before && before.hardware.id !== dropletId)
      await this.#clusters.get(before.disk.cluster ?? '')?.unlisten(address)
    if (dropletId === undefined) this.#routes.delete(address)
    else this.#routes.set(address, dropletId)
    const machine = this.#running.get(dropletId ?? 0)
    const cluster = this.#clusters.get(machine?.disk.cluster ?? '')
    if (machine && this.#serving.has(machine.hardware.id) && cluster?.isUp())
      await this.listen(machine, cluster)
  }

  async powerOff(dropletId: number): Promise<void> {
    const machine = this.#running.get(dropletId)
    this.#running.delete(dropletId)
    this.#serving.delete(dropletId)
    machine?.powerOff()
    machine?.disk.power(undefined)
    const cluster = this.#clusters.get(machine?.disk.cluster ?? '')
    if (!machine || !cluster?.isUp()) return
    markNode(cluster.store, machine.hardware.name, false)
    for (const address of this.#addressesOf(machine)) await cluster.unlisten(address)
    const servers = [...this.#running.values()].filter(
      (one) => one.disk.cluster === cluster.identity.id && one.env.ROLE !== 'agent',
    )
    if (servers.length === 0) await cluster.stop()
  }

  /** Removes what a destroyed machine had on its disk, and the cluster that lay on this disk alone. */
  async destroy(dropletId: number): Promise<void> {
    await this.powerOff(dropletId)
    const { world } = this
    const disk = new Disk(world, dropletId)
    const id = disk.cluster
    disk.erase()
    if (id && !clustersOnDisks(world).includes(id)) rmSync(world.path(`clusters/${id}.json`), { force: true })
  }

  #open(identity: Identity, resumes: boolean): Cluster {
    const open = this.#clusters.get(identity.id)
    if (open?.isUp()) return open
    const { world } = this
    const cluster = new Cluster(world, Cluster.identity(world, identity.id) ?? identity, this.#deps)
    this.#clusters.set(identity.id, cluster)
    firstObjects(cluster)
    startControllers(cluster, resumes)
    return cluster
  }

  #addressesOf({ hardware }: Machine): string[] {
    const routed = [...this.#routes].filter(([, id]) => id === hardware.id).map(([address]) => address)
    return [hardware.publicAddress, ...routed]
  }
}

function clustersOnDisks(world: World): (string | undefined)[] {
  const names = readdirSync(world.path('droplets'), { withFileTypes: true })
  return names
    .filter((entry) => entry.isDirectory())
    .map((entry) => new Disk(world, Number(entry.name)))
    .filter((disk) => !/^ROLE='agent'$/m.test(disk.read('node.env') ?? ''))
    .map((disk) => disk.cluster)
}
