import { setTimeout as sleep } from 'node:timers/promises'
import {
  type ClusterAuthorities,
  makeClusterAuthorities,
  makeOperatorCertificate,
  type NodeSpec,
  renderKubeconfig,
} from '#cloud-init/index.ts'
import { bundleWish } from '../../../cloud-init/test/sample.ts'
import { ask, type Caller, callerOf } from './ask.ts'
import { addresses, reserved } from './ground.ts'
import { playKubelet } from './kubelet.ts'
import { Machine } from './machine.ts'

const tlsName = 'main.regrow.internal'
const now = new Date()

/** The keys of a cluster that no machine has been made for yet. */
export const authorities: ClusterAuthorities = await makeClusterAuthorities({ now })

/** The kubeconfig that is known before any machine. */
export const kubeconfig: string = renderKubeconfig({
  cluster: 'main',
  server: `https://${reserved}:6443`,
  tlsServerName: tlsName,
  ca: authorities.server.cert,
  ...(await makeOperatorCertificate(authorities, { now })),
})

/** Who has it. */
export const operator: Caller = callerOf(kubeconfig)

export const tokens = { server: 'server-token-0123456789abcdef', agent: 'agent-token-0123456789abcdef' }

/** What the flows describe: lib/machines/first/bundle.ts. k3s' agent stays out (machine.ts). */
const common = {
  cluster: 'main',
  network: '10.110.0.0/20',
  tlsSans: [reserved, tlsName],
  tokens,
  // Never fetched: the program lies there already, and its digest is put in.
  k3s: { version: 'v1.36.5+k3s1', url: 'https://example.org/k3s', sha256: '00'.repeat(32) },
  files: [{ path: '/etc/rancher/k3s/config.yaml.d/90-server-only.yaml', content: 'disable-agent: true\n' }],
} satisfies Partial<NodeSpec>

const firstServer = (more: Partial<NodeSpec> = {}): NodeSpec => ({
  ...common,
  name: 'main-1',
  role: 'first-server',
  ...more,
})

/** Another server of the cluster of the first machine. */
export const joiningServer = (nth: number, more: Partial<NodeSpec> = {}): NodeSpec => ({
  ...common,
  datastore: 'etcd',
  name: `main-${nth}`,
  role: 'server',
  join: `https://${addresses(1).private}:6443`,
  ...more,
})

/** A machine with everything on its disk that a droplet has before k3s is installed. */
export async function droplet(
  t: { teardown(end: () => void): unknown },
  nth: number,
  node: NodeSpec,
): Promise<Machine> {
  const machine = await Machine.make(t, nth)
  await machine.unpack(bundleWish(node, { authorities }))
  return machine
}

/** A machine whose first server has become a Ready node; its kubelet is played. */
export async function startFirst(
  t: { teardown(end: () => void): unknown; equal(a: unknown, b: unknown, message: string): unknown },
  more: Partial<NodeSpec> = {},
): Promise<Machine> {
  const machine = await droplet(t, 1, firstServer(more))
  playKubelet(t, operator, 'main-1', machine)
  const { code, out, err } = await machine.install()
  t.equal(
    code,
    0,
    `main-1 installs k3s: ${out.trim().split('\n').at(-1)} ${code === 0 ? '' : err.slice(-2000)}`,
  )
  return machine
}

/** Asks as the operator and reads the answer. @throws Error unless it is 200 or 201 */
export async function api<Object = { metadata: { uid: string; resourceVersion: string } }>(
  path: string,
  how: Parameters<typeof ask>[2] = {},
): Promise<Object> {
  const { status, text } = await ask(operator, path, how)
  if (status !== 200 && status !== 201) throw new Error(`${path}: ${status} ${text.slice(0, 500)}`)
  return JSON.parse(text)
}

/** Looks until it is so. @throws Error naming the wish */
export async function until(
  wish: string,
  look: () => Promise<boolean> | boolean,
  seconds = 120,
): Promise<void> {
  const end = Date.now() + seconds * 1000
  let last: unknown
  while (Date.now() < end) {
    try {
      if (await look()) return
    } catch (error) {
      last = error
    }
    await sleep(300)
  }
  throw new Error(`not within ${seconds} s: ${wish}${last ? ` (${last})` : ''}`)
}
