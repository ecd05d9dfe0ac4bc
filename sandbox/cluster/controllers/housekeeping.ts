import type { Cluster } from '../cluster.ts'
import { type Controller, keyOf, split } from '../control.ts'
import { resourceOf } from '../kinds.ts'
import { nodeReady } from '../nodes.ts'
import { Refusal } from '../refusal.ts'
import { listAt, type Thing, type Tree, treeAt } from '../tree.ts'

/**
 * What Kubernetes tidies by itself: a definition becomes established, a namespace gets its account and the cluster's CA, a
 * deleted one is emptied, what a deleted object owned goes with it, pods of a vanished node are removed.
 */
export function housekeeping({ store, identity }: Cluster): Controller {
  return {
    keys: ({ type, kind, thing }) => {
      const { name, namespace = '' } = thing.metadata
      if (type === 'DELETED')
        return [
          `gone ${thing.metadata.uid}`,
          ...(kind.kind === 'Node' ? [`node ${name}`] : []),
          ...(isFurniture(kind.kind, name) ? [`home ${namespace}`] : []),
        ]
      // What Kubernetes does when it is told that a machine is off for good.
      if (kind.kind === 'Node' && !nodeReady(thing) && isOut(thing)) return [`node ${thing.metadata.name}`]
      if (kind.kind === 'CustomResourceDefinition') return [`definition ${keyOf(thing)}`]
      if (listAt(thing, 'metadata', 'ownerReferences').length > 0)
        return [`owned ${resourceOf(kind)} ${keyOf(thing)}`]
      return kind.kind === 'Namespace'
        ? [`${thing.metadata.deletionTimestamp ? 'namespace' : 'home'} ${name}`]
        : []
    },
    reconcile: (key) => {
      const [what, name = '', at = ''] = key.split(' ')
      if (what === 'gone') removeOwned(store, name)
      if (what === 'owned') removeOrphan(store, name, at)
      if (what === 'definition') establish(store, name.slice(1))
      if (what === 'namespace') empty(store, name)
      if (what === 'home') furnish(store, name, identity.serverCa.cert)
      if (what === 'node')
        for (const pod of store.list('Pod'))
          if (treeAt(pod, 'spec').nodeName === name)
            store.remove('Pod', pod.metadata.namespace, pod.metadata.name)
    },
  }
}

const isFurniture = (kind: string, name: string) =>
  (kind === 'ServiceAccount' && name === 'default') || (kind === 'ConfigMap' && name === 'kube-root-ca.crt')

/**
 * Makes what every namespace has (Kubernetes 1.36, pkg/controller/serviceaccount/serviceaccounts_controller.go and
 * pkg/controller/certificates/rootcacertpublisher/publisher.go).
 */
function furnish(store: Cluster['store'], namespace: string, ca: string): void {
  const home = store.find('Namespace', undefined, namespace)
  if (!home || home.metadata.deletionTimestamp) return
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace, name: 'default' } }
  const description =
    'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.'
  const bundle = {
    ...{ apiVersion: 'v1', kind: 'ConfigMap', data: { 'ca.crt': ca } },
    metadata: {
      ...{ namespace, name: 'kube-root-ca.crt' },
      annotations: { 'kubernetes.io/description': description },
    },
  }
  for (const one of [account, bundle])
    if (!store.find(one.kind, namespace, one.metadata.name)) store.create(one)
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
