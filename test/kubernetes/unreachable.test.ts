import t from 'tap'
import type { Droplet, ReservedIp } from '../../lib/clients/digitalocean-types.ts'
import type { Cluster } from '../../lib/cluster/cluster.ts'
import { unreachable } from '../../lib/kubernetes/unreachable.ts'

const cluster = (...servers: string[]) =>
  ({
    name: 'main',
    login: 'bob',
    place: { owner: 'bob', name: 'regrow-main' },
    committed: {},
    wanted: {
      nodes: [...servers.map((name) => ({ name, role: 'server' })), { name: 'main-9', role: 'agent' }],
    },
  }) as unknown as Cluster
const droplet = (name: string, status = 'active') => ({ id: name.slice(5), name, status }) as Droplet
const leads = (to?: string) => ({ ip: '192.0.2.1', droplet: to ? { id: to } : null }) as ReservedIp
const said = (one: Cluster, droplets: Droplet[], reservedIps: ReservedIp[], hasBackup = true) =>
  unreachable(one, { droplets, reservedIps }, hasBackup)

t.test('an address that leads to a server that is on: the API is asked', async (t) => {
  t.equal(said(cluster('main-1'), [droplet('main-1')], [leads('1')]), undefined)
  t.equal(said(cluster('main-1', 'main-2'), [droplet('main-2')], [leads('2')]), undefined)
})

t.test('no server is left: what brings it back, where there is something', async (t) => {
  t.match(said(cluster('main-1'), [droplet('main-9')], [leads()]), [
    'none: there is no droplet main-1',
    /restore\.mts --name main --backup latest brings back/,
    /bootstrap\.mts --name main grows an empty cluster instead/,
  ])
  t.match(said(cluster('main-1', 'main-2'), [], [], false), [
    'none: there is no droplet main-1 or main-2',
    /bootstrap\.mts --name main grows the cluster/,
  ])
})

t.test('the address is gone, leads nowhere, or to a machine that is not a server', async (t) => {
  t.match(said(cluster('main-1'), [droplet('main-1')], []), [
    'none: its reserved IP is gone',
    /bootstrap\.mts/,
  ])
  t.match(said(cluster('main-1'), [droplet('main-1')], [leads()]), [
    'does not answer: reserved IP 192.0.2.1 leads nowhere',
    /bootstrap\.mts --name main leads it to a server again/,
  ])
  const three = cluster('main-1', 'main-2', 'main-3')
  t.match(said(three, [droplet('main-2'), droplet('main-3')], [leads('9')]), [
    'does not answer: reserved IP 192.0.2.1 leads to droplet 9, which is not a server of it',
    /scale\.mts --name main leads it/,
  ])
})

t.test('its server is off', async (t) => {
  t.match(said(cluster('main-1'), [droplet('main-1', 'off')], [leads('1')]), [
    'does not answer: droplet main-1 is off',
    /bootstrap\.mts --name main powers it on/,
  ])
})
