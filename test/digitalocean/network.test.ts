import t from 'tap'
import type { Firewall } from '../../lib/clients/digitalocean-types.ts'
import type { Cluster } from '../../lib/cluster/cluster.ts'
import { firewallRules, sameRules } from '../../lib/machines/foundation/network.ts'

const cluster = {
  name: 'main',
  tag: 'regrow:main',
  wanted: { network: { adminCidrs: ['203.0.113.7/32', '2001:db8::/32'] } },
} as unknown as Cluster

const everyone = { addresses: ['::/0', '0.0.0.0/0'] }
const own = { tags: ['regrow:main'] }
/** As DigitalOcean returns what doctl sent: `0` for all ports and for ICMP, in another order. */
const returned = (): Firewall => ({
  id: 'f',
  name: 'main-firewall',
  status: 'succeeded',
  tags: ['regrow:main'],
  inbound_rules: [
    { protocol: 'icmp', ports: '0', sources: own },
    { protocol: 'udp', ports: '0', sources: own },
    { protocol: 'tcp', ports: '0', sources: own },
    { protocol: 'tcp', ports: '6443', sources: { addresses: ['2001:db8::/32', '203.0.113.7/32'] } },
    { protocol: 'tcp', ports: '443', sources: everyone },
    { protocol: 'tcp', ports: '80', sources: everyone },
  ],
  outbound_rules: [
    { protocol: 'icmp', ports: '0', destinations: everyone },
    { protocol: 'udp', ports: '0', destinations: everyone },
    { protocol: 'tcp', ports: '0', destinations: everyone },
  ],
})

t.test('all three protocols may leave, nothing listens on 22, 6443 is for the admins', async (t) => {
  const { inbound, outbound } = firewallRules(cluster)
  for (const protocol of ['tcp', 'udp', 'icmp'])
    t.match(outbound, new RegExp(`protocol:${protocol},[^ ]*0.0.0.0/0`))
  t.notMatch(inbound, /ports:22\b/)
  t.match(inbound, 'protocol:tcp,ports:6443,address:203.0.113.7/32,address:2001:db8::/32')
})

t.test('what DigitalOcean returns is no drift', async (t) => {
  t.equal(sameRules(returned(), cluster), true)
})

const drifts: [string, (wall: Firewall) => void][] = [
  ['a rule is gone', (wall) => wall.outbound_rules?.pop()],
  ['a rule more', (wall) => wall.inbound_rules?.push({ protocol: 'tcp', ports: '22', sources: everyone })],
  ['a wider source', (wall) => Object.assign(wall.inbound_rules?.[3] ?? {}, { sources: everyone })],
  ['the tag is gone', (wall) => Object.assign(wall, { tags: [] })],
  ['another port', (wall) => Object.assign(wall.inbound_rules?.[4] ?? {}, { ports: '8443' })],
]
for (const [what, alter] of drifts)
  t.test(`drift: ${what}`, async (t) => {
    const wall = returned()
    alter(wall)
    t.equal(sameRules(wall, cluster), false)
  })
