/** A Kubernetes object as the API shows it. */
export interface Thing {
  apiVersion: string
  kind: string
  metadata: Metadata
  [field: string]: unknown
}

interface Metadata {
  name: string
  namespace?: string
  uid?: string
  labels?: Record<string, string>
  annotations?: Record<string, string>
  finalizers?: string[]
  ownerReferences?: { kind: string; name: string; uid?: string }[]
  deletionTimestamp?: string
}

/** An object with the resource it was listed under, such as `deployments.apps`. */
export interface Listed {
  resource: string
  thing: Thing
}

/** `namespace/name`, or the name alone. */
export const idOf = ({ metadata: { namespace, name } }: Thing) => (namespace ? `${namespace}/${name}` : name)

/** One object among all: its resource and its id. */
export const keyOf = ({ resource, thing }: Listed) => `${resource} ${idOf(thing)}`

/** The value at a path of fields; undefined where the path ends early. */
export function at(from: unknown, ...path: string[]): unknown {
  let here = from
  for (const step of path)
    here = typeof here === 'object' && here !== null ? (here as Record<string, unknown>)[step] : undefined
  return here
}

/** The text at a path, `''` where there is none. */
export function textAt(from: unknown, ...path: string[]): string {
  const found = at(from, ...path)
  return typeof found === 'string' ? found : ''
}

/** All objects of a moment, to be asked for by name and by who made them. */
export class Dump {
  readonly all: readonly Listed[]
  readonly #byKey: Map<string, Listed>
  readonly #byUid: Map<string, Listed>

  constructor(all: readonly Listed[]) {
    this.all = all
    this.#byKey = new Map(all.map((one) => [keyOf(one), one]))
    this.#byUid = new Map(
      all.flatMap((one) => (one.thing.metadata.uid ? [[one.thing.metadata.uid, one]] : [])),
    )
  }

  find(resource: string, id: string): Thing | undefined {
    return this.#byKey.get(`${resource} ${id}`)?.thing
  }

  of(resource: string): Thing[] {
    return this.all.filter((one) => one.resource === resource).map(({ thing }) => thing)
  }

  /** Who stands behind an object, over all owners between: `Deployment shop/api`; undefined where nobody does. */
  rootOf(thing: Thing): string | undefined {
    const [owner] = thing.metadata.ownerReferences ?? []
    if (!owner) return undefined
    const found = owner.uid ? this.#byUid.get(owner.uid)?.thing : undefined
    const above = found && this.rootOf(found)
    return above ?? `${owner.kind} ${thing.metadata.namespace ?? ''}/${owner.name}`
  }

  /** Whether an object of this resource has the same root owner. */
  hasSibling(resource: string, root: string): boolean {
    return this.of(resource).some((one) => this.rootOf(one) === root)
  }
}
