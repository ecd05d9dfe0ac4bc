import { z } from 'zod'
import { Problem } from '../base/problem.ts'
import { loadYaml } from '../base/yaml.ts'
import { lately } from '../clients/lately.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { type ArgocdRelease, argocdRelease, platformApplication, rootApplication } from './render.ts'
import { valuesOf } from './repository-values.ts'

// Three files of the repository are applied from here and not by Argo CD. What stands in Git counts for them as well: a
// person's edit takes effect, and a restore brings back what the commit says.

const applied = {
  platform: { path: 'applications/platform.yaml', rendered: platformApplication },
  root: { path: 'applications/app-of-apps.yaml', rendered: rootApplication },
}

/**
 * One of the two Applications that bring everything else: as Git has it, or as this regrow writes it where Git has no
 * such file yet. YAML.
 * @throws Problem when the file in Git is not that Application
 */
export async function applicationInGit(
  cluster: Cluster,
  name: keyof typeof applied,
  address = '',
): Promise<string> {
  const { path, rendered } = applied[name]
  const text = await lately(cluster.github).file(cluster.place, path)
  if (text === undefined) return rendered(valuesOf(cluster, address))
  const wanted = z.object({
    apiVersion: z.literal('argoproj.io/v1alpha1'),
    kind: z.literal('Application'),
    metadata: z.object({ name: z.literal(name), namespace: z.literal('argocd') }),
    spec: z.looseObject({}),
  })
  if (!wanted.safeParse(parsed(text)).success)
    throw unusable(cluster, path, `Argo CD’s Application “${name}” in namespace argocd`)
  return text
}

/** The release of Argo CD that a first server applies, with the values that Git has. @throws Problem */
export async function argocdInGit(cluster: Cluster, address = ''): Promise<ArgocdRelease> {
  const release = argocdRelease(valuesOf(cluster, address))
  const path = `clusters/${cluster.name}/platform/argocd/values.yaml`
  const values = await lately(cluster.github).file(cluster.place, path)
  if (values === undefined) return release
  if (!z.looseObject({}).safeParse(parsed(values)).success)
    throw unusable(cluster, path, 'a list of settings for the chart')
  return { ...release, values }
}

function unusable({ place }: Cluster, path: string, what: string): Problem {
  return new Problem(`${path} in ${place.owner}/${place.name} is not ${what}`, {
    cure: 'Fix it by a commit, or delete the file: then regrow applies its own.',
  })
}

function parsed(text: string): unknown {
  try {
    return loadYaml(text)
  } catch {
    return undefined
  }
}
