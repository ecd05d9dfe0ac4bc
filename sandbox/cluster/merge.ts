import { isDeepStrictEqual } from 'node:util'
import { Refusal } from './refusal.ts'
import { isTree, type Tree } from './tree.ts'

/** RFC 7386: null removes, objects merge, everything else replaces. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isTree(patch)) return patch
  const merged: Tree = isTree(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key]
    else merged[key] = mergePatch(merged[key], value)
  }
  return merged
}

/** A strategic merge patch: as a merge patch, but lists of named things are merged by their key. */
export function strategicPatch(target: unknown, patch: unknown): unknown {
  if (Array.isArray(patch)) return patchList(Array.isArray(target) ? target : [], patch)
  if (!isTree(patch)) return patch
  const merged: Tree = isTree(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith('$')) continue
    else if (value === null) delete merged[key]
    else merged[key] = strategicPatch(merged[key], value)
  }
  return merged
}

/**
 * Server-side apply without owners but with memory: what this manager applied before and leaves out now is removed,
 * the rest is laid over the live object, lists of named things by their key.
 */
export function applied(live: unknown, before: unknown, now: unknown): unknown {
  if (isTree(now)) {
    const merged: Tree = isTree(live) ? { ...live } : {}
    for (const key of isTree(before) ? Object.keys(before) : []) if (!(key in now)) delete merged[key]
    for (const [key, value] of Object.entries(now))
      merged[key] = applied(merged[key], isTree(before) ? before[key] : undefined, value)
    return merged
  }
  const key = Array.isArray(now) ? keyOf(now) : undefined
  if (!Array.isArray(now) || !key || !Array.isArray(live)) return now
  const find = (list: unknown, id: unknown) =>
    (Array.isArray(list) ? list : []).find((one) => isTree(one) && one[key] === id)
  const kept = live.filter((one) => isTree(one) && !find(now, one[key]) && !find(before, one[key]))
  const ours = now.map((one) => applied(find(live, one[key]), find(before, one[key]), one))
  return [...ours, ...kept]
}

/** RFC 6902 without copy and move. @throws Refusal for a path that does not exist or a test that fails. */
export function jsonPatch(target: unknown, operations: unknown): unknown {
  if (!Array.isArray(operations)) throw new Refusal(400, 'BadRequest', 'a JSON patch is a list')
  const root = { root: structuredClone(target) }
  for (const operation of operations) {
    const { op, path, value } = operation as {
      op: string
      path: string
      value?: unknown
    }
    const [parent, key] = locate(root, path)
    if (op === 'test') {
      if (!isDeepStrictEqual(read(parent, key), value)) throw gone(path, 'test failed')
    } else if (op === 'add') insert(parent, key, structuredClone(value))
    else if (op === 'replace') {
      if (read(parent, key) === undefined) throw gone(path, 'missing value')
      write(parent, key, structuredClone(value))
    } else if (op === 'remove') remove(parent, key, path)
    else throw new Refusal(400, 'BadRequest', `JSON patch operation ${op} is unknown`)
  }
  return root.root
}

const gone = (path: string, why: string) =>
  new Refusal(
    422,
    'Invalid',
    `the server rejected our request due to an error in our request: ${path}: ${why}`,
  )

type Holder = Tree | unknown[]

function locate(root: Tree, path: string): [Holder, string] {
  const steps = ['root', ...path.split('/').slice(1)].map((one) =>
    one.replace(/~1/g, '/').replace(/~0/g, '~'),
  )
  const key = steps.pop() ?? ''
  let here: unknown = root
  for (const step of steps) here = isTree(here) || Array.isArray(here) ? read(here, step) : undefined
  if (!isTree(here) && !Array.isArray(here)) throw gone(path, 'does not exist')
  return [here, key]
}

const read = (holder: Holder, key: string): unknown =>
  Array.isArray(holder) ? holder[Number(key)] : holder[key]

function write(holder: Holder, key: string, value: unknown): void {
  if (Array.isArray(holder)) holder[Number(key)] = value
  else holder[key] = value
}

function insert(holder: Holder, key: string, value: unknown): void {
  if (!Array.isArray(holder)) holder[key] = value
  else if (key === '-') holder.push(value)
  else holder.splice(Number(key), 0, value)
}

function remove(holder: Holder, key: string, path: string): void {
  if (read(holder, key) === undefined) throw gone(path, 'Unable to remove nonexistent key')
  if (Array.isArray(holder)) holder.splice(Number(key), 1)
  else delete holder[key]
}

/** The field by which a list of objects is merged, guessed from what Kubernetes uses; undefined: replaced whole. */
function keyOf(list: unknown[]): string | undefined {
  return ['containerPort', 'port', 'mountPath', 'name', 'type', 'uid', 'ip'].find(
    (key) =>
      list.length > 0 && list.every((one) => isTree(one) && ['string', 'number'].includes(typeof one[key])),
  )
}

function patchList(target: unknown[], patch: unknown[]): unknown[] {
  const key = keyOf(patch)
  if (!key) return patch
  const merged = [...target]
  for (const one of patch as Tree[]) {
    const index = merged.findIndex((other) => isTree(other) && other[key] === one[key])
    if (one.$patch === 'delete') merged.splice(index, index < 0 ? 0 : 1)
    else if (index < 0) merged.push(one)
    else merged[index] = strategicPatch(merged[index], one)
  }
  return merged
}
