import { Writable } from 'node:stream'
import t from 'tap'
import { beginDryRun } from '../../lib/base/dry-run.ts'
import type { Cluster } from '../../lib/cluster/cluster.ts'
import { ensureAddress } from '../../lib/machines/foundation/address.ts'
import { makeDroplet } from '../../lib/machines/foundation/droplet.ts'
import { ensureNetwork } from '../../lib/machines/foundation/network.ts'

// What is ordered, as a dry run shows it.
let shown = ''
const write = (chunk: Buffer, _: string, done: () => void) => {
  shown += chunk
  done()
}
beginDryRun(new Writable({ write }))
Object.assign(process.env, { DIGITALOCEAN_TOKEN: 'dop_v1_mine', GITHUB_TOKEN: 'ghp_mine0000' })
const none = async () => []
const cluster = {
  name: 'main',
  tag: 'regrow:main',
  wanted: {
    region: 'fra1',
    image: 'debian-13-x64',
    network: { range: '10.110.0.0/20', adminCidrs: ['203.0.113.7/32'] },
  },
  cloud: { tags: none, vpcs: none, firewalls: none, reservedIps: none, dropletsNamed: none, projects: none },
} as unknown as Cluster
const description = 'Grown by regrow: cluster main'
const project = { id: 'p1', name: 'regrow-main', is_default: false, description }

t.test('the address is made in the project, by which alone it is known again', async (t) => {
  await ensureAddress(cluster, project)
  t.match(shown, /\$ doctl compute reserved-ip create --region fra1 --project-id p1\n/)
})

t.test('the droplet carries the tag by which the firewall stands before it', async (t) => {
  const network = await ensureNetwork(cluster)
  t.match(shown, /firewall create .* --tag-names regrow:main\n/)
  const sshKey = { id: '1', name: 'main-key', fingerprint: '', public_key: '' }
  await makeDroplet(cluster, { name: 'main-1', size: 's', userData: '', project, network, sshKey })
  const order = shown.split('\n').find((line) => line.includes('droplet create')) ?? ''
  for (const words of [
    'main-1 ',
    '--tag-names regrow:main',
    '--project-id p1',
    '--vpc-uuid',
    '--user-data-file',
  ])
    t.match(order, words)
})
