import { createHash } from 'node:crypto'
import { BlockList } from 'node:net'
import { load } from 'js-yaml'
import { joinToken } from '../../cloud-init/src/tokens.ts'
import type { Identity } from '../cluster/cluster.ts'
import { isTree, type Tree, textAt, textsAt } from '../cluster/tree.ts'
import { type Machine, StepFailure } from './machine.ts'

// The options of `k3s server` and `k3s agent` that paper accepts (https://docs.k3s.io/cli/server).
const shared =
  'node-name node-label node-taint node-ip node-external-ip flannel-iface token server kubelet-arg kube-proxy-arg data-dir debug private-registry resolv-conf protect-kernel-defaults selinux snapshotter pause-image'
const forServers =
  'agent-token write-kubeconfig-mode cluster-cidr service-cidr cluster-dns cluster-domain flannel-backend secrets-encryption secrets-encryption-provider disable-helm-controller disable-cloud-controller disable-network-policy disable-kube-proxy disable tls-san tls-san-security cluster-init cluster-reset advertise-address advertise-port bind-address https-listen-port datastore-endpoint etcd-snapshot-schedule-cron etcd-snapshot-retention etcd-disable-snapshots kube-apiserver-arg kube-controller-manager-arg kube-scheduler-arg etcd-arg embedded-registry egress-selector-mode servicelb-namespace'

/** k3s did not come up; its own words are in the log. */
export function k3sFails(machine: Machine, log: string, again = false): StepFailure {
  const unit = machine.env.ROLE === 'agent' ? 'k3s-agent' : 'k3s'
  const message = `${unit} was started, but ${machine.env.NODE_NAME} is not a Ready node yet.`
  return new StepFailure(message, { again, log: `level=fatal msg=${JSON.stringify(log)}` })
}

/** Fetches the k3s binary that `node.env` names and compares its digest. @throws StepFailure */
export async function fetchBinary(machine: Machine): Promise<void> {
  const { K3S_URL = '', K3S_SHA256 } = machine.env
  const [from = ''] = K3S_URL.split('?')
  const response = await machine.request(K3S_URL).catch((error: Error) => {
    throw new StepFailure(`k3s cannot be fetched from ${from}: ${error.message}.`, { again: true })
  })
  if (!response.ok)
    throw new StepFailure(`k3s cannot be fetched: ${from} answers ${response.status}.`, { again: true })
  const digest = createHash('sha256')
    .update(Buffer.from(await response.arrayBuffer()))
    .digest('hex')
  const message = `k3s from ${from} is not the one that was asked for: its SHA-256 is ${digest} instead of ${K3S_SHA256}.`
  if (digest !== K3S_SHA256) throw new StepFailure(message)
}

/** The machine's address in the private network must be there before k3s starts. @throws StepFailure */
export function checkAddress(machine: Machine): void {
  const network = new BlockList()
  const { NETWORK_CIDR = '' } = machine.env
  const [address = '', bits] = NETWORK_CIDR.split('/')
  network.addSubnet(address, Number(bits), 'ipv4')
  if (!network.check(machine.hardware.privateAddress, 'ipv4'))
    throw new StepFailure(`This machine has no address in the private network ${NETWORK_CIDR} yet.`)
}

/** k3s' configuration as it lies in the bundle. @throws StepFailure for an option that k3s does not have */
export function k3sConfig(machine: Machine): Tree {
  const text = machine.disk.read('k3s/config.yaml')
  if (text === undefined) throw new StepFailure('k3s/config.yaml is missing from the bundle')
  const config = load(text)
  if (!isTree(config)) throw new StepFailure('k3s/config.yaml is no map of options')
  const known = `${shared} ${machine.env.ROLE === 'agent' ? '' : forServers}`.split(' ')
  for (const option of Object.keys(config))
    if (!known.includes(option)) throw k3sFails(machine, `flag provided but not defined: -${option}`)
  for (const argument of textsAt(config, 'kube-apiserver-arg')) {
    const [, file] = /=\/etc\/rancher\/k3s\/(.+)$/.exec(argument) ?? []
    if (file && machine.disk.read(`k3s/${file}`) === undefined)
      throw k3sFails(machine, `open /etc/rancher/k3s/${file}: no such file or directory`)
  }
  return config
}

/** Mebibytes that the kubelet's settings in the bundle keep from pods. */
export function reservedMemory(machine: Machine): number {
  const settings = load(machine.disk.read('k3s/kubelet.conf.d/10-regrow.conf') ?? '{}')
  const amounts = [
    textAt(settings, 'kubeReserved', 'memory'),
    textAt(settings, 'systemReserved', 'memory'),
    textAt(settings, 'evictionHard', 'memory.available'),
  ]
  return amounts.reduce((sum, one) => sum + (Number.parseInt(one, 10) || 0), 0)
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
export function checkToken(machine: Machine, identity: Identity, token: string): void {
  const agent = machine.env.ROLE === 'agent'
  const password = agent ? identity.agentToken : identity.serverToken
  const short = token.replace(/^K10[0-9a-f]+::\w+:/, '')
  if (
    token.startsWith('K10') &&
    token !== joinToken(agent ? 'node' : 'server', short, identity.serverCa.cert)
  )
    throw k3sFails(machine, 'token CA hash does not match the Cluster CA certificate hash')
  if (short !== password)
    throw k3sFails(machine, 'failed to validate token: https response: 401 Unauthorized')
}

/** Names and addresses that k3s puts into the API server's certificate for this server. */
export function servedNames(machine: Machine, config: Tree): string[] {
  const { name, publicAddress, privateAddress } = machine.hardware
  const outer = machine.env.EXTERNAL_ADDRESS || publicAddress
  return [name, privateAddress, outer, ...textsAt(config, 'tls-san')]
}
