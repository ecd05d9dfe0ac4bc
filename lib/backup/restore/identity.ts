import { z } from 'zod'
import { isNameOf, isNamespaceName, isResourceName } from '../../kubernetes/object-names.ts'
import { comesLater, isNeverMade } from '../take/selection.ts'
import type { Manifest } from '../tarball.ts'

/** Where an object lies in a backup: `resources/<resource>/namespaces/<namespace>/<name>.json`. */
export interface Place {
  resource: string
  /** Undefined for what belongs to the cluster. */
  namespace: string | undefined
  name: string
}

/** Where an object lies, by its path in the tarball; undefined for whatever else is in it. */
export function placeOf(path: string): Place | undefined {
  // Each object stands there once more below `<version>-preferredversion`.
  const [, resource, namespace, name] =
    /^resources\/([^/]+)\/(?:cluster|namespaces\/([^/]+))\/([^/]+)\.json$/.exec(path) ?? []
  return resource === undefined || name === undefined ? undefined : { resource, namespace, name }
}

/** Groups whose kinds are those of the API server, or of programs that every cluster of ours has. */
const known =
  /^(|apps|batch|autoscaling|policy|extensions|bitnami\.com|velero\.io|(k3s|helm)\.cattle\.io|(admissionregistration|apiextensions|apiregistration|authentication|authorization|certificates|coordination|discovery|events|flowcontrol\.apiserver|internal\.apiserver|networking|node|rbac\.authorization|resource|scheduling|storage|storagemigration|snapshot\.storage)\.k8s\.io)$/

/** How a kind is called as a resource (apimachinery's `UnsafeGuessKindToResource`, which all kinds of these groups follow). */
function pluralOf(kind: string): string {
  const one = kind.toLowerCase()
  if (one === 'endpoints') return one
  if (one.endsWith('s')) return `${one}es`
  return one.endsWith('y') ? `${one.slice(0, -1)}ies` : `${one}s`
}

/** Whether the kind must be the usual one of its resource; elsewhere a definition may call it as it likes. */
const isStrict = (resource: string, group: string, kind: string) =>
  known.test(group) ||
  [resource, `${pluralOf(kind)}.${group}`].some((one) => comesLater(one) || isNeverMade(one))

const definition = z.object({ spec: z.object({ names: z.object({ kind: z.string() }) }) })

/**
 * Holds the objects of one backup against the places where they lie: who can write to a bucket writes any path, and what
 * is applied by its path must be what the path says.
 */
export class Identities {
  /** Kinds by their resource: as the objects have them, and as the backup's definitions name them. */
  readonly #kinds = new Map<string, string>()
  readonly #defined = new Map<string, string>()
  readonly #seen = new Set<string>()

  /** @throws Error saying what is wrong with the path itself */
  path({ resource, namespace, name }: Place): void {
    if (!isResourceName(resource)) throw new Error(`“${resource}” is no kind of object`)
    if (namespace !== undefined && !isNamespaceName(namespace))
      throw new Error(`“${namespace}” is no name of a namespace`)
    if (!isNameOf(resource, name)) throw new Error(`“${name}” is no name for one of ${resource}`)
    const path = `${resource} ${namespace ?? ''}/${name}`
    if (this.#seen.has(path)) throw new Error(`${path} is there twice`)
    this.#seen.add(path)
  }

  /** @throws Error saying in what an object differs from its place */
  object({ resource, namespace, name }: Place, one: Manifest): void {
    const { metadata, apiVersion, kind } = one
    const [plural = '', ...rest] = resource.split('.')
    const group = rest.join('.')
    const [version = '', own = ''] = apiVersion.split('/').toReversed()
    const where = `${resource} ${namespace === undefined ? '' : `${namespace}/`}${name}`
    const isNot = (what: string) => new Error(`${where} holds ${what}: it is not what its place says`)
    if (
      !/^v[a-z0-9]+$/.test(version) ||
      apiVersion !== (group ? `${group}/${version}` : version) ||
      own !== group
    )
      throw isNot(`an object of ${apiVersion}`)
    if (!/^[A-Z][A-Za-z0-9]*$/.test(kind) || (isStrict(resource, group, kind) && pluralOf(kind) !== plural))
      throw isNot(`a ${kind}`)
    // kubectl takes apart whatever has items, whichever its kind.
    if ('items' in one) throw isNot('a list')
    if ((metadata.namespace || undefined) !== namespace)
      throw isNot(`one of namespace “${metadata.namespace ?? ''}”`)
    if (metadata.name !== name) throw isNot(`one named “${metadata.name}”`)
    if ((this.#kinds.get(resource) ?? kind) !== kind)
      throw isNot(`a ${kind}, and others of it are another kind`)
    this.#kinds.set(resource, kind)
    if (resource === 'customresourcedefinitions.apiextensions.k8s.io') {
      const read = definition.safeParse(one).data
      if (read) this.#defined.set(name, read.spec.names.kind)
    }
  }

  /** Once all were seen. @throws Error naming a resource whose objects are not of the kind that the backup defines */
  end(): void {
    for (const [resource, kind] of this.#kinds) {
      const defined = this.#defined.get(resource) ?? kind
      if (defined !== kind) throw new Error(`what ${resource} holds is a ${kind}, and not a ${defined}`)
    }
  }
}
