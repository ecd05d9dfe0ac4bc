import { setTimeout as sleep } from 'node:timers/promises'
import type { Cluster } from './cluster.ts'
import { Refusal } from './refusal.ts'
import type { Change } from './store.ts'
import type { Thing } from './tree.ts'

/** A control loop: which keys a change concerns, and what to do for one of them. */
export interface Controller {
  keys(change: Change): readonly string[]
  reconcile(key: string): Promise<void> | void
  /** Looked at every 200 ms: keys for which something changed outside the cluster. */
  poll?(): Promise<readonly string[]>
  /** Whether a key was settled when the world was paused: then nobody looks at it merely because the world goes on. */
  rests?(key: string): boolean
}

/** Runs a controller as long as the cluster is up: once per changed key, again when it changed meanwhile or failed. */
export function control(
  cluster: Cluster,
  { keys, reconcile, poll, rests }: Controller,
  resumes = false,
): void {
  const waiting = new Set<string>()
  const busy = new Set<string>()
  const work = async (key: string) => {
    if (busy.has(key)) return
    busy.add(key)
    for (let attempt = 1; waiting.delete(key) && cluster.isUp(); )
      try {
        await reconcile(key)
        attempt = 1
      } catch (error) {
        if (!cluster.isUp()) break
        if (!(error instanceof Refusal)) cluster.complain(error as Error)
        await sleep(Math.min(500, 10 * 2 ** attempt++), undefined, { ref: false })
        waiting.add(key)
      }
    busy.delete(key)
  }
  const wake = (key: string) => {
    if (waiting.has(key)) return
    waiting.add(key)
    setImmediate(() => work(key))
  }
  const hear = (change: Change) => {
    for (const key of keys(change)) wake(key)
  }
  cluster.atStop(cluster.store.on(hear))
  const { revision } = cluster.store
  for (const { kind, thing } of cluster.store.everything())
    for (const key of keys({ type: 'MODIFIED', kind, thing, revision }))
      if (!(resumes && rests?.(key))) wake(key)
  if (poll) void keepPolling(cluster, poll, wake)
}

async function keepPolling(
  cluster: Cluster,
  poll: () => Promise<readonly string[]>,
  wake: (key: string) => void,
) {
  while (cluster.isUp()) {
    await sleep(200, undefined, { ref: false })
    if (cluster.isUp()) for (const key of await poll()) wake(key)
  }
}

/** `namespace/name`, the usual key; cluster-wide objects have an empty namespace. */
export function keyOf({ metadata }: Thing): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`
}

/** The parts of {@link keyOf}. */
export function split(key: string): [string, string] {
  const [namespace = '', ...name] = key.split('/')
  return [namespace, name.join('/')]
}

/** Keys of the changed object itself when it is of one of these kinds. */
export const own =
  (...kinds: string[]) =>
  ({ kind, thing }: Change): string[] =>
    kinds.includes(kind.kind) ? [keyOf(thing)] : []
