import { hostname } from 'node:os'
import { type KeyAndCertificate, makeCertificate } from '../../cloud-init/src/certificates.ts'
import { serve } from '../serve.ts'
import type { World } from '../world.ts'
import { kubernetesApi } from './api.ts'
import type { Repositories } from './git.ts'
import type { Refusal } from './refusal.ts'
import { Store } from './store.ts'
import { now } from './time.ts'
import { listAt, numberAt, type Thing, textsAt, treeAt } from './tree.ts'

/** What a first server's disk decides about its cluster for ever. */
export interface Identity {
  /** Name in the world: `<cluster>-<droplet id of the first server>`. */
  id: string
  /** Kubernetes version, such as `v1.36.5+k3s1`. */
  version: string
  serverCa: KeyAndCertificate
  clientCa: KeyAndCertificate
  /** The bare passwords with which servers and agents join. */
  serverToken: string
  agentToken: string
}

/** What a cluster needs from outside its world. */
export interface ClusterDeps {
  repositories: Repositories
}

/** A paper cluster: a store and the sockets of its API; saved in the world soon after each change. */
export class Cluster {
  readonly store = new Store()
  readonly world: World
  readonly identity: Identity
  readonly repositories: Repositories
  /**
   * Pods by uid, and kubelets as `node/<name>`, that watch from a number which the store has not reached yet: they hear of no
   * change until they start anew.
   */
  readonly blind: Set<string>
  /** What a pod's variables took from Secrets when it started, by the pod's uid: what changes there later it never sees. */
  readonly variables: Map<string, Record<string, string>>
  #up = true
  #saving: NodeJS.Timeout | undefined
  /** Milliseconds from a change until it is saved. */
  #pause = 100
  /** What its API was served with, by the month and the names. */
  readonly #serving = new Map<string, KeyAndCertificate>()
  readonly #closers: (() => Promise<void> | void)[] = []
  readonly #sockets = new Map<string, Promise<() => Promise<void>>>()

  /** Opens the cluster as it was saved, or a new and empty one. */
  constructor(world: World, identity: Identity, { repositories }: ClusterDeps) {
    this.repositories = repositories
    this.world = world
    this.identity = identity
    const saved = world.load(`clusters/${identity.id}`)
    this.store.fill(treeAt(saved, 'store'))
    this.blind = new Set(textsAt(saved, 'blind'))
    this.variables = new Map(
      Object.entries(treeAt(saved, 'variables') as Record<string, Record<string, string>>),
    )
    for (const { named, cert, key } of listAt(saved, 'serving') as (KeyAndCertificate & { named: string })[])
      this.#serving.set(named, { cert, key })
    this.store.on(() => this.#soon())
    world.atFlush(() => {
      if (this.#saving) this.#save()
    })
    world.atEnd(() => this.stop())
  }

  /** Reads the identity of a saved cluster. */
  static identity(world: World, id: string): Identity | undefined {
    const saved = treeAt(world.load(`clusters/${id}`), 'identity')
    return saved.id === id ? (saved as unknown as Identity) : undefined
  }

  /**
   * Serves the API on an address, port 6443, with a certificate for these names. Does nothing if it is served there.
   * @param admits who may connect
   */
  async listen(address: string, names: readonly string[], admits?: (from: string) => boolean): Promise<void> {
    const socket = this.#sockets.get(address) ?? this.#serve(address, names, admits)
    this.#sockets.set(address, socket)
    await socket
  }

  async unlisten(address: string): Promise<void> {
    const close = await this.#sockets.get(address)
    this.#sockets.delete(address)
    await close?.()
  }

  isUp(): boolean {
    return this.#up
  }

  atStop(close: () => Promise<void> | void): void {
    this.#closers.push(close)
  }

  /** Stops sockets and controllers and saves the last state. */
  async stop(): Promise<void> {
    if (!this.#up) return
    this.#up = false
    for (const close of this.#closers.splice(0)) await close()
    for (const address of [...this.#sockets.keys()]) await this.unlisten(address)
    this.#save()
  }

  /** Tells a fault of the sandbox itself; refusals of the API are no such thing. */
  complain(error: Error | Refusal): void {
    process.stderr.write(`! paper cluster ${this.identity.id}: ${error.stack ?? error.message}\n`)
  }

  /** Records an Event about an object, counting repetitions. */
  event(about: Thing, type: 'Normal' | 'Warning', reason: string, message: string): void {
    const { name, namespace = 'default', uid } = about.metadata
    const same = this.store
      .list('Event', namespace)
      .find(
        (one) =>
          treeAt(one, 'involvedObject').uid === uid && one.reason === reason && one.message === message,
      )
    if (same) return
    const involvedObject = { apiVersion: about.apiVersion, kind: about.kind, name, namespace, uid }
    const metadata = {
      name: `${name}.${Date.now().toString(16)}${this.store.revision.toString(16)}`,
      namespace,
    }
    const source = { component: 'paper', host: hostname() }
    const told = { type, reason, message, count: 1, firstTimestamp: now(), lastTimestamp: now(), source }
    if (this.store.find('Namespace', undefined, namespace))
      this.store.create({ apiVersion: 'v1', kind: 'Event', metadata, involvedObject, ...told })
  }

  async #serve(
    address: string,
    names: readonly string[],
    admits: ((from: string) => boolean) | undefined,
  ): Promise<() => Promise<void>> {
    const inside = ['', '.default', '.default.svc', '.default.svc.cluster.local'].map(
      (end) => `kubernetes${end}`,
    )
    const all = [...new Set([...inside, '10.43.0.1', 'localhost', '127.0.0.1', ...names])]
    const wish = { now: new Date(), name: 'k3s', organization: 'k3s', usage: 'server' as const, names: all }
    // k3s keeps what it serves with too. A new month brings a new one.
    const named = `${wish.now.toISOString().slice(0, 7)} ${all}`
    const { cert, key } = this.#serving.get(named) ?? (await makeCertificate(this.identity.serverCa, wish))
    this.#serving.set(named, { cert, key })
    if (!this.#up) return async () => {}
    const port = this.world.addresses.apiPort
    const api = kubernetesApi(this.store, this.identity.version, `${address}:${port}`)
    return serve(
      this.world,
      'kubernetes',
      { host: address, port, tls: { key, cert, ca: this.identity.clientCa.cert }, admits },
      api,
    )
  }

  #soon(): void {
    if (this.#saving || !this.#up) return
    this.#saving = setTimeout(() => this.#save(), this.#pause).unref()
  }

  #save(): void {
    clearTimeout(this.#saving)
    this.#saving = undefined
    const started = performance.now()
    const serving = [...this.#serving].map(([named, one]) => ({ named, ...one }))
    this.world.save(`clusters/${this.identity.id}`, {
      identity: this.identity,
      serving,
      store: this.store.dump(),
      blind: [...this.blind],
      variables: Object.fromEntries(this.variables),
    })
    // A large cluster would do nothing but save.
    this.#pause = Math.max(100, 10 * (performance.now() - started))
  }
}

/** Whether a pod runs and is ready. */
export function isReady(pod: Thing): boolean {
  return listAt(pod, 'status', 'conditions').some((one) => one.type === 'Ready' && one.status === 'True')
}

/** Whether a workload of this name has all its pods ready, and none is blind; false when there is none. */
export function runs({ store, blind }: Cluster, kind: string, namespace: string, name: string): boolean {
  const found = store.find(kind, namespace, name)
  if (!found) return false
  const own = ({ metadata }: Thing) => metadata.name.startsWith(`${name}-`)
  if (blind.size > 0 && store.list('Pod', namespace).some((one) => own(one) && blind.has(one.metadata.uid)))
    return false
  const wanted = numberAt(found, 1, 'spec', 'replicas')
  return wanted > 0 && numberAt(found, 0, 'status', 'readyReplicas') >= wanted
}
