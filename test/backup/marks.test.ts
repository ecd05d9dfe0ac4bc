import t from 'tap'
import { asNode, nodeMarks } from '../../lib/backup/proof/marks.ts'

type Texts = Record<string, string>
const node = (name: string, labels: Texts, annotations: Texts = {}, taints: object[] = []) =>
  asNode({ metadata: { name, labels, annotations }, spec: { taints } })
const fresh = node('main-2', { 'kubernetes.io/hostname': 'main-2', region: 'fra1' })

t.test('whatever a person wrote onto a node comes onto the one in its place', async (t) => {
  const labels = {
    disk: 'fast',
    'topology.example.org/rack': '7',
    'topology.kubernetes.io/zone': 'a',
    'csi.example.org/pool': 'one',
    'node.kubernetes.io/exclude-from-external-load-balancers': 'true',
    'node-role.kubernetes.io/db': 'true',
    'svccontroller.k3s.cattle.io/enablelb': 'true',
  }
  const annotations = { 'example.org/bought': '2026' }
  const taints = [{ key: 'db', value: 'only', effect: 'NoSchedule' }]
  t.match(nodeMarks(node('main-1', labels, annotations, taints), fresh)?.apply, {
    metadata: { name: 'main-2', labels, annotations },
    spec: { taints },
  })
})

t.test('what programs write onto their own node stays with it', async (t) => {
  const labels = {
    'kubernetes.io/hostname': 'main-1',
    'beta.kubernetes.io/os': 'linux',
    'node.kubernetes.io/instance-type': 'k3s',
    'node-role.kubernetes.io/etcd': 'true',
    'k3s.io/hostname': 'main-1',
    'p2p.k3s.cattle.io/enabled': 'true',
    'topology.dobs.csi.digitalocean.com/region': 'fra1',
    region: 'ams3',
  }
  const annotations = {
    'k3s.io/node-args': '[]',
    'etcd.k3s.cattle.io/node-name': 'main-1',
    'flannel.alpha.coreos.com/public-ip': '10.0.0.2',
    'alpha.kubernetes.io/provided-node-ip': '10.0.0.2',
    'csi.volume.kubernetes.io/nodeid': '{}',
  }
  const taints = [{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }]
  t.equal(nodeMarks(node('main-1', labels, annotations, taints), fresh), undefined)
  t.equal(nodeMarks(node('main-1', { disk: 'fast' }), undefined), undefined, 'nothing has its place')
})
