import type { Kind } from './kinds.ts'
import type { Change, Store } from './store.ts'
import { table } from './tables.ts'
import type { Thing, Tree } from './tree.ts'

/** One watch: which objects, and how they are shown. */
export interface Watching {
  kind: Kind
  namespace: string | undefined
  selects: (thing: Thing) => boolean
  asTable: boolean
  query: URLSearchParams
}

/** A stream of watch events: what changed since the asked revision, or what is there now, then every change. */
export function watch(store: Store, what: Watching): Response {
  const { kind, namespace, selects, query } = what
  const from = Number(query.get('resourceVersion') ?? 0)
  const initial = query.get('sendInitialEvents') === 'true' || from === 0
  const missed = initial ? [] : store.since(from)
  const concerns = (change: Change) =>
    change.kind.plural === kind.plural &&
    change.kind.group === kind.group &&
    (namespace === undefined || change.thing.metadata.namespace === namespace)
  let stop = () => {}
  const body = new ReadableStream<Uint8Array>({
    start(stream) {
      const send = (type: string, object: Tree) =>
        stream.enqueue(new TextEncoder().encode(`${JSON.stringify({ type, object })}\n`))
      const shown = (thing: Thing) => (what.asTable ? table(kind, [thing], store.revision) : thing)
      const seen = new Set<string>()
      // An object that stops matching the selector is told as deleted, one that begins to match as added.
      const tell = ({ type, thing }: Change) => {
        const known = seen.has(thing.metadata.uid) || (!initial && type !== 'ADDED')
        const matches = type !== 'DELETED' && selects(thing)
        if (!matches && !known) return
        if (matches) seen.add(thing.metadata.uid)
        else seen.delete(thing.metadata.uid)
        send(matches ? (known ? 'MODIFIED' : 'ADDED') : 'DELETED', shown(thing))
      }
      if (initial)
        for (const thing of store.list(kind, namespace).filter(selects)) {
          seen.add(thing.metadata.uid)
          send('ADDED', shown(thing))
        }
      if (query.get('sendInitialEvents') === 'true') send('BOOKMARK', bookmark(kind, store.revision))
      for (const change of missed) if (concerns(change)) tell(change)
      const off = store.on((change) => {
        // A number of the future is taken, and everything up to it passed over (apiserver, cache_watcher.go).
        if (concerns(change) && (initial || change.revision > from)) tell(change)
      })
      const uncut = store.atCut(() => {
        stop()
        stream.close()
      })
      const end = setTimeout(
        () => {
          stop()
          stream.close()
        },
        Number(query.get('timeoutSeconds') ?? 1800) * 1000,
      )
      stop = () => {
        clearTimeout(end)
        off()
        uncut()
      }
    },
    cancel: () => stop(),
  })
  return new Response(body, { headers: { 'content-type': 'application/json' } })
}

function bookmark({ group, version, kind }: Kind, revision: number): Tree {
  const annotations = { 'k8s.io/initial-events-end': 'true' }
  return {
    kind,
    apiVersion: group ? `${group}/${version}` : version,
    metadata: { resourceVersion: String(revision), annotations, creationTimestamp: null },
  }
}
