import { dump } from 'js-yaml'
import type { Node } from './spec.ts'
import { cloudInitFile, template } from './template.ts'
import { joinToken } from './tokens.ts'

/**
 * Soft limit of k3s' own memory, in percent of the machine's and in MiB at least (docs/memory.md). A limit below what is
 * needed would keep the garbage collector running all the time, so it grows with the machine.
 */
const memory = { server: { percent: 30, least: 620 }, agent: { percent: 15, least: 280 } }

/** What the API server is told beyond k3s' own words; the files lie beside k3s' configuration. */
export const apiServerArguments = [
  'admission-control-config-file=/etc/rancher/k3s/admission.yaml',
  'audit-policy-file=/etc/rancher/k3s/audit.yaml',
  'audit-log-path=/var/lib/rancher/k3s/server/logs/audit.log',
  'audit-log-maxage=30', // days
  'audit-log-maxbackup=3',
  'audit-log-maxsize=20', // MB
]

/** The name of k3s' systemd unit on a node: the names that its own installer gives. */
export function k3sUnit(node: Node): 'k3s' | 'k3s-agent' {
  return node.role === 'agent' ? 'k3s-agent' : 'k3s'
}

/**
 * The text of `/etc/rancher/k3s/config.yaml`. Addresses that only the machine knows are added by the node itself as
 * `config.yaml.d/10-addresses.yaml`.
 * @param serverCa PEM text of the server CA, with which a joining node checks that it joins the right cluster
 */
export function renderK3sConfig(node: Node, serverCa: string | undefined): string {
  const common = {
    'node-name': node.name,
    ...(Object.keys(node.labels).length > 0
      ? { 'node-label': Object.entries(node.labels).map(([key, value]) => `${key}=${value}`) }
      : {}),
    ...(node.taints.length > 0 ? { 'node-taint': node.taints } : {}),
    ...(node.join ? { server: node.join } : {}),
  }
  const own = node.role === 'agent' ? agentConfig(node, serverCa) : serverConfig(node, serverCa)
  return dump({ ...common, ...own }, { lineWidth: -1 })
}

/** k3s' systemd unit. */
export function renderK3sUnit(node: Node): string {
  // Only the server tells systemd when it is ready.
  const own =
    node.role === 'agent'
      ? { command: 'agent', type: 'exec', ...memory.agent }
      : { command: 'server', type: 'notify', ...memory.server }
  const values = { ...own, podCidr: node.podCidr }
  return template<typeof values>('units/k3s.service.hbs', cloudInitFile('units/k3s.service.hbs'))(values)
}

/**
 * The kubelet's settings: pods may swap up to their share, and are asked to stop when the machine shuts down. What k3s and
 * the system hold is not given to pods twice, and a pod is evicted before the machine stands still.
 */
export function renderKubeletConfig({ role }: Pick<Node, 'role'>): string {
  return dump({
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    failSwapOn: false,
    memorySwap: { swapBehavior: 'LimitedSwap' },
    shutdownGracePeriod: '60s',
    shutdownGracePeriodCriticalPods: '20s',
    // k3s' own thresholds for disks, and one for memory, which it leaves out.
    evictionHard: { 'memory.available': '100Mi', 'nodefs.available': '5%', 'imagefs.available': '5%' },
    kubeReserved: { memory: role === 'agent' ? '250Mi' : '550Mi' },
    systemReserved: { memory: '150Mi' },
    // For the scheduler alone: as a hard limit of all pods together it would end them while memory is free.
    enforceNodeAllocatable: ['none'],
    streamingConnectionIdleTimeout: '30m0s',
  })
}

// Everything here but cluster-init must be the same on all servers (https://docs.k3s.io/cli/server).
function serverConfig(node: Node, serverCa: string | undefined): Record<string, unknown> {
  return {
    // A joining server sends both to the one it joins, whose CA is checked only with a hash; a first one sends them nowhere.
    token:
      node.role === 'first-server' || !serverCa
        ? node.tokens.server
        : joinToken('server', node.tokens.server, serverCa),
    'agent-token':
      node.role === 'first-server' || !serverCa
        ? node.tokens.agent
        : joinToken('node', node.tokens.agent, serverCa),
    'write-kubeconfig-mode': '0600',
    'cluster-cidr': node.podCidr,
    'service-cidr': node.serviceCidr,
    'flannel-backend': 'wireguard-native',
    'secrets-encryption': true,
    'disable-helm-controller': true,
    disable: [...node.disable, ...(bringsGatewayApi(node.k3s.version) ? ['gateway-api-crd'] : [])],
    'kube-apiserver-arg': apiServerArguments,
    'kube-controller-manager-arg': ['terminated-pod-gc-threshold=10'],
    'protect-kernel-defaults': true,
    'tls-san': [...new Set([...(node.externalAddress ? [node.externalAddress] : []), ...node.tlsSans])],
    ...(node.datastore === 'etcd' && node.role === 'first-server' ? { 'cluster-init': true } : {}),
  }
}

function agentConfig(node: Node, serverCa: string | undefined): Record<string, unknown> {
  const token = serverCa ? joinToken('node', node.tokens.agent, serverCa) : node.tokens.agent
  return { token, 'protect-kernel-defaults': true }
}

// From 1.37 on k3s installs the Gateway API's CRDs by a job of the helm controller, which we leave out.
function bringsGatewayApi(version: string): boolean {
  const [, major = 0, minor = 0] = (/^v(\d+)\.(\d+)\./.exec(version) ?? []).map(Number)
  return major > 1 || minor >= 37
}
