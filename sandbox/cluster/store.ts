import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { refuseChange, withPorts } from './immutable.ts'
import { type Kind, Kinds, resourceOf } from './kinds.ts'
import { applied } from './merge.ts'
import { complete } from './prepare.ts'
import { notFound, Refusal } from './refusal.ts'
import { now } from './time.ts'
import { at, listAt, numberAt, type Thing, type Tree, textAt, treeAt } from './tree.ts'

/** One change of the store, in the order of resource versions. */
export interface Change {
  type: 'ADDED' | 'MODIFIED' | 'DELETED'
  kind: Kind
  thing: Thing
  revision: number
}

/** How to write: `status` through the status path, `dryRun` without effect, `manager` for server-side apply. */
export interface Writing {
  status?: boolean
  dryRun?: boolean
  manager?: string
}

/** All objects of one cluster with a change feed; small enough to be saved whole. */
export class Store {
  readonly kinds = new Kinds()
  revision = 1
  /** By resource, then by `namespace/name`: a list must not go through everything else. */
  readonly #things = new Map<string, Map<string, Thing>>()
  /** What each manager applied last, by uid: the memory of server-side apply. */
  readonly #applied = new Map<string, Record<string, Tree>>()
  readonly #listeners = new Set<(change: Change) => void>()
  readonly #past: Change[] = []
  /** What ends the open watches. */
  readonly #ends = new Set<() => void>()

  find(kind: Kind | string, namespace: string | undefined, name: string): Thing | undefined {
    const wanted = this.#kind(kind)
    return this.#things.get(resourceOf(wanted))?.get(keyIn(wanted, namespace, name))
  }

  get(kind: Kind | string, namespace: string | undefined, name: string): Thing {
    const found = this.find(kind, namespace, name)
    if (!found) throw notFound(resourceOf(this.#kind(kind)), name)
    return found
  }

  /** All objects of a kind, of one namespace when it is given, in the order of their names; `[]` for an unknown kind. */
  list(kind: Kind | string, namespace?: string): Thing[] {
    if (typeof kind === 'string' && !this.kinds.has(kind)) return []
    const things = this.#things.get(resourceOf(this.#kind(kind)))
    if (!things) return []
    const prefix = namespace === undefined ? '' : `${namespace}/`
    const keys = [...things.keys()].filter((key) => key.startsWith(prefix)).sort()
    return keys.flatMap((key) => things.get(key) ?? [])
  }

  everything(): { kind: Kind; thing: Thing }[] {
    return this.#all().map((thing) => ({ thing, kind: this.kindOf(thing) }))
  }

  /** The kind of a manifest. @throws Refusal 404 as a server does that has no such CustomResourceDefinition. */
  kindOf(thing: { apiVersion: string; kind: string }): Kind {
    const kind = this.kinds.ofObject(thing.apiVersion, thing.kind)
    if (kind) return kind
    const message = `no matches for kind "${thing.kind}" in version "${thing.apiVersion}"`
    throw new Refusal(404, 'NotFound', message)
  }

  create(given: Tree, how: Writing = {}): Thing {
    const wanted = given as Thing
    const kind = this.kindOf(wanted)
    const name = wanted.metadata.name || `${textAt(wanted, 'metadata', 'generateName')}${suffix()}`
    const { namespace } = wanted.metadata
    if (kind.namespaced) this.#inNamespace(kind, namespace, name)
    if (this.find(kind, namespace, name))
      throw new Refusal(409, 'AlreadyExists', `${resourceOf(kind)} "${name}" already exists`)
    const thing: Thing = {
      ...wanted,
      metadata: {
        ...wanted.metadata,
        name,
        uid: randomUUID(),
        resourceVersion: '',
        generation: 1,
        creationTimestamp: now(),
      },
    }
    if (kind.ownStatus && !how.status) delete thing.status
    const completed = this.#complete(kind, thing)
    return how.dryRun ? completed : this.#put('ADDED', kind, completed)
  }

  /** Replaces an object; nothing happens when nothing differs. @throws Refusal 409 for an outdated resourceVersion. */
  update(given: Tree, how: Writing = {}): Thing {
    const wanted = given as Thing
    const kind = this.kindOf(wanted)
    const { name, namespace, resourceVersion } = wanted.metadata
    const live = this.get(kind, namespace, name)
    if (resourceVersion && resourceVersion !== live.metadata.resourceVersion) {
      const message = `Operation cannot be fulfilled on ${resourceOf(kind)} "${name}": the object has been modified; please apply your changes to the latest version and try again`
      throw new Refusal(409, 'Conflict', message)
    }
    const { uid, creationTimestamp, deletionTimestamp, generation } = live.metadata
    const fixed = { uid, creationTimestamp, generation, resourceVersion: live.metadata.resourceVersion }
    const next: Thing = how.status
      ? { ...live, status: wanted.status }
      : {
          ...wanted,
          metadata: { ...wanted.metadata, ...fixed, ...(deletionTimestamp ? { deletionTimestamp } : {}) },
        }
    if (kind.ownStatus && !how.status) {
      if (live.status === undefined) delete next.status
      else next.status = live.status
    }
    const thing = how.status ? next : this.#complete(kind, next, live)
    if (!how.status) refuseChange(kind, live, thing, () => this.list('StorageClass'))
    if (isDeepStrictEqual(plain(thing), plain(live))) return live
    if (!isDeepStrictEqual(content(thing), content(live)))
      thing.metadata = { ...thing.metadata, generation: numberAt(generation, 1) + 1 }
    if (how.dryRun) return thing
    const finalizers = at(thing, 'metadata', 'finalizers')
    const gone = deletionTimestamp && (!Array.isArray(finalizers) || finalizers.length === 0)
    return gone ? this.#remove(kind, thing) : this.#put('MODIFIED', kind, thing)
  }

  /** Server-side apply; creates what is missing. */
  apply(given: Tree, how: Writing = {}): Thing {
    const wanted = given as Thing
    const { name, namespace } = wanted.metadata
    const live = this.find(this.kindOf(wanted), namespace, name)
    const manager = how.manager ?? 'unknown'
    const before = live && this.#applied.get(live.metadata.uid)?.[manager]
    const wish = { ...wanted, metadata: { ...wanted.metadata } } as Tree
    for (const field of ['uid', 'resourceVersion', 'creationTimestamp', 'generation', 'managedFields'])
      delete (wish.metadata as Tree)[field]
    const done = live ? this.update(applied(live, before, wish) as Tree, how) : this.create(wish, how)
    if (!how.dryRun)
      this.#applied.set(done.metadata.uid, { ...this.#applied.get(done.metadata.uid), [manager]: wish })
    return done
  }

  /** What each manager applied last to an object, by its name. */
  appliedTo({ metadata }: Thing): Readonly<Record<string, Tree>> {
    return this.#applied.get(metadata.uid) ?? {}
  }

  /** Sets the status of an object if it is still there; this is how controllers write. */
  setStatus(kind: string, namespace: string | undefined, name: string, status: Tree): void {
    const live = this.find(kind, namespace, name)
    if (live) this.update({ ...live, status: { ...treeAt(live, 'status'), ...status } }, { status: true })
  }

  /** Deletes, or marks as being deleted while there are finalizers. */
  remove(kind: Kind | string, namespace: string | undefined, name: string): Thing {
    const live = this.get(kind, namespace, name)
    const finalizers = at(live, 'metadata', 'finalizers')
    if (!Array.isArray(finalizers) || finalizers.length === 0) return this.#remove(this.#kind(kind), live)
    if (live.metadata.deletionTimestamp) return live
    const metadata = { ...live.metadata, deletionTimestamp: now(), deletionGracePeriodSeconds: 0 }
    return this.#put('MODIFIED', this.#kind(kind), { ...live, metadata })
  }

  on(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** @param end called when the server behind the connections goes away; @returns what takes it back */
  atCut(end: () => void): () => void {
    this.#ends.add(end)
    return () => this.#ends.delete(end)
  }

  /**
   * As k3s moves a SQLite database into a fresh etcd: connections are cut, each object is written once, and the numbers
   * begin anew, far below those that clients remember.
   */
  renumber(): void {
    for (const end of this.#ends) end()
    this.#past.splice(0)
    this.revision = 1
    for (const thing of this.#all()) {
      this.revision++
      const metadata = { ...thing.metadata, resourceVersion: String(this.revision) }
      this.#keep(this.kindOf(thing), { ...thing, metadata })
    }
  }

  /** The changes after a revision, none for one that is still to come. @throws Refusal 410 when they are no longer remembered. */
  since(revision: number): Change[] {
    const first = this.#past[0]?.revision ?? this.revision + 1
    if (revision + 1 < first && revision < this.revision)
      throw new Refusal(410, 'Expired', `too old resource version: ${revision} (${first})`)
    return this.#past.filter((change) => change.revision > revision)
  }

  dump(): Tree {
    return {
      revision: this.revision,
      things: this.#all(),
      applied: Object.fromEntries(this.#applied),
    }
  }

  fill(dumped: unknown): void {
    const things = listAt(dumped, 'things') as Thing[]
    this.revision = numberAt(dumped, 1, 'revision')
    for (const [uid, managers] of Object.entries(treeAt(dumped, 'applied')))
      this.#applied.set(uid, managers as Record<string, Tree>)
    for (const thing of things) if (thing.kind === 'CustomResourceDefinition') this.kinds.define(thing)
    for (const thing of things) this.#keep(this.kindOf(thing), thing)
  }

  #complete(kind: Kind, thing: Thing, live?: Thing): Thing {
    const given = kind.kind === 'Service' ? withPorts(thing, live, this.list('Service')) : thing
    return complete(given, () => this.list('StorageClass'))
  }

  #put(type: 'ADDED' | 'MODIFIED', kind: Kind, thing: Thing): Thing {
    this.revision++
    const stored = { ...thing, metadata: { ...thing.metadata, resourceVersion: String(this.revision) } }
    if (kind.kind === 'CustomResourceDefinition') this.kinds.define(stored)
    this.#keep(kind, stored)
    this.#tell({ type, kind, thing: stored, revision: this.revision })
    return stored
  }

  #remove(kind: Kind, thing: Thing): Thing {
    const { namespace, name, uid } = thing.metadata
    this.#things.get(resourceOf(kind))?.delete(keyIn(kind, namespace, name))
    this.#applied.delete(uid)
    this.revision++
    const last = { ...thing, metadata: { ...thing.metadata, resourceVersion: String(this.revision) } }
    if (kind.kind === 'CustomResourceDefinition') this.#forget(thing)
    this.#tell({ type: 'DELETED', kind, thing: last, revision: this.revision })
    return last
  }

  #forget(definition: Thing): void {
    for (const { kind, thing } of this.everything())
      if (resourceOf(kind) === definition.metadata.name) this.#remove(kind, thing)
    this.kinds.forget(definition.metadata.name)
  }

  #tell(change: Change): void {
    this.#past.push(change)
    if (this.#past.length > 5000) this.#past.splice(0, 1000)
    for (const listener of this.#listeners) listener(change)
  }

  #kind(kind: Kind | string): Kind {
    return typeof kind === 'string' ? this.kinds.named(kind) : kind
  }

  #all(): Thing[] {
    return [...this.#things.values()].flatMap((things) => [...things.values()])
  }

  #keep(kind: Kind, thing: Thing): void {
    const { namespace, name } = thing.metadata
    const things = this.#things.get(resourceOf(kind)) ?? new Map<string, Thing>()
    this.#things.set(resourceOf(kind), things.set(keyIn(kind, namespace, name), thing))
  }

  #inNamespace(kind: Kind, namespace: string | undefined, name: string): void {
    if (!namespace) throw new Refusal(400, 'BadRequest', `${name}: an empty namespace may not be set`)
    const home = this.find('Namespace', undefined, namespace)
    if (!home) throw notFound('namespaces', namespace)
    if (home.metadata.deletionTimestamp)
      throw new Refusal(
        403,
        'Forbidden',
        `${resourceOf(kind)} "${name}" is forbidden: unable to create new content in namespace ${namespace} because it is being terminated`,
      )
  }
}

const keyIn = (kind: Kind, namespace: string | undefined, name: string) =>
  `${kind.namespaced ? (namespace ?? '') : ''}/${name}`

/** Five letters as Kubernetes appends to generated names. */
export function suffix(): string {
  const letters = 'bcdfghjklmnpqrstvwxz2456789'
  return [...randomUUID().replaceAll('-', '').slice(0, 5)]
    .map((hex) => letters[Number.parseInt(hex, 16)])
    .join('')
}

const plain = (thing: Thing) => ({ ...thing, metadata: { ...thing.metadata, resourceVersion: '' } })

const content = ({ metadata: _metadata, status: _status, ...rest }: Thing) => rest
