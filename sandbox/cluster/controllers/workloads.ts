import { createHash } from 'node:crypto'
import { type Cluster, isReady } from '../cluster.ts'
import { type Controller, keyOf, split } from '../control.ts'
import { nodeReady } from '../nodes.ts'
import { suffix } from '../store.ts'
import { now } from '../time.ts'
import { listAt, numberAt, type Thing, type Tree, textAt, treeAt } from '../tree.ts'

const kinds = ['Deployment', 'StatefulSet', 'DaemonSet']

/**
 * Makes and removes the pods of workloads (without ReplicaSets between) and counts them in the status. Jobs are left
 * alone: nothing is executed here, so none can be said to be done.
 */
export function workloads(cluster: Cluster): Controller {
  const { store } = cluster
  return {
    keys: ({ kind, thing }) => {
      if (kinds.includes(kind.kind)) return [`${kind.kind} ${keyOf(thing)}`]
      if (kind.kind === 'Node') return store.list('DaemonSet').map((one) => `DaemonSet ${keyOf(one)}`)
      if (kind.kind !== 'Pod') return []
      return listAt(thing, 'metadata', 'ownerReferences').map(
        (one) => `${one.kind} ${thing.metadata.namespace}/${one.name}`,
      )
    },
    reconcile: (key) => {
      const [kind = '', at = ''] = key.split(' ')
      const workload = kinds.includes(kind) && store.find(kind, ...split(at))
      if (!workload || workload.metadata.deletionTimestamp) return
      const hash = createHash('sha256')
        .update(JSON.stringify(treeAt(workload, 'spec', 'template')))
        .digest('hex')
        .slice(0, 10)
      const mine = store
        .list('Pod', workload.metadata.namespace)
        .filter((pod) => listAt(pod, 'metadata', 'ownerReferences')[0]?.uid === workload.metadata.uid)
      const kept = mine.filter(
        (pod) => pod.metadata.labels?.[hashLabel] === hash && !pod.metadata.deletionTimestamp,
      )
      const places = placesOf(cluster, workload, kept)
      const surplus = mine.filter((pod) => !kept.includes(pod) || !places.some((place) => place.takes(pod)))
      for (const pod of surplus) store.remove('Pod', pod.metadata.namespace, pod.metadata.name)
      for (const place of places) {
        if (kept.some(place.takes)) continue
        // A pod of that name is still going: the next change brings us back.
        if (store.find('Pod', workload.metadata.namespace, place.name)) continue
        store.create(podOf(cluster, workload, hash, place))
        if (kind === 'StatefulSet' && textAt(workload, 'spec', 'podManagementPolicy') !== 'Parallel') break
      }
      count(cluster, workload, kept, places.length, hash)
    },
  }
}

const hashLabel = 'pod-template-hash'

/** Where one pod belongs: its name, perhaps its node, and whether an existing pod fills the place. */
interface Place {
  name: string
  node?: string
  takes: (pod: Thing) => boolean
}

function placesOf({ store }: Cluster, { kind, metadata, spec }: Thing, kept: Thing[]): Place[] {
  const { name } = metadata
  if (kind === 'DaemonSet') {
    const wanted = Object.entries(treeAt(spec, 'template', 'spec', 'nodeSelector'))
    const fits = (node: Thing) =>
      nodeReady(node) && wanted.every(([label, value]) => node.metadata.labels?.[label] === value)
    return store
      .list('Node')
      .filter(fits)
      .map((node) => ({
        name: `${name}-${suffix()}`,
        node: node.metadata.name,
        takes: (pod) => textAt(pod, 'spec', 'nodeName') === node.metadata.name,
      }))
  }
  const replicas = numberAt(spec, 1, 'replicas')
  if (kind === 'StatefulSet') {
    const ready = kept.filter(isReady).length
    const parallel = textAt(spec, 'podManagementPolicy') === 'Parallel'
    // In order: the next one only when those before it are ready.
    const allowed = parallel ? replicas : Math.min(replicas, Math.max(ready + 1, kept.length))
    return Array.from({ length: allowed }, (_, index) => ({
      name: `${name}-${index}`,
      takes: (pod) => pod.metadata.name === `${name}-${index}`,
    }))
  }
  return Array.from({ length: replicas }, (_, index) => ({
    name: `${name}-${suffix()}`,
    takes: (pod) => kept.indexOf(pod) === index,
  }))
}

function podOf(cluster: Cluster, workload: Thing, hash: string, place: Place): Tree {
  const { apiVersion, kind, metadata, spec } = workload
  const template = treeAt(spec, 'template')
  const podSpec = treeAt(template, 'spec')
  const claims = kind === 'StatefulSet' ? listAt(spec, 'volumeClaimTemplates') : []
  const volumes = claims.map((claim) => {
    const claimName = `${textAt(claim, 'metadata', 'name')}-${place.name}`
    if (!cluster.store.find('PersistentVolumeClaim', metadata.namespace, claimName)) {
      const own = { ...treeAt(claim, 'metadata'), name: claimName, namespace: metadata.namespace }
      cluster.store.create({ ...claim, apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: own })
    }
    return { name: textAt(claim, 'metadata', 'name'), persistentVolumeClaim: { claimName } }
  })
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...treeAt(template, 'metadata'),
      name: place.name,
      namespace: metadata.namespace,
      labels: { ...treeAt(template, 'metadata', 'labels'), [hashLabel]: hash },
      ownerReferences: [{ apiVersion, kind, name: metadata.name, uid: metadata.uid, controller: true }],
    },
    spec: {
      ...podSpec,
      ...(volumes.length ? { volumes: [...listAt(podSpec, 'volumes'), ...volumes] } : {}),
      ...(place.node ? { nodeName: place.node } : {}),
    },
  }
}

function count({ store }: Cluster, workload: Thing, kept: Thing[], places: number, hash: string): void {
  const { kind, metadata, spec } = workload
  const { namespace, name } = metadata
  const live = kept.filter((pod) => store.find('Pod', namespace, pod.metadata.name))
  const ready = live.filter(isReady).length
  const observed = { observedGeneration: numberAt(workload, 1, 'metadata', 'generation') }
  if (kind === 'DaemonSet') {
    const numbers = {
      desiredNumberScheduled: places,
      currentNumberScheduled: live.length,
      updatedNumberScheduled: live.length,
    }
    const more = { numberReady: ready, numberAvailable: ready, numberMisscheduled: 0 }
    store.setStatus(kind, namespace, name, { ...observed, ...numbers, ...more })
  } else {
    const wanted = numberAt(spec, 1, 'replicas')
    const numbers = {
      replicas: live.length,
      updatedReplicas: live.length,
      readyReplicas: ready,
      availableReplicas: ready,
    }
    const status = ready >= wanted ? 'True' : 'False'
    const reason = ready >= wanted ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable'
    const before = listAt(workload, 'status', 'conditions')[0]
    const lastTransitionTime = before?.status === status ? before.lastTransitionTime : now()
    const available = [{ type: 'Available', status, reason, lastTransitionTime }]
    const revisions = {
      currentRevision: `${name}-${hash}`,
      updateRevision: `${name}-${hash}`,
      currentReplicas: live.length,
    }
    const more = kind === 'Deployment' ? { conditions: available } : revisions
    store.setStatus(kind, namespace, name, { ...observed, ...numbers, ...more })
  }
}
