import type { Cluster } from './cluster.ts'
import { now } from './time.ts'
import { listAt, numberAt, type Thing, type Tree, textAt, treeAt } from './tree.ts'

/** A machine as it joins the cluster. */
export interface Member {
  name: string
  role: 'server' | 'agent'
  dropletId: number
  region: string
  internalAddress: string
  externalAddress: string
  /** Labels of `node-label` in k3s' configuration, and what k3s itself sets. */
  labels: Record<string, string>
  etcd: boolean
  /** Changes with each boot of the machine. */
  bootId: string
  /** Mebibytes that its kubelet keeps from pods. */
  reserved: number
}

/** Adds or renews the Node of a machine and says that it is ready. */
export function registerNode(cluster: Cluster, member: Member): void {
  const { store, identity } = cluster
  const { name, role, dropletId, region } = member
  const roles: Record<string, string> =
    role === 'agent'
      ? {}
      : {
          'node-role.kubernetes.io/control-plane': 'true',
          ...(member.etcd ? { 'node-role.kubernetes.io/etcd': 'true' } : {}),
        }
  const labels = {
    'kubernetes.io/hostname': name,
    'kubernetes.io/os': 'linux',
    'kubernetes.io/arch': 'amd64',
    'node.kubernetes.io/instance-type': 'k3s',
    // The DigitalOcean CSI driver's topology key.
    region,
    ...roles,
    ...member.labels,
  }
  // As the CSI registrar notes it; the volume controller finds the droplet by it.
  const annotations = {
    'csi.volume.kubernetes.io/nodeid': JSON.stringify({ 'dobs.csi.digitalocean.com': String(dropletId) }),
  }
  const live = store.find('Node', undefined, name)
  if (!live) {
    const used = store.list('Node').map((node) => treeAt(node, 'spec').podCIDR)
    const index =
      Array.from({ length: 256 }, (_, at) => at).find((at) => !used.includes(`10.42.${at}.0/24`)) ?? 0
    const spec = { podCIDR: `10.42.${index}.0/24`, providerID: `k3s://${name}` }
    store.create({ apiVersion: 'v1', kind: 'Node', metadata: { name, labels, annotations }, spec })
  } else {
    const metadata = {
      ...live.metadata,
      labels: { ...live.metadata.labels, ...labels },
      annotations: { ...live.metadata.annotations, ...annotations },
    }
    store.update({ ...live, metadata })
  }
  const addresses = [
    { type: 'InternalIP', address: member.internalAddress },
    { type: 'ExternalIP', address: member.externalAddress },
    { type: 'Hostname', address: name },
  ]
  const before = textAt(live, 'status', 'nodeInfo', 'bootID')
  const nodeInfo = {
    bootID: member.bootId,
    kubeletVersion: identity.version,
    osImage: 'paper (simulated)',
    containerRuntimeVersion: 'paper://simulated',
    kernelVersion: 'simulated',
    operatingSystem: 'linux',
    architecture: 'amd64',
  }
  const capacity = { cpu: '1', memory: '2008Mi', pods: '110' }
  const allocatable = { ...capacity, memory: `${2008 - member.reserved}Mi` }
  store.setStatus('Node', undefined, name, { addresses, nodeInfo, capacity, allocatable })
  markNode(store, name, true)
  if (before && before !== member.bootId) startPodsAnew(cluster, name)
}

/** After a boot the kubelet starts the containers of its pods anew, unless they never are; what was blind sees again. */
function startPodsAnew({ store, blind }: Cluster, node: string): void {
  blind.delete(`node/${node}`)
  for (const { metadata, spec, status } of store.list('Pod')) {
    if (textAt(spec, 'nodeName') !== node || textAt(status, 'phase') !== 'Running') continue
    blind.delete(metadata.uid)
    if (textAt(spec, 'restartPolicy') === 'Never') {
      store.setStatus('Pod', metadata.namespace, metadata.name, { phase: 'Failed', conditions: [] })
      continue
    }
    const containerStatuses = listAt(status, 'containerStatuses').map((one) => ({
      ...one,
      ready: false,
      restartCount: numberAt(one, 0, 'restartCount') + 1,
      state: { waiting: { reason: 'ContainerCreating' } },
    }))
    const conditions = listAt(status, 'conditions').map((one) =>
      one.type === 'Ready' ? { ...one, status: 'False', lastTransitionTime: now() } : one,
    )
    store.setStatus('Pod', metadata.namespace, metadata.name, { containerStatuses, conditions })
  }
}

/** Sets whether a node answers: `Unknown` is what Kubernetes notes for a machine that is off. */
export function markNode(store: Cluster['store'], name: string, ready: boolean): void {
  const condition = {
    type: 'Ready',
    status: ready ? 'True' : 'Unknown',
    reason: ready ? 'KubeletReady' : 'NodeStatusUnknown',
    message: ready ? 'simulated kubelet is ready' : 'simulated kubelet stopped posting node status.',
    lastHeartbeatTime: now(),
    lastTransitionTime: now(),
  }
  store.setStatus('Node', undefined, name, { conditions: [condition] })
}

/** Whether a Node is ready. */
export function nodeReady(node: Thing): boolean {
  return listAt(node, 'status', 'conditions').some((one) => one.type === 'Ready' && one.status === 'True')
}

/** What a new k3s cluster contains with everything disabled that can be: namespaces, the API's Service and coredns. */
export function firstObjects({ store }: Cluster): void {
  for (const name of ['default', 'kube-system', 'kube-public', 'kube-node-lease'])
    ensure(store, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
  const system = { namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' } }
  const template = {
    metadata: { labels: { 'k8s-app': 'kube-dns' } },
    spec: { containers: [{ name: 'coredns', image: 'rancher/mirrored-coredns-coredns' }] },
  }
  const matchLabels = { 'k8s-app': 'kube-dns' }
  ensure(store, {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'coredns', ...system },
    spec: { replicas: 1, selector: { matchLabels }, template },
  })
  const dns = {
    clusterIP: '10.43.0.10',
    selector: matchLabels,
    ports: [{ name: 'dns', port: 53, protocol: 'UDP' }],
  }
  ensure(store, { apiVersion: 'v1', kind: 'Service', metadata: { name: 'kube-dns', ...system }, spec: dns })
  const api = { clusterIP: '10.43.0.1', ports: [{ name: 'https', port: 443, targetPort: 6443 }] }
  ensure(store, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'kubernetes', namespace: 'default' },
    spec: api,
  })
}

function ensure(store: Cluster['store'], object: Tree): void {
  store.apply(object, { manager: 'k3s' })
}
