/** A JSON object whose shape the sandbox does not know beforehand: what a manifest or an API object consists of. */
export type Tree = { [key: string]: unknown }

/** A Kubernetes object as stored; never changed in place, so that it may be shared. */
export interface Thing extends Tree {
  apiVersion: string
  kind: string
  metadata: Metadata
}

interface Metadata extends Tree {
  name: string
  namespace?: string
  uid: string
  resourceVersion: string
  labels?: Record<string, string>
  annotations?: Record<string, string>
}

/** Whether it is a JSON object: neither an array nor null. */
export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The value at a path, undefined where the path ends early. */
export function at(from: unknown, ...path: string[]): unknown {
  let here = from
  for (const step of path) here = isTree(here) ? here[step] : undefined
  return here
}

/** The object at a path, `{}` when there is none. */
export function treeAt(from: unknown, ...path: string[]): Tree {
  const found = at(from, ...path)
  return isTree(found) ? found : {}
}

/** The objects in the list at a path, `[]` when there is none. */
export function listAt(from: unknown, ...path: string[]): Tree[] {
  const found = at(from, ...path)
  return Array.isArray(found) ? found.filter(isTree) : []
}

/** The texts in the list at a path, `[]` when there is none. */
export function textsAt(from: unknown, ...path: string[]): string[] {
  const found = at(from, ...path)
  return Array.isArray(found) ? found.filter((one) => typeof one === 'string') : []
}

/** The text at a path, `''` when there is none. */
export function textAt(from: unknown, ...path: string[]): string {
  const found = at(from, ...path)
  return typeof found === 'string' ? found : ''
}

/** The number at a path, or the fallback. */
export function numberAt(from: unknown, fallback: number, ...path: string[]): number {
  const found = at(from, ...path)
  return typeof found === 'number' ? found : fallback
}
