import { loadAll } from 'js-yaml'
import { type Cluster, runs } from '../cluster/cluster.ts'
import { Refusal } from '../cluster/refusal.ts'
import { isTree, type Tree, textAt } from '../cluster/tree.ts'
import { type Machine, StepFailure } from './machine.ts'

/**
 * Applies the bundle's manifests in the order of their names, as the node's script does: Argo CD must run before the
 * first Application. Repeatable.
 * @throws StepFailure
 */
export function applyManifests(machine: Machine, cluster: Cluster): void {
  for (const file of machine.disk.names('kubernetes')) {
    const objects = documents(machine.disk.read(`kubernetes/${file}`) ?? '', file)
    if (objects.some((one) => one.kind === 'Application')) checkArgoRuns(cluster)
    for (const object of objects) apply(cluster, file, object)
  }
}

function apply({ store }: Cluster, file: string, object: Tree): void {
  try {
    store.apply(object, { manager: 'argocd-controller' })
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    const log = `Error from server (${error.reason}): ${textAt(object, 'kind')} ${textAt(object, 'metadata', 'name')}: ${error.message}`
    throw refused(file, log)
  }
}

function checkArgoRuns(cluster: Cluster): void {
  for (const kind of ['Deployment', 'StatefulSet'])
    for (const { metadata } of cluster.store.list(kind, 'argocd'))
      if (!runs(cluster, kind, 'argocd', metadata.name)) {
        const name = `${kind.toLowerCase()}.apps/${metadata.name}`
        throw new StepFailure(`${name} in namespace argocd does not run yet.`, { again: true })
      }
}

function documents(text: string, file: string): Tree[] {
  try {
    const found = loadAll(text).filter((one) => one !== null && one !== undefined)
    if (found.every((one) => isTree(one) && textAt(one, 'kind') && textAt(one, 'metadata', 'name')))
      return found as Tree[]
  } catch (error) {
    throw refused(file, `error: error parsing ${file}: ${(error as Error).message.split('\n')[0]}`)
  }
  throw refused(file, `error: ${file}: a document lacks its kind or its name`)
}

const refused = (file: string, log: string) =>
  new StepFailure(`Kubernetes refused ${file} (the log has its words).`, { log })
