import { spawnSync } from 'node:child_process'
import { load } from 'js-yaml'
import t from 'tap'
import { type NodeSpec, nodeSpec } from '../src/index.ts'
import { renderK3sConfig, renderK3sUnit, renderKubeletConfig } from '../src/k3s.ts'
import { parseNode } from '../src/spec.ts'
import { joinToken } from '../src/tokens.ts'
import { agent, authorities, firstServer, secondServer } from './sample.ts'

const ca = authorities.server.cert
const config = (spec: NodeSpec) => load(renderK3sConfig(parseNode(spec), ca)) as Record<string, unknown>

t.test('a first server on SQLite', async (t) => {
  t.strictSame(config(firstServer), {
    'node-name': 'main-1',
    token: 'server-token-0123456789',
    'agent-token': 'agent-token-0123456789',
    'write-kubeconfig-mode': '0600',
    'cluster-cidr': '10.42.0.0/16',
    'service-cidr': '10.43.0.0/16',
    'flannel-backend': 'wireguard-native',
    'secrets-encryption': true,
    'disable-helm-controller': true,
    disable: ['traefik', 'local-storage', 'metrics-server'],
    'kube-apiserver-arg': [
      'admission-control-config-file=/etc/rancher/k3s/admission.yaml',
      'audit-policy-file=/etc/rancher/k3s/audit.yaml',
      'audit-log-path=/var/lib/rancher/k3s/server/logs/audit.log',
      'audit-log-maxage=30',
      'audit-log-maxbackup=3',
      'audit-log-maxsize=20',
    ],
    'kube-controller-manager-arg': ['terminated-pod-gc-threshold=10'],
    'protect-kernel-defaults': true,
    'tls-san': ['203.0.113.10', 'main.regrow.internal'],
  })
})

t.test('a first server on etcd begins the cluster', async (t) => {
  t.equal(config({ ...firstServer, datastore: 'etcd' })['cluster-init'], true)
  t.notOk('cluster-init' in config({ ...secondServer, datastore: 'etcd' }), 'a joining one never does')
})

t.test('a joining server checks the CA, and says of the cluster what the first says', async (t) => {
  const first = config(firstServer)
  const second = config(secondServer)
  t.equal(second.server, 'https://10.110.0.2:6443')
  t.equal(second.token, joinToken('server', 'server-token-0123456789', ca))
  t.equal(second['agent-token'], joinToken('node', 'agent-token-0123456789', ca), 'sent to nobody else')
  for (const key of [
    'cluster-cidr',
    'service-cidr',
    'flannel-backend',
    'secrets-encryption',
    'disable-helm-controller',
    'disable',
    'kube-apiserver-arg',
    'kube-controller-manager-arg',
    'protect-kernel-defaults',
  ])
    t.strictSame(second[key], first[key], key)
})

t.test('an agent knows the agent token alone', async (t) => {
  const text = renderK3sConfig(parseNode(agent), ca)
  t.strictSame(load(text), {
    'node-name': 'main-3',
    server: 'https://10.110.0.2:6443',
    token: joinToken('node', 'agent-token-0123456789', ca),
    'protect-kernel-defaults': true,
  })
  t.notMatch(text, /server-token/)
})

t.test('labels and taints', async (t) => {
  const marked = config({ ...agent, labels: { disk: 'fast', 'a/b': 'c' }, taints: ['only=db:NoSchedule'] })
  t.strictSame(marked['node-label'], ['disk=fast', 'a/b=c'])
  t.strictSame(marked['node-taint'], ['only=db:NoSchedule'])
})

t.test('the Gateway API is left out from the version on that brings it', async (t) => {
  const disabled = (version: string) =>
    config({ ...firstServer, k3s: { ...firstServer.k3s, version } }).disable as string[]
  t.notOk(disabled('v1.36.5+k3s1').includes('gateway-api-crd'))
  t.ok(disabled('v1.37.0+k3s1').includes('gateway-api-crd'))
  t.ok(disabled('v2.0.0+k3s1').includes('gateway-api-crd'))
})

t.test('units and kubelet', async (t) => {
  t.match(
    renderK3sUnit(parseNode(firstServer)),
    /\nType=notify\n[\s\S]*\nExecStart=\/usr\/local\/bin\/k3s server\n/,
  )
  t.match(renderK3sUnit(parseNode(agent)), /\nType=exec\n[\s\S]*\nExecStart=\/usr\/local\/bin\/k3s agent\n/)
  for (const spec of [firstServer, agent]) {
    const unit = renderK3sUnit(parseNode(spec))
    t.match(
      unit,
      /\nExecStartPre=\/usr\/local\/sbin\/regrow-metadata 10\.42\.0\.0\/16\n/,
      'no pod runs before it',
    )
    t.notMatch(
      unit,
      /Requires|BindsTo/,
      'nothing that failed once keeps k3s down: it is restarted and tried again',
    )
    t.match(unit, /\nOOMScoreAdjust=-900\n/)
    t.match(unit, /\nEnvironment=CONTAINERD_GOMEMLIMIT=off\n/, 'containerd and its shims get no limit of k3s')
  }
  const kubelet = (spec: NodeSpec) => load(renderKubeletConfig(parseNode(spec))) as Record<string, unknown>
  t.match(kubelet(firstServer), {
    memorySwap: { swapBehavior: 'LimitedSwap' },
    failSwapOn: false,
    evictionHard: { 'memory.available': '100Mi', 'nodefs.available': '5%', 'imagefs.available': '5%' },
    kubeReserved: { memory: '550Mi' },
    systemReserved: { memory: '150Mi' },
    enforceNodeAllocatable: ['none'],
  })
  t.match(kubelet(agent), { kubeReserved: { memory: '250Mi' } }, 'an agent runs less')
})

t.test('the soft limit of k3s’ memory follows the machine’s size', async (t) => {
  const asked = (spec: NodeSpec, kib: number) => {
    const [, command = ''] = /\nExecStartPre=\/bin\/sh -c '(.*)'\n/.exec(renderK3sUnit(parseNode(spec))) ?? []
    const script = command.replaceAll('$$', '$').replace('</proc/meminfo', '').replace(/>\S+$/, '')
    return spawnSync('sh', ['-c', script], {
      input: `MemTotal: ${kib} kB\nMemFree: 9 kB\n`,
      encoding: 'utf8',
    }).stdout
  }
  t.equal(asked(firstServer, 2_014_000), 'GOMEMLIMIT=620MiB\n')
  t.equal(asked(firstServer, 8_140_000), 'GOMEMLIMIT=2384MiB\n')
  t.equal(asked(agent, 990_000), 'GOMEMLIMIT=280MiB\n')
  t.equal(asked(agent, 8_140_000), 'GOMEMLIMIT=1192MiB\n')
  t.match(renderK3sUnit(parseNode(agent)), /\nEnvironmentFile=-\/run\/regrow-memory\.env\n/)
})

t.test('a description with faults is refused, each fault with its field', async (t) => {
  const wrong: [NodeSpec, RegExp][] = [
    [{ ...firstServer, name: 'Main_1' }, /name is not a name/],
    [{ ...firstServer, network: '10.110.0.0' }, /network is not an IPv4 range/],
    [{ ...firstServer, network: '10.110.0.0/33' }, /network is not an IPv4 range/],
    [{ ...firstServer, externalAddress: '203.0.113' }, /externalAddress is not an IPv4 address/],
    [{ ...firstServer, join: 'https://10.0.0.1:6443' }, /join belongs to a node that joins/],
    [{ ...firstServer, role: 'agent' }, /join belongs to a node that joins/],
    [{ ...firstServer, tokens: { server: 'short', agent: 'x'.repeat(16) } }, /tokens\.server is not a text/],
    [{ ...firstServer, k3s: { ...firstServer.k3s, sha256: 'abc' } }, /k3s\.sha256 is not a SHA-256/],
    [{ ...firstServer, k3s: { ...firstServer.k3s, version: '1.36' } }, /k3s\.version is not a k3s version/],
    [{ ...firstServer, files: [{ path: 'etc/x', content: '' }] }, /files\.0\.path is not an absolute path/],
    [
      { ...firstServer, files: [{ path: '/etc/../x', content: '' }] },
      /files\.0\.path is not an absolute path/,
    ],
  ]
  for (const [spec, message] of wrong) t.throws(() => parseNode(spec), { name: 'Problem', message })
  t.ok(nodeSpec.safeParse(firstServer).success)
})
