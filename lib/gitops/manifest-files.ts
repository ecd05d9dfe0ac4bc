import { z } from 'zod'
import { loadYamls } from '../base/yaml.ts'
import { groupOf, type HeldObject } from './held.ts'

/** An object that a file in Git describes. */
export interface Described {
  group: string
  kind: string
  /** As the file says, which may leave it to the Application. */
  namespace: string | undefined
  name: string
  spec: unknown
}

const text = z.union([z.string(), z.number().transform(String)])
const manifest = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: text, namespace: text.optional() }),
  spec: z.unknown().optional(),
})
const list = z.looseObject({ kind: z.string().endsWith('List'), items: z.array(z.unknown()) })

/** Argo CD reads over a file with these words in it. */
const skipped = '+argocd:skip-file-rendering'

/** The objects in a YAML or JSON file, lists opened; undefined when it is neither, which Argo CD refuses as well. */
export function describedIn(file: string): Described[] | undefined {
  if (file.includes(skipped)) return []
  try {
    return loadYamls(file).flatMap(objectsOf)
  } catch {
    return undefined
  }
}

function objectsOf(document: unknown): Described[] {
  const several = list.safeParse(document)
  if (several.success) return several.data.items.flatMap(objectsOf)
  const one = manifest.safeParse(document)
  if (!one.success) return []
  const { apiVersion, kind, metadata, spec } = one.data
  const { name, namespace } = metadata
  return [{ group: groupOf(apiVersion), kind, namespace, name, spec }]
}

/**
 * Whether a description is that of an object of the cluster.
 * @param home the namespace that the Application gives to what names none
 */
export function isThat(one: Described, held: HeldObject, home: string): boolean {
  return (
    one.kind === held.kind &&
    one.group === held.group &&
    one.name === held.name &&
    (held.namespace === undefined || (one.namespace ?? home) === held.namespace)
  )
}
