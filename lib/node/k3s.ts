import { dump } from 'js-yaml'
import type { Node } from './spec.ts'
import { cloudInitFile, template } from './template.ts'
import { joinToken } from './tokens.ts'

/** Soft limit of k3s' heap: about 750 MiB in all instead of 1.2 GB on a small server (measured by others). */
const memoryLimit = '750MiB'

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

/** Environment of k3s' unit, `/etc/default/<unit>`. */
export function renderK3sEnvironment(): string {
  return `GOMEMLIMIT=${memoryLimit}\n`
}

/** k3s' systemd unit. */
export function renderK3sUnit(node: Node): string {
  // Only the server tells systemd when it is ready.
  const values =
    node.role === 'agent' ? { command: 'agent', type: 'exec' } : { command: 'server', type: 'notify' }
  return template<typeof values>('units/k3s.service.hbs', cloudInitFile('units/k3s.service.hbs'))(values)
}

/** The kubelet's settings: pods may swap up to their share, and are asked to stop when the machine shuts down. */
export function renderKubeletConfig(): string {
  return dump({
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    failSwapOn: false,
    memorySwap: { swapBehavior: 'LimitedSwap' },
    shutdownGracePeriod: '60s',
    shutdownGracePeriodCriticalPods: '20s',
  })
}

// Everything here but cluster-init must be the same on all servers (https://docs.k3s.io/cli/server).
function serverConfig(node: Node, serverCa: string | undefined): Record<string, unknown> {
  return {
    // A first server knows no CA to check yet; the full form with a hash is an open question there (k3s#10783).
    token:
      node.role === 'first-server' || !serverCa
        ? node.tokens.server
        : joinToken('server', node.tokens.server, serverCa),
    'agent-token': node.tokens.agent,
    'write-kubeconfig-mode': '0600',
    'cluster-cidr': node.podCidr,
    'service-cidr': node.serviceCidr,
    'flannel-backend': 'wireguard-native',
    'secrets-encryption': true,
    'disable-helm-controller': true,
    disable: [...node.disable, ...(bringsGatewayApi(node.k3s.version) ? ['gateway-api-crd'] : [])],
    'tls-san': [...new Set([...(node.externalAddress ? [node.externalAddress] : []), ...node.tlsSans])],
    ...(node.datastore === 'etcd' && node.role === 'first-server' ? { 'cluster-init': true } : {}),
  }
}

function agentConfig(node: Node, serverCa: string | undefined): Record<string, unknown> {
  return { token: serverCa ? joinToken('node', node.tokens.agent, serverCa) : node.tokens.agent }
}

// From 1.37 on k3s installs the Gateway API's CRDs by a job of the helm controller, which we leave out.
function bringsGatewayApi(version: string): boolean {
  const [, major = 0, minor = 0] = (/^v(\d+)\.(\d+)\./.exec(version) ?? []).map(Number)
  return major > 1 || minor >= 37
}
