import { createHash } from 'node:crypto'
import { load } from 'js-yaml'
import { joinToken } from '../../lib/node/tokens.ts'
import type { Identity } from '../cluster/cluster.ts'
import { isTree, type Tree, textAt, textsAt } from '../cluster/tree.ts'
import { type Machine, StepFailure } from './machine.ts'

// The options of `k3s server` and `k3s agent` that paper accepts (https://docs.k3s.io/cli/server).
const shared =
  'node-name node-label node-taint node-ip node-external-ip flannel-iface token server kubelet-arg kube-proxy-arg data-dir debug private-registry resolv-conf protect-kernel-defaults selinux snapshotter pause-image'
const forServers =
  'agent-token write-kubeconfig-mode cluster-cidr service-cidr cluster-dns cluster-domain flannel-backend secrets-encryption secrets-encryption-provider disable-helm-controller disable-cloud-controller disable-network-policy disable-kube-proxy disable tls-san tls-san-security cluster-init cluster-reset advertise-address advertise-port bind-address https-listen-port datastore-endpoint etcd-snapshot-schedule-cron etcd-snapshot-retention etcd-disable-snapshots kube-apiserver-arg kube-controller-manager-arg kube-scheduler-arg etcd-arg embedded-registry egress-selector-mode servicelb-namespace'

/** Fetches the k3s binary that `node.env` names and compares its digest. @throws StepFailure */
export async function fetchBinary(machine: Machine): Promise<void> {
  const { K3S_URL = '', K3S_SHA256 } = machine.env
  const isOver = machine.patience(240)
  for (;;) {
    const response = await machine.request(K3S_URL).catch((error: Error) => error)
    if (!(response instanceof Error) && response.ok) {
      const bytes = Buffer.from(await response.arrayBuffer())
      if (createHash('sha256').update(bytes).digest('hex') === K3S_SHA256) return
      throw new StepFailure(`the k3s binary differs from its digest (${K3S_URL})`)
    }
    const why = response instanceof Error ? response.message : `HTTP ${response.status}`
    if (!machine.isOn) throw new StepFailure('powered off')
    if (isOver() || (!(response instanceof Error) && response.status === 404))
      throw new StepFailure(`the k3s binary cannot be fetched from ${K3S_URL}: ${why}`)
    await machine.pause(5, 100)
  }
}

/** k3s' configuration as it lies in the bundle. @throws StepFailure for an option that k3s does not have */
export function k3sConfig(machine: Machine): Tree {
  const text = machine.disk.read('k3s/config.yaml')
  if (text === undefined) throw new StepFailure('k3s/config.yaml is missing from the bundle')
  const config = load(text)
  if (!isTree(config)) throw new StepFailure('k3s/config.yaml is no map of options')
  const known = `${shared} ${machine.env.ROLE === 'agent' ? '' : forServers}`.split(' ')
  for (const option of Object.keys(config))
    if (!known.includes(option))
      throw new StepFailure(`k3s does not start: flag provided but not defined: -${option}`)
  return config
}

/** The identity of the cluster that a first server founds. @throws StepFailure when an authority's file is missing */
export function foundedIdentity(machine: Machine, config: Tree): Identity {
  const file = (path: string) => {
    const text = machine.disk.read(`k3s/tls/${path}`)
    if (!text) throw new StepFailure(`${path} is missing among the certificate authorities of the bundle`)
    return text
  }
  for (const pair of ['request-header-ca', 'etcd/peer-ca', 'etcd/server-ca'])
    for (const end of ['crt', 'key']) file(`${pair}.${end}`)
  file('service.key')
  const serverToken = textAt(config, 'token')
  return {
    id: `${machine.env.CLUSTER}-${machine.hardware.id}`,
    version: machine.env.K3S_VERSION ?? '',
    serverCa: { cert: file('server-ca.crt'), key: file('server-ca.key') },
    clientCa: { cert: file('client-ca.crt'), key: file('client-ca.key') },
    serverToken,
    agentToken: textAt(config, 'agent-token') || serverToken,
  }
}

/** Checks the token of a joining node as k3s does: the CA's hash when it is there, then the password. */
export function checkToken(identity: Identity, role: string, token: string): void {
  const agent = role === 'agent'
  const password = agent ? identity.agentToken : identity.serverToken
  const short = token.replace(/^K10[0-9a-f]+::\w+:/, '')
  if (
    token.startsWith('K10') &&
    token !== joinToken(agent ? 'node' : 'server', short, identity.serverCa.cert)
  )
    throw new StepFailure('k3s does not start: token CA hash does not match the Cluster CA certificate hash')
  if (short !== password)
    throw new StepFailure('k3s does not start: failed to validate token: https response: 401 Unauthorized')
}

/** Names and addresses that k3s puts into the API server's certificate for this server. */
export function servedNames(machine: Machine, config: Tree): string[] {
  const { name, publicAddress, privateAddress } = machine.hardware
  const outer = machine.env.EXTERNAL_ADDRESS || publicAddress
  return [name, privateAddress, outer, ...textsAt(config, 'tls-san')]
}
