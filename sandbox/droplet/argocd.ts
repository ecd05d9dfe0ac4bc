import { loadAll } from 'js-yaml'
import type { Cluster } from '../cluster/cluster.ts'
import { Refusal } from '../cluster/refusal.ts'
import { isTree, textAt } from '../cluster/tree.ts'
import { type Machine, StepFailure } from './machine.ts'

/** Applies the bundle's manifests in the order of their names, as the node's script does. @throws StepFailure */
export function applyManifests(machine: Machine, cluster: Cluster): void {
  const files = machine.disk.names('kubernetes')
  if (files.length === 0) throw new StepFailure('the bundle holds no manifests')
  for (const file of files)
    for (const document of documents(machine.disk.read(`kubernetes/${file}`) ?? '', file)) {
      if (document === null || document === undefined) continue
      if (!isTree(document) || !document.kind)
        throw new StepFailure(`${file}: a document is no Kubernetes object`)
      try {
        cluster.store.apply(document, { manager: 'argocd-controller' })
      } catch (error) {
        if (!(error instanceof Refusal)) throw error
        const name = `${textAt(document, 'kind')} ${textAt(document, 'metadata', 'name')}`
        throw new StepFailure(`${file}: ${name}: ${error.message}`)
      }
    }
}

function documents(text: string, file: string): unknown[] {
  try {
    return loadAll(text)
  } catch (error) {
    throw new StepFailure(`${file} is no YAML: ${(error as Error).message.split('\n')[0]}`)
  }
}
