import type { Cluster } from '../cluster.ts'
import { Refusal } from '../refusal.ts'
import { type Thing, textsAt, treeAt } from '../tree.ts'
import { hasOption, manager, type Part } from './compare.ts'

/** How far a sync came: finished, waiting for a wave to become healthy, or failed with a reason. */
export type Progress =
  | { state: 'finished' }
  | { state: 'waiting'; message: string }
  | { state: 'failed'; message: string }

const first = [
  'Namespace',
  'CustomResourceDefinition',
  'ServiceAccount',
  'Secret',
  'ConfigMap',
  'StorageClass',
]

/** Applies wave after wave, the next one only when all of this one is healthy; prunes at the end. */
export function sync(cluster: Cluster, app: Thing, parts: readonly Part[]): Progress {
  const options = textsAt(app, 'spec', 'syncPolicy', 'syncOptions')
  const invalid = options.includes('SkipDryRunOnMissingResource=true')
    ? undefined
    : unknownKind(cluster, parts)
  if (invalid)
    return { state: 'failed', message: `one or more synchronization tasks are not valid: ${invalid}` }
  if (options.includes('CreateNamespace=true')) createNamespace(cluster, app)
  const wanted = parts.filter((part) => part.wanted)
  for (const wave of [...new Set(wanted.map((part) => part.wave))].sort((a, b) => a - b)) {
    const members = wanted.filter((part) => part.wave === wave).sort((a, b) => rank(a) - rank(b))
    const failures = members.filter((part) => !part.synced).flatMap((part) => apply(cluster, part))
    if (failures.length > 0)
      return {
        state: 'failed',
        message: `one or more objects failed to apply, reason: ${failures.join(',')}`,
      }
    const ill = members.find((part) => !part.synced || (part.health ?? 'Healthy') !== 'Healthy')
    if (ill?.wanted) {
      const message = `waiting for healthy state of ${ill.wanted.kind}/${ill.wanted.metadata.name}`
      return { state: 'waiting', message }
    }
  }
  if (treeAt(app, 'spec', 'syncPolicy', 'automated').prune === true)
    for (const { wanted, live } of parts)
      if (!wanted && live && !hasOption(live, 'Prune=false')) prune(cluster, live)
  return { state: 'finished' }
}

/** Removes an object that an Application brought. */
export function prune({ store }: Cluster, thing: Thing): void {
  const { namespace, name } = thing.metadata
  if (!thing.metadata.deletionTimestamp) store.remove(store.kindOf(thing), namespace, name)
}

function apply({ store }: Cluster, { wanted }: Part): string[] {
  try {
    if (wanted) store.apply(wanted, { manager })
    return []
  } catch (error) {
    if (error instanceof Refusal) return [error.message]
    throw error
  }
}

function createNamespace({ store }: Cluster, app: Thing): void {
  const name = treeAt(app, 'spec', 'destination').namespace
  if (typeof name === 'string' && !store.find('Namespace', undefined, name))
    store.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, { manager })
}

/** Without leave to skip it, the dry run stops everything at a kind that neither the cluster nor this sync brings. */
function unknownKind({ store }: Cluster, parts: readonly Part[]): string | undefined {
  const brought = parts.map(
    ({ wanted }) => `${treeAt(wanted, 'spec').group}/${treeAt(wanted, 'spec', 'names').kind}`,
  )
  for (const { wanted } of parts) {
    if (!wanted || store.kinds.ofObject(wanted.apiVersion, wanted.kind)) continue
    const group = wanted.apiVersion.split('/')[0]
    if (brought.includes(`${group}/${wanted.kind}`) || hasOption(wanted, 'SkipDryRunOnMissingResource=true'))
      continue
    return `The Kubernetes API could not find ${group}/${wanted.kind} for requested resource ${wanted.metadata.namespace}/${wanted.metadata.name}. Make sure the "${wanted.kind}" CRD is installed on the destination cluster.`
  }
  return undefined
}

function rank({ wanted }: Part): number {
  const index = first.indexOf(wanted?.kind ?? '')
  return index < 0 ? first.length : index
}
