import type { Cluster } from '../cluster.ts'
import { admitDeletion } from '../deletions.ts'
import { Refusal } from '../refusal.ts'
import { at, type Thing, type Tree, textsAt, treeAt } from '../tree.ts'
import { hasOption, manager, optionOf, type Part } from './compare.ts'

/** How far a sync came: finished, waiting for a wave to become healthy, or failed with a reason; and each object's part in it. */
export type Progress = { resources: Tree[] } & (
  | { state: 'finished' }
  | { state: 'waiting'; message: string }
  | { state: 'failed'; message: string }
)

const failure = (reasons: readonly string[]) =>
  `one or more objects failed to apply, reason: ${reasons.join(',')}`

const first = [
  'Namespace',
  'CustomResourceDefinition',
  'ServiceAccount',
  'Secret',
  'ConfigMap',
  'StorageClass',
]

/**
 * Goes from wave to wave, to the next one only when all of this one is healthy; for the last one nothing waits. In each it
 * prunes first, and applies only where nothing kept it from that. Source: gitops-engine, `sync_context.go`.
 */
export function sync(cluster: Cluster, app: Thing, parts: readonly Part[], since: string): Progress {
  const options = textsAt(app, 'spec', 'syncPolicy', 'syncOptions')
  const resources: Tree[] = []
  const invalid = options.includes('SkipDryRunOnMissingResource=true')
    ? undefined
    : unknownKind(cluster, parts)
  if (invalid)
    return {
      state: 'failed',
      message: `one or more synchronization tasks are not valid: ${invalid}`,
      resources,
    }
  if (options.includes('CreateNamespace=true')) createNamespace(cluster, app)
  const waveOf = waves(app, parts)
  const all = [...new Set(parts.map(waveOf))].sort((a, b) => a - b)
  for (const wave of all) {
    const members = parts.filter((part) => waveOf(part) === wave)
    const surplus = members.filter((part) => !part.wanted && part.live)
    const doubtful = surplus.find(({ live }) => live && optionOf(app, live, 'Prune') === 'confirm')
    if (doubtful?.live && !isApproved(app, since))
      return {
        state: 'waiting',
        message: `waiting for pruning confirmation of ${called(doubtful.live)}`,
        resources,
      }
    const gone = surplus.flatMap(({ live }) => (live ? [pruned(cluster, app, live)] : []))
    resources.push(...gone)
    const kept = gone.filter(({ status }) => status === 'SyncFailed').map(({ message }) => String(message))
    if (kept.length > 0) return { state: 'failed', message: failure(kept), resources }
    const wanted = members.filter((part) => part.wanted).sort((a, b) => rank(a) - rank(b))
    const failures = wanted.flatMap((part) => {
      const failed = part.synced ? [] : apply(cluster, part)
      if (part.wanted) resources.push(result(part.wanted, failed[0] ? 'SyncFailed' : 'Synced', failed[0]))
      return failed
    })
    if (failures.length > 0) {
      return { state: 'failed', message: failure(failures), resources }
    }
    if (wave === all.at(-1)) break
    const ill = wanted.find((part) => !part.synced || (part.health ?? 'Healthy') !== 'Healthy')
    if (ill?.wanted) {
      return { state: 'waiting', message: `waiting for healthy state of ${called(ill.wanted)}`, resources }
    }
  }
  return { state: 'finished', resources }
}

/** Waves as Git has them; what goes, goes in reverse, or last of all where that is asked for. */
function waves(app: Thing, parts: readonly Part[]): (part: Part) => number {
  const own = [...new Set(parts.filter((part) => !part.wanted).map((part) => part.wave))].sort(
    (a, b) => a - b,
  )
  const last = Math.max(0, ...parts.map((part) => part.wave)) + 1
  return ({ wanted, live, wave }) => {
    if (wanted) return wave
    if (live && optionOf(app, live, 'PruneLast') === 'true') return last
    return own[own.length - 1 - own.indexOf(wave)] ?? wave
  }
}

/** Whether somebody agreed, after this time, to what must be confirmed. */
export function isApproved(app: Thing, since: string): boolean {
  const when = Date.parse(app.metadata.annotations?.['argocd.argoproj.io/deletion-approved'] ?? '')
  return when >= Date.parse(since)
}

function pruned(cluster: Cluster, app: Thing, live: Thing): Tree {
  const asked = at(app, 'operation', 'sync', 'prune') ?? at(app, 'spec', 'syncPolicy', 'automated', 'prune')
  if (asked !== true) return result(live, 'PruneSkipped', 'ignored (requires pruning)')
  if (optionOf(app, live, 'Prune') === 'false') return result(live, 'PruneSkipped', 'ignored (no prune)')
  const refused = prune(cluster, live)
  return refused ? result(live, 'SyncFailed', refused) : result(live, 'Pruned', 'pruned')
}

const called = (thing: Thing) => `${groupOf(thing)}/${thing.kind}/${thing.metadata.name}`

const groupOf = ({ apiVersion }: Thing) => (apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '')

function result(thing: Thing, status: string, message?: string): Tree {
  const { namespace, name } = thing.metadata
  return {
    group: groupOf(thing),
    version: thing.apiVersion.split('/').at(-1),
    kind: thing.kind,
    namespace: namespace ?? '',
    name,
    status,
    message: message ?? `${thing.kind.toLowerCase()}/${name} serverside-applied`,
    hookPhase: status === 'SyncFailed' ? 'Failed' : 'Running',
    syncPhase: 'Sync',
  }
}

/** Removes an object that an Application brought. @returns why it may not, where it may not */
export function prune(cluster: Cluster, thing: Thing): string | undefined {
  const { store } = cluster
  const { namespace, name } = thing.metadata
  if (thing.metadata.deletionTimestamp) return undefined
  try {
    admitDeletion(cluster, thing)
  } catch (error) {
    if (error instanceof Refusal) return error.message
    throw error
  }
  store.remove(store.kindOf(thing), namespace, name)
  return undefined
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
