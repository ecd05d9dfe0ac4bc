import type { Cluster } from '../cluster.ts'
import { type Controller, keyOf, split } from '../control.ts'
import { resourceOf } from '../kinds.ts'
import { nodeReady } from '../nodes.ts'
import { Refusal } from '../refusal.ts'
import { listAt, type Thing, type Tree, treeAt } from '../tree.ts'

/**
 * What Kubernetes tidies by itself: a definition becomes established, a deleted namespace is emptied, what a deleted
 * object owned goes with it, pods of a vanished node are removed.
 */
export function housekeeping({ store }: Cluster): Controller {
  return {
    keys: ({ type, kind, thing }) => {
      if (type === 'DELETED')
        return [
          `gone ${thing.metadata.uid}`,
          ...(kind.kind === 'Node' ? [`node ${thing.metadata.name}`] : []),
        ]
      // What Kubernetes does when it is told that a machine is off for good.
      if (kind.kind === 'Node' && !nodeReady(thing) && isOut(thing)) return [`node ${thing.metadata.name}`]
      if (kind.kind === 'CustomResourceDefinition') return [`definition ${keyOf(thing)}`]
      if (listAt(thing, 'metadata', 'ownerReferences').length > 0)
        return [`owned ${resourceOf(kind)} ${keyOf(thing)}`]
      return kind.kind === 'Namespace' && thing.metadata.deletionTimestamp
        ? [`namespace ${thing.metadata.name}`]
        : []
    },
    reconcile: (key) => {
      const [what, name = '', at = ''] = key.split(' ')
      if (what === 'gone') removeOwned(store, name)
      if (what === 'owned') removeOrphan(store, name, at)
      if (what === 'definition') establish(store, name.slice(1))
      if (what === 'namespace') empty(store, name)
      if (what === 'node')
        for (const pod of store.list('Pod'))
          if (treeAt(pod, 'spec').nodeName === name)
            store.remove('Pod', pod.metadata.namespace, pod.metadata.name)
    },
  }
}

const isOut = (node: Thing) =>
  listAt(node, 'spec', 'taints').some((one) => one.key === 'node.kubernetes.io/out-of-service')

function removeOwned(store: Cluster['store'], uid: string): void {
  for (const { kind, thing } of store.everything()) {
    const owners = listAt(thing, 'metadata', 'ownerReferences')
    if (owners.length > 0 && owners.every((owner) => owner.uid === uid))
      store.remove(kind, thing.metadata.namespace, thing.metadata.name)
  }
}

/** As the garbage collector: what names only owners that do not exist goes, also when they never did. */
function removeOrphan(store: Cluster['store'], resource: string, at: string): void {
  const kind = store.kinds.all().find((one) => resourceOf(one) === resource)
  const thing = kind && store.find(kind, ...split(at))
  if (!kind || !thing || thing.metadata.deletionTimestamp) return
  const { namespace, name } = thing.metadata
  const owners = listAt(thing, 'metadata', 'ownerReferences')
  const isThere = (owner: Tree) => {
    const of = store.kinds.ofObject(String(owner.apiVersion), String(owner.kind))
    // Of a kind that it cannot find it says nothing, nor of a namespaced owner of what belongs to the cluster.
    if (!of || (of.namespaced && !kind.namespaced)) return true
    return (
      store.find(of, of.namespaced ? namespace : undefined, String(owner.name))?.metadata.uid === owner.uid
    )
  }
  const left = owners.filter(isThere)
  if (left.length === 0) store.remove(kind, namespace, name)
  else if (left.length < owners.length)
    store.update({ ...thing, metadata: { ...thing.metadata, ownerReferences: left } })
}

function establish(store: Cluster['store'], name: string): void {
  const definition = store.find('CustomResourceDefinition', undefined, name)
  if (!definition || listAt(definition, 'status', 'conditions').length > 0) return
  const conditions = ['NamesAccepted', 'Established'].map((type) => ({
    type,
    status: 'True',
    reason: 'Paper',
    message: '',
  }))
  const acceptedNames = treeAt(definition, 'spec', 'names')
  store.setStatus('CustomResourceDefinition', undefined, name, { conditions, acceptedNames })
}

/** A namespace with the finalizer of the API itself goes when nothing is left in it. */
function empty(store: Cluster['store'], name: string): void {
  for (const { kind, thing } of store.everything())
    if (kind.namespaced && thing.metadata.namespace === name) store.remove(kind, name, thing.metadata.name)
  const left = store.everything().filter(({ thing }) => thing.metadata.namespace === name)
  const live = store.find('Namespace', undefined, name)
  if (left.length > 0) throw new Refusal(409, 'Conflict', `namespace ${name} is not empty yet`)
  if (live) store.update({ ...live, metadata: { ...live.metadata, finalizers: [] } })
}
