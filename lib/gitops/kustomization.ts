import { posix } from 'node:path'
import { z } from 'zod'
import { Problem } from '../base/problem.ts'
import { loadYaml } from '../base/yaml.ts'
import { isManifestCopy } from './copies.ts'
import { type Described, describedIn } from './manifest-files.ts'
import type { RepositoryTree } from './repository-tree.ts'

/** An object with the files that lead to it: the one that describes it first. */
export interface Placed {
  one: Described
  files: readonly string[]
}

const kustomization = z.looseObject({
  resources: z.array(z.string()).default([]),
  bases: z.array(z.string()).default([]),
  components: z.array(z.string()).default([]),
  namespace: z.string().default(''),
  namePrefix: z.string().default(''),
  nameSuffix: z.string().default(''),
})

/** What a kustomization changes in all its objects. */
export type Naming = Pick<z.infer<typeof kustomization>, 'namespace' | 'namePrefix' | 'nameSuffix'>

/** The kustomization file of a folder, if it is one. */
export function kustomizationIn(tree: RepositoryTree, folder: string): string | undefined {
  const names = ['kustomization.yaml', 'kustomization.yml', 'Kustomization']
  return names.map((name) => posix.join(folder, name)).find((path) => tree.blob(path))
}

/** Kustomizations that are read behind one: ten lists of ten, one above the other, would stand for billions. */
const most = 1000

/**
 * The objects that a kustomization takes from files of the repository, named as it names them. What it fetches or
 * generates is not among them, and what a patch deletes is.
 * @throws Problem when there is no end of it
 */
export async function kustomized(
  tree: RepositoryTree,
  file: string,
  above: readonly string[] = [],
  opened = { count: 0 },
): Promise<Placed[]> {
  if (++opened.count > most)
    throw new Problem(`${file} in Git leads to more than ${most} kustomizations`, {
      cure: 'Leave out those that are named several times.',
    })
  const read = kustomization.safeParse(parsed((await tree.texts([file])).get(file) ?? ''))
  if (!read.success || above.includes(file)) return []
  const { resources, bases, components } = read.data
  const folder = posix.dirname(file)
  const found = await Promise.all(
    [...resources, ...bases, ...components].map(async (resource): Promise<Placed[]> => {
      const path = posix.join(folder, resource)
      // As what it fetched before and may fetch again.
      if (isManifestCopy(path)) return []
      const inner = kustomizationIn(tree, path)
      if (inner) return kustomized(tree, inner, [file, ...above], opened)
      const text = (await tree.texts([path])).get(path)
      return (describedIn(text ?? '') ?? []).map((one) => ({ one, files: [path] }))
    }),
  )
  return found.flat().map(({ one, files }) => ({ one: renamed(one, read.data), files: [...files, file] }))
}

/** An object under the names that a kustomization gives. */
export function renamed(one: Described, { namespace, namePrefix, nameSuffix }: Naming): Described {
  const keeps = ['Namespace', 'CustomResourceDefinition', 'APIService'].includes(one.kind)
  return {
    ...one,
    name: keeps ? one.name : `${namePrefix}${one.name}${nameSuffix}`,
    namespace: namespace || one.namespace,
  }
}

function parsed(text: string): unknown {
  try {
    return loadYaml(text)
  } catch {
    return undefined
  }
}
