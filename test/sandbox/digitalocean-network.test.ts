import t from 'tap'
import { fresh, type Ground } from './digitalocean-ground.ts'

// Traps of networks, firewalls and reserved IPs.

const droplet = {
  name: 'main-1',
  region: 'fra1',
  size: 's-1vcpu-2gb',
  image: 'debian-13-x64',
  tags: ['regrow:main'],
}
const everywhere = { addresses: ['0.0.0.0/0', '::/0'] }
const firewall = {
  name: 'main-firewall',
  inbound_rules: [{ protocol: 'tcp', ports: '443', sources: everywhere }],
  outbound_rules: [
    { protocol: 'tcp', ports: 'all', destinations: everywhere },
    { protocol: 'udp', ports: '1-65535', destinations: everywhere },
    { protocol: 'icmp', destinations: everywhere },
  ],
  tags: ['regrow:main'],
}
const grow = async (on: Ground, more: object = {}) => {
  const { body } = await on.ask('POST', '/droplets', { ...droplet, ...more })
  await on.settled()
  return body.droplet as { id: number; vpc_uuid: string }
}
const soon = async (what: () => Promise<boolean>) => {
  while (!(await what())) await new Promise((resolve) => setTimeout(resolve, 5))
}

t.test('the first network of a region is its default for ever, and one with members stays', async (t) => {
  const on = await fresh(t, undefined, 0.02)
  const make = async (name: string, range?: string) =>
    on.ask('POST', '/vpcs', { name, region: 'fra1', ...(range ? { ip_range: range } : {}) })
  const first = (await make('first', '10.110.0.0/20')).body.vpc
  t.equal(first.default, true)
  const second = (await make('second', '10.120.0.0/24')).body.vpc
  t.equal(second.default, false)
  t.match((await make('third', '10.110.8.0/24')).body.message, 'overlaps with another VPC network')
  for (const range of ['8.8.8.0/24', '10.0.0.0/8', '10.9.9.1/24', 'x'])
    t.equal((await make('odd', range)).status, 422, range)
  const { id } = await grow(on, { vpc_uuid: second.id })
  const { v4 } = (await on.ask('GET', `/droplets/${id}`)).body.droplet.networks
  t.match(v4, [{ type: 'public' }, { type: 'private', ip_address: '10.120.0.2', netmask: '255.255.255.0' }])
  const members = (await on.ask('GET', `/vpcs/${second.id}/members`)).body.members
  t.match(members, [{ name: 'main-1', urn: `do:droplet:${id}` }])
  t.equal((await on.ask('DELETE', `/vpcs/${second.id}`)).status, 403)
  await on.ask('DELETE', `/droplets/${id}`)
  const lingering = await on.ask('DELETE', `/vpcs/${second.id}`)
  t.match(lingering, { status: 403, body: { message: 'Can not delete VPC with members' } }, 'members linger')
  await soon(async () => (await on.ask('DELETE', `/vpcs/${second.id}`)).status === 204)
  t.equal((await on.ask('DELETE', `/vpcs/${first.id}`)).status, 403, 'the default stays')
  t.match(await on.ask('POST', '/droplets', { ...droplet, vpc_uuid: second.id }), { status: 422 })
})

t.test('a droplet without a network gets the default one of its region, made for it', async (t) => {
  const on = await fresh(t)
  const { vpc_uuid } = await grow(on)
  const { vpc } = (await on.ask('GET', `/vpcs/${vpc_uuid}`)).body
  t.match(vpc, { name: 'default-fra1', default: true, region: 'fra1' })
})

t.test('a firewall says 0 for all ports, and takes effect after a while', async (t) => {
  const on = await fresh(t, undefined, 0.1)
  const unknown = await on.ask('POST', '/firewalls', firewall)
  t.match(unknown, { status: 422, body: { message: 'tag regrow:main does not exist' } })
  await on.ask('POST', '/tags', { name: 'regrow:main' })
  const made = await on.ask('POST', '/firewalls', firewall)
  t.match(made, { status: 202, body: { firewall: { status: 'waiting' } } })
  const { id, inbound_rules, outbound_rules } = made.body.firewall
  t.match(inbound_rules, [{ ports: '443' }])
  t.match(outbound_rules, [{ ports: '0' }, { ports: '0' }, { ports: '0' }])
  await soon(async () => (await on.ask('GET', `/firewalls/${id}`)).body.firewall.status === 'succeeded')
  t.match(await on.ask('POST', '/firewalls', firewall), { status: 409 })
  const { name, inbound_rules: rules } = firewall
  const put = await on.ask('PUT', `/firewalls/${id}`, { name, inbound_rules: rules })
  t.match(put.body.firewall, { tags: [], outbound_rules: [] }, 'a PUT forgets what it does not tell')
  t.equal((await on.ask('PUT', `/firewalls/${id}`, { name })).status, 422)
  const asTold = await on.ask('PUT', `/firewalls/${id}`, { name, outbound_rules })
  t.match(asTold, { status: 422, body: { message: 'You must specify a positive value for ports.' } })
  t.equal((await on.ask('DELETE', `/firewalls/${id}`)).status, 204)
  t.equal((await on.ask('GET', `/firewalls/${id}`)).status, 200, 'not gone yet')
  await soon(async () => (await on.ask('GET', `/firewalls/${id}`)).status === 404)
})

t.test('a firewall lets in whom its rules name, on their ports', async (t) => {
  const on = await fresh(t)
  const { id } = await grow(on)
  const admits = (port: number, from: string) => on.booted.get(id)?.admits?.(port, from)
  t.equal(admits(22, '127.0.0.1'), true, 'no firewall, nothing is closed')
  const sources = { addresses: ['203.0.113.0/24', '2001:db8::/32'] }
  const inbound_rules = [{ protocol: 'tcp', ports: '6443', sources }]
  await on.ask('POST', '/firewalls', { name: 'wall', inbound_rules, tags: ['regrow:main'] })
  t.equal(admits(6443, '203.0.113.9'), true)
  t.equal(admits(6443, '127.0.0.1'), false)
  t.equal(admits(22, '203.0.113.9'), false)
})

t.test('a firewall without outbound rules cuts its droplets off, by tag and by id', async (t) => {
  const on = await fresh(t)
  const { id } = await grow(on)
  const reaches = () => on.booted.get(id)?.canReachOut()
  t.equal(reaches(), true, 'no firewall, nothing is closed')
  const { name, inbound_rules, tags } = firewall
  const made = (await on.ask('POST', '/firewalls', { name, inbound_rules, outbound_rules: null, tags })).body
    .firewall
  t.equal(reaches(), false)
  await on.ask('PUT', `/firewalls/${made.id}`, {
    name,
    inbound_rules,
    tags: ['regrow:main'],
    outbound_rules: firewall.outbound_rules,
  })
  t.equal(reaches(), true)
  await on.ask('PUT', `/firewalls/${made.id}`, { name, inbound_rules, droplet_ids: [id] })
  t.equal(reaches(), false)
  await on.ask('DELETE', `/firewalls/${made.id}`)
  t.equal(reaches(), true)
})

t.test('a reserved IP lies in its project and waits for the droplet’s other events', async (t) => {
  const on = await fresh(t, undefined, 0.02)
  const { project } = (await on.ask('POST', '/projects', { name: 'regrow-main', purpose: 'x' })).body
  const wish = { region: 'fra1', project_id: project.id }
  const { ip } = (await on.ask('POST', '/reserved_ips', wish)).body.reserved_ip
  const { body } = await on.ask('POST', '/droplets', droplet)
  const { id } = body.droplet
  const assign = () => on.ask('POST', `/reserved_ips/${ip}/actions`, { type: 'assign', droplet_id: id })
  t.match(await assign(), { status: 422, body: { message: 'Droplet already has a pending event.' } })
  await on.settled()
  t.match(await assign(), { status: 201, body: { action: { status: 'in-progress' } } })
  const seen = async () => (await on.ask('GET', `/reserved_ips/${ip}`)).body.reserved_ip
  t.match(await seen(), { droplet: null, locked: true })
  await on.settled()
  t.match(await seen(), { droplet: { id }, locked: false, project_id: project.id })
  t.ok(on.told.includes(`route ${ip} ${id}`))
  await on.ask('DELETE', `/droplets/${id}`)
  t.match(await seen(), { droplet: null }, 'it outlives the droplet')
  for (let n = 0; n < 2; n++) t.equal((await on.ask('POST', '/reserved_ips', { region: 'fra1' })).status, 202)
  t.equal((await on.ask('POST', '/reserved_ips', wish)).status, 422, 'three to an account')
  t.equal((await on.ask('DELETE', `/reserved_ips/${ip}`)).status, 204)
})
