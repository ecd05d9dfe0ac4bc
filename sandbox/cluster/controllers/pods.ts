import { behaviourOf } from '../../behaviour.ts'
import { latencies } from '../../latencies.ts'
import { type Cluster, isReady } from '../cluster.ts'
import { type Controller, keyOf, split } from '../control.ts'
import { nodeReady } from '../nodes.ts'
import { now } from '../time.ts'
import { at, isTree, listAt, numberAt, type Thing, textAt, treeAt } from '../tree.ts'
import { attachmentOf, claimsOf } from './mounts.ts'
import { convertDatastore, stumbles, takeEffect } from './programs.ts'

const stirring = [
  'Secret',
  'ConfigMap',
  'PersistentVolumeClaim',
  'PersistentVolume',
  'VolumeAttachment',
  'Node',
]

/** Places pods on nodes and lets them run once everything they refer to exists; nothing is pulled or executed. */
export function pods(cluster: Cluster): Controller {
  const { store } = cluster
  const pending = () =>
    store
      .list('Pod')
      .filter((pod) => !isReady(pod))
      .map(keyOf)
  return {
    keys: ({ type, kind, thing }) => {
      if (kind.kind === 'Pod' && type === 'DELETED') {
        cluster.variables.delete(thing.metadata.uid)
        return []
      }
      if (kind.kind === 'Pod') return [keyOf(thing)]
      return stirring.includes(kind.kind) ? pending() : []
    },
    reconcile: async (key) => {
      const [namespace, name] = split(key)
      const found = () => store.find('Pod', namespace, name)
      const pod = found()
      if (!pod || isReady(pod) || /Succeeded|Failed/.test(textAt(pod, 'status', 'phase'))) return
      const why = schedule(cluster, pod)
      if (why) return waits(cluster, pod, 'FailedScheduling', why)
      const placed = store.get('Pod', namespace, name)
      if (cluster.blind.has(`node/${textAt(placed, 'spec', 'nodeName')}`)) return
      const unmounted = mount(cluster, placed)
      if (unmounted) return waits(cluster, placed, 'FailedMount', unmounted)
      const image = unpullable(cluster, placed)
      if (image) return waits(cluster, placed, 'ImagePullBackOff', `Back-off pulling image "${image}"`)
      const missing = missingReference(cluster, placed)
      if (missing) return waits(cluster, placed, 'CreateContainerConfigError', missing)
      const fault = stumbles(cluster, placed)
      if (fault) return waits(cluster, placed, 'CrashLoopBackOff', fault)
      await cluster.world.latency(latencies.startPod)
      const still = found()
      if (!still || !cluster.isUp() || missingReference(cluster, still)) return
      takeEffect(cluster, still)
      await convertDatastore(cluster, still)
      runNow(cluster, still)
    },
  }
}

/** An image of the pod that cannot be had, as the world behaves. */
function unpullable({ world }: Cluster, pod: Thing): string | undefined {
  const { unpullable: images } = behaviourOf(world)
  return listAt(pod, 'spec', 'containers')
    .map((one) => String(one.image))
    .find((image) => images.some((one) => new RegExp(one).test(image)))
}

/** Gives the pod a node. @returns why it cannot, in the scheduler's words */
function schedule({ store }: Cluster, pod: Thing): string | undefined {
  if (textAt(pod, 'spec', 'nodeName')) return undefined
  const wanted = Object.entries(treeAt(pod, 'spec', 'nodeSelector'))
  const nodes = store.list('Node')
  const { namespace } = pod.metadata
  for (const claimName of claimsOf(pod)) {
    const claim = store.find('PersistentVolumeClaim', namespace, claimName)
    if (!claim) return `persistentvolumeclaim "${claimName}" not found`
    if (textAt(claim, 'status', 'phase') !== 'Bound' && !waitsForPod(store, claim))
      return `0/${nodes.length} nodes are available: pod has unbound immediate PersistentVolumeClaims.`
  }
  const fits = (node: Thing) =>
    nodeReady(node) &&
    !at(node, 'spec', 'unschedulable') &&
    wanted.every(([label, value]) => node.metadata.labels?.[label] === value)
  const placed = store.list('Pod').map((one) => textAt(one, 'spec', 'nodeName'))
  const load = new Map(
    nodes.map(({ metadata: { name } }) => [name, placed.filter((one) => one === name).length]),
  )
  const loadOf = ({ metadata }: Thing) => load.get(metadata.name) ?? 0
  const [best] = nodes.filter(fits).sort((a, b) => loadOf(a) - loadOf(b))
  if (!best)
    return `0/${nodes.length} nodes are available: none is ready, schedulable and matches the node selector.`
  const spec = { ...treeAt(pod, 'spec'), nodeName: best.metadata.name }
  store.update({ ...pod, spec })
  return undefined
}

/** Asks for the pod's volumes at its node. @returns which one is not there yet */
function mount(cluster: Cluster, pod: Thing): string | undefined {
  for (const claimName of claimsOf(pod)) {
    const claim = cluster.store.find('PersistentVolumeClaim', pod.metadata.namespace, claimName)
    if (!claim) return `persistentvolumeclaim "${claimName}" not found`
    if (textAt(claim, 'status', 'phase') !== 'Bound') return `volume of claim ${claimName} is not bound yet`
    const attachment = attachmentOf(cluster, textAt(claim, 'spec', 'volumeName'))
    const here = attachment && textAt(attachment, 'spec', 'nodeName') === textAt(pod, 'spec', 'nodeName')
    if (!here || !at(attachment, 'status', 'attached'))
      return `volume of claim ${claimName} is not attached yet`
  }
  return undefined
}

function waitsForPod(store: Cluster['store'], claim: Thing): boolean {
  const named = store.find('StorageClass', undefined, textAt(claim, 'spec', 'storageClassName'))
  return named?.volumeBindingMode === 'WaitForFirstConsumer'
}

/** The first Secret or ConfigMap, or key of one, that the pod needs and that is not there; in the kubelet's words. */
function missingReference({ store }: Cluster, pod: Thing): string | undefined {
  const { namespace } = pod.metadata
  for (const { kind, name, key } of references(treeAt(pod, 'spec'))) {
    const found = store.find(kind, namespace, name)
    if (!found) return `${kind.toLowerCase()} "${name}" not found`
    if (key && !(key in treeAt(found, 'data')))
      return `couldn't find key ${key} in ${kind} ${namespace}/${name}`
  }
  return undefined
}

/** Every Secret and ConfigMap that a pod's volumes and variables name, and are not optional. */
function references(from: unknown): { kind: string; name: string; key: string }[] {
  if (Array.isArray(from)) return from.flatMap(references)
  if (!isTree(from)) return []
  return Object.entries(from).flatMap(([field, value]) => {
    const [, what] = field.match(/^(secret|configMap)(Ref|KeyRef)?$/) ?? []
    if (!what || !isTree(value)) return references(value)
    const name = textAt(value, 'secretName') || textAt(value, 'name')
    if (!name || value.optional === true) return []
    const key = field.endsWith('KeyRef') ? textAt(value, 'key') : ''
    return [{ kind: what === 'secret' ? 'Secret' : 'ConfigMap', name, key }]
  })
}

function waits(cluster: Cluster, pod: Thing, reason: string, message: string): void {
  const { namespace, name } = pod.metadata
  cluster.event(pod, 'Warning', reason, message)
  const waiting = { reason: /^Failed/.test(reason) ? 'ContainerCreating' : reason, message }
  const containerStatuses = listAt(pod, 'spec', 'containers').map((one) => ({
    name: one.name,
    image: one.image,
    ready: false,
    restartCount: 0,
    state: { waiting },
  }))
  // Nothing is known of the containers of a pod that has no node.
  const unplaced = [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }]
  cluster.store.setStatus('Pod', namespace, name, {
    phase: 'Pending',
    ...(reason === 'FailedScheduling' ? { conditions: unplaced } : { containerStatuses }),
  })
}

/** Takes the values of variables that come from Secrets, as the kubelet does once, when it starts a container. */
function takeVariables({ store, variables }: Cluster, { metadata, spec }: Thing): void {
  const taken = listAt({ spec }, 'spec', 'containers')
    .flatMap((one) => listAt(one, 'env'))
    .flatMap((one) => {
      const from = treeAt(one, 'valueFrom', 'secretKeyRef')
      const secret = store.find('Secret', metadata.namespace, textAt(from, 'name'))
      return secret ? [[String(one.name), textAt(secret, 'data', textAt(from, 'key'))] as const] : []
    })
  if (taken.length > 0) variables.set(metadata.uid, Object.fromEntries(taken))
}

function runNow(cluster: Cluster, pod: Thing): void {
  const { store } = cluster
  const { namespace, name } = pod.metadata
  takeVariables(cluster, pod)
  const node = store.find('Node', undefined, textAt(pod, 'spec', 'nodeName'))
  const hostIP = textAt(listAt(node, 'status', 'addresses')[0], 'address')
  const before = listAt(pod, 'status', 'containerStatuses')
  const containerStatuses = listAt(pod, 'spec', 'containers').map((one, index) => ({
    name: one.name,
    image: one.image,
    imageID: 'simulated',
    ready: true,
    started: true,
    restartCount: numberAt(before[index], 0, 'restartCount'),
    state: { running: { startedAt: now() } },
  }))
  const conditions = ['PodScheduled', 'Initialized', 'ContainersReady', 'Ready'].map((type) => ({
    type,
    status: 'True',
    lastTransitionTime: now(),
  }))
  const podIP = `${textAt(node, 'spec', 'podCIDR').replace(/\.0\/24$/, '')}.${10 + (store.revision % 240)}`
  const addresses = { hostIP, podIP, podIPs: [{ ip: podIP }] }
  const status = { phase: 'Running', startTime: now(), ...addresses, conditions, containerStatuses }
  store.setStatus('Pod', namespace, name, status)
}
