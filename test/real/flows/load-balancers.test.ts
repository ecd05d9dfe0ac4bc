import t from 'tap'
import { z } from 'zod'
import { openTestBox } from '../../flows/box.ts'
import { ids } from '../../flows/shop.ts'

// Load balancers as a person's own cloud controller makes them, in a SIMULATED account.

t.setTimeout(300_000)
const box = await openTestBox(t)
const grown = await box.run('bootstrap.mts')
if (grown.code !== 0) throw new Error(grown.err)

const rule = { entry_protocol: 'tcp', entry_port: 80, target_protocol: 'tcp', target_port: 30_080 }
const make = async (more: object) => {
  const body = { region: 'fra1', forwarding_rules: [rule], ...more }
  const { load_balancer: made } = await box.cloud('POST', '/v2/load_balancers', body)
  return z.object({ id: z.string() }).parse(made).id
}
const [vpc] = z
  .array(z.object({ id: z.string(), name: z.string() }))
  .parse((await box.cloud('GET', '/v2/vpcs')).vpcs)
  .filter((one) => one.name === 'main-network')
const [droplet] = ids((await box.cloud('GET', '/v2/droplets')).droplets).map(Number)
const other = { name: 'theirs', region: 'fra1', size: 's-1vcpu-2gb', image: 'debian-13-x64' }
const { droplet: foreign } = await box.cloud('POST', '/v2/droplets', other)
const theirs = z.object({ id: z.number() }).parse(foreign).id

const ours = await make({ name: 'a1b2c3', size_unit: 2, vpc_uuid: vpc?.id, droplet_ids: [droplet] })
const shared = await make({ name: 'shared', droplet_ids: [droplet, theirs] })
const alike = await make({ name: 'main-1', droplet_ids: [theirs] })

t.test('status shows it with its price', async (t) => {
  const ended = await box.run('scripts/status.mts', ['--json'])
  t.equal(ended.code, 0, ended.err)
  const { exists, perMonth } = JSON.parse(ended.out)
  const all = exists.filter((one: { kind: string }) => one.kind === 'load balancer')
  t.same(all, [
    { kind: 'load balancer', name: 'a1b2c3', what: 'made by Kubernetes for a Service', perMonth: 24 },
  ])
  t.equal(perMonth, 41.4, 'a machine, Spaces, a GiB, its copies and two nodes of a load balancer')
})

t.test('a token that may not see any is said to, and does not hinder', async (t) => {
  box.behave({ digitalocean: { forbidden: ['/v2/load_balancers'] } })
  const ended = await box.run('scripts/destroy.mts', ['--dry-run'])
  t.equal(ended.code, 0, ended.err)
  t.match(
    ended.out,
    '! load balancers, which Kubernetes may have made, cannot be seen: the token lacks load_balancer:read',
  )
  box.behave({})
})

t.test('destroy names it and what it costs, removes it before the machines, and no other', async (t) => {
  const ended = await box.run('scripts/destroy.mts', ['--yes', '--confirm', 'main'])
  t.equal(ended.code, 0, ended.err)
  t.match(ended.err, `- load balancer a1b2c3 (${ours})  $24.00`)
  t.match(ended.err, /^- load balancer a1b2c3/m)
  const gone = ended.requests.filter((one) => one.method === 'DELETE').map((one) => one.path)
  t.ok(gone.indexOf(`/v2/load_balancers/${ours}`) < gone.indexOf(`/v2/droplets/${droplet}`), gone.join('\n'))
  t.same(ids((await box.cloud('GET', '/v2/load_balancers')).load_balancers).sort(), [shared, alike].sort())
})
