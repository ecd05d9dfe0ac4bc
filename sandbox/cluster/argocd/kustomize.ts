import { posix } from 'node:path'
import { load } from 'js-yaml'
import type { World } from '../../world.ts'
import { Kinds } from '../kinds.ts'
import { jsonPatch, strategicPatch } from '../merge.ts'
import { listAt, type Tree, textAt, textsAt, treeAt } from '../tree.ts'
import { manifests } from './manifests.ts'
import { fetchUpstream } from './upstream.ts'

type Files = ReadonlyMap<string, string>

const known = ['apiVersion', 'kind', 'resources', 'patches', 'namespace']
const builtin = new Kinds()

/** The kustomization file of a folder, if it is one. */
export function kustomizationIn(files: Files, folder: string): string | undefined {
  const names = ['kustomization.yaml', 'kustomization.yml', 'Kustomization']
  return names.map((name) => posix.join(folder, name)).find((path) => files.has(path))
}

/** Builds a kustomization with resources (local or by URL), patches and a namespace. @throws Error for anything else */
export async function kustomize(world: World, files: Files, file: string): Promise<Tree[]> {
  const wanted = load(files.get(file) ?? '')
  const folder = posix.dirname(file)
  const unknown = Object.keys(treeAt({ wanted }, 'wanted')).filter((key) => !known.includes(key))
  if (unknown.length > 0)
    throw new Error(`paper builds no kustomization with ${unknown.join(', ')} (${file})`)
  const built: Tree[] = []
  for (const resource of textsAt(wanted, 'resources'))
    built.push(...(await resources(world, files, folder, resource)))
  const patched = listAt(wanted, 'patches').reduce((all, one) => patch(all, one, files, folder), built)
  const namespace = textAt(wanted, 'namespace')
  return namespace ? patched.map((one) => inNamespace(one, namespace)) : patched
}

async function resources(world: World, files: Files, folder: string, resource: string): Promise<Tree[]> {
  if (/^https?:/.test(resource)) return manifests(resource, (await fetchUpstream(world, resource)).toString())
  const path = posix.join(folder, resource)
  const inner = kustomizationIn(files, path)
  if (inner) return kustomize(world, files, inner)
  const text = files.get(path)
  if (text === undefined) throw new Error(`accumulating resources: '${path}' doesn't exist`)
  return manifests(path, text)
}

function patch(all: Tree[], wish: Tree, files: Files, folder: string): Tree[] {
  const path = textAt(wish, 'path')
  const text = path ? files.get(posix.join(folder, path)) : textAt(wish, 'patch')
  if (text === undefined) throw new Error(`patch ${path} does not exist in ${folder}`)
  const content = load(text)
  const target = wish.target
    ? treeAt(wish, 'target')
    : { kind: textAt(content, 'kind'), name: textAt(content, 'metadata', 'name') }
  const fits = (one: Tree) => isTarget(one, target)
  if (!wish.target && !all.some(fits))
    throw new Error(`no matches for Id ${target.kind} ${target.name}; failed to find unique target for patch`)
  const apply = Array.isArray(content) ? jsonPatch : strategicPatch
  return all.map((one) => (fits(one) ? (apply(one, content) as Tree) : one))
}

function isTarget(object: Tree, { group, version, kind, name, namespace }: Tree): boolean {
  const [itsVersion, itsGroup = ''] = textAt(object, 'apiVersion').split('/').reverse()
  const fits = (wanted: unknown, has: string) => wanted === undefined || new RegExp(`^(${wanted})$`).test(has)
  return (
    fits(group, itsGroup) &&
    fits(version, itsVersion ?? '') &&
    fits(kind, textAt(object, 'kind')) &&
    fits(name, textAt(object, 'metadata', 'name')) &&
    fits(namespace, textAt(object, 'metadata', 'namespace'))
  )
}

function inNamespace(object: Tree, namespace: string): Tree {
  const kind = builtin.ofObject(textAt(object, 'apiVersion'), textAt(object, 'kind'))
  if (kind && !kind.namespaced) return object
  return { ...object, metadata: { ...treeAt(object, 'metadata'), namespace } }
}
