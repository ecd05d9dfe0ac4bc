import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { names } from '../../lib/base/names.ts'
import { Secret } from '../../lib/base/secret.ts'
import { connectDigitalOcean } from '../../lib/clients/digitalocean.ts'
import type { Cluster } from '../../lib/cluster/cluster.ts'
import { kindOf } from './client-address.ts'
import type { Look } from './look.ts'
import { differenceOf, outcomeOf } from './question.ts'
import { isAsked, isOfTheMachine, isUnasked, questions } from './questions/all.ts'
import type { Passed } from './relay.ts'
import { root, type Sight } from './sight.ts'

t.test('every question has a name of its own, a doubt, and a place that is there', async (t) => {
  const ids = questions.map(({ id }) => id)
  t.equal(new Set(ids).size, ids.length)
  for (const one of questions) {
    t.match(one.question, /\?$/, one.id)
    t.ok(one.doubt, one.id)
    if (isUnasked(one)) t.ok(one.unasked, one.id)
    else
      for (const [path] of one.place.matchAll(/\b(sandbox|lib|docs|manifests|cloud-init|test)\/[\w./-]*\w/g))
        t.ok(existsSync(join(root, path)), `${one.id}: ${path}`)
  }
})

t.test('what the sandbox plays strictly because nobody knows is asked', async (t) => {
  const page = readFileSync(join(root, 'docs/sandbox.md'), 'utf8')
  const rows = page.split('\n').filter((line) => line.startsWith('|') && line.includes('played strictly'))
  const asked = questions.filter(
    ({ doubt }) => doubt.startsWith('docs/sandbox.md') && doubt.includes('played strictly'),
  )
  t.ok(asked.length >= rows.length, `${asked.length} questions for ${rows.length} rows`)
})

t.test('an answer as supposed is no difference, and every wrong one is named', async (t) => {
  for (const one of questions) {
    if (isUnasked(one)) {
      t.equal(differenceOf(one, { said: 'yes' }), undefined, one.id)
      continue
    }
    t.equal(differenceOf(one, { said: one.supposed }), undefined, one.id)
    t.equal(differenceOf(one, { why: 'not in the box' }), undefined, one.id)
    t.match(
      differenceOf(one, { said: one.wrong }),
      { id: one.id, supposed: one.supposed, said: one.wrong, place: one.place },
      one.id,
    )
  }
})

const asSupposed: Record<string, string> = {
  firewall: 'nft',
  python3: 'there',
  resolver: '/run/systemd/resolve/stub-resolv.conf',
  swap: '2048',
  readahead: '128',
  clock: 'yes',
  upgrades: 'there',
  inhibit: '90',
  'kubelet-lock': '1',
  ufw: 'Status: inactive',
  oom: '0',
  datasource: 'DataSourceConfigDrive',
  private: 'eth1',
  anchor: '1',
  audit: 'written',
  'containerd-limit': 'off',
  drive: './openstack/latest/network_data.json',
  routes: 'gateway',
  metadata: 'closed',
}
const contrary: Record<string, string> = {
  ...asSupposed,
  firewall: 'iptables',
  python3: 'none',
  resolver: '/etc/resolv.conf',
  swap: '0',
  readahead: '8192',
  clock: 'no',
  upgrades: 'none',
  inhibit: '5',
  ufw: 'Status: active',
  oom: '2',
  datasource: 'DataSourceDigitalOcean',
  private: '',
  anchor: '0',
  audit: 'none',
  'containerd-limit': '620MiB',
  routes: 'routes',
  metadata: 'open',
}
const lookOf = (values: Record<string, string>): Look => ({
  values: new Map(Object.entries(values)),
  programs: [],
  containers: [],
})

t.test('a machine as it is taken to be differs in nothing, and a contrary one in everything', async (t) => {
  for (const one of questions.filter(isOfTheMachine)) {
    t.equal(differenceOf(one, one.read(lookOf(asSupposed))), undefined, one.id)
    t.equal(differenceOf(one, one.read(lookOf(contrary)))?.id, one.id)
    t.throws(() => one.read(lookOf({})), /said nothing of/, one.id)
  }
})

/** A DigitalOcean that does everything otherwise than the box. */
function answerOf(method: string, path: string, sent: string): [status: number, body: object] {
  const [id, name] = ['1', 'contact-0a1b2c-network']
  const project = {
    ...{ id, name: 'regrow-contact-0a1b2c', purpose: 'Other: Kubernetes cluster' },
    description: names.projectDescription('contact-0a1b2c'),
  }
  if (method === 'DELETE' && path.startsWith('/v2/vpcs/')) return [409, { message: 'has members' }]
  if (path.endsWith('/actions')) return [422, { message: 'Droplet already has this address' }]
  if (sent.includes('-second')) return [429, { message: 'one request per 10m0s' }]
  if (path.endsWith('/snapshots')) return [201, { snapshot: { id, size_gigabytes: 0 } }]
  if (method === 'POST') return [201, { volume: { id, size_gigabytes: 1 } }]
  if (method === 'DELETE') return [204, {}]
  if (path.startsWith('/v2/vpcs'))
    return [200, { vpcs: [{ id, name, region: 'fra1', ip_range: '10.1.0.0/20' }] }]
  if (path.startsWith('/v2/projects/')) return [200, { resources: [] }]
  if (path.startsWith('/v2/projects')) return [200, { projects: [project] }]
  if (path.startsWith('/v2/droplets')) return [200, { droplets: [] }]
  if (path.startsWith('/v2/volumes')) return [200, { volumes: [] }]
  if (path.startsWith('/v2/reserved_ips'))
    return [
      200,
      { reserved_ips: [{ ip: '192.0.2.1', region: { slug: 'fra1' }, project_id: id, droplet: { id: 7 } }] },
    ]
  if (path.startsWith('/v2/firewalls')) {
    const rule = { protocol: 'tcp', ports: '1-65535' }
    return [200, { firewalls: [{ id, name: 'contact-0a1b2c-firewall', outbound_rules: [rule] }] }]
  }
  if (path.startsWith('/v2/account')) return [200, { account: { uuid: 'u' } }]
  return [404, { message: 'not found' }]
}
t.test('a DigitalOcean that answers otherwise than the box is noticed, each time by name', async (t) => {
  const server = createServer(async (request, response) => {
    const [status, body] = answerOf(request.method ?? 'GET', request.url ?? '/', await text(request))
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(status === 204 ? undefined : JSON.stringify(body))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  t.teardown(() => void server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  Object.assign(process.env, { REGROW_DIGITALOCEAN_URL: url, DIGITALOCEAN_TOKEN: 'd', GITHUB_TOKEN: 'g' })
  const [name, tag] = ['contact-0a1b2c', 'regrow:contact-0a1b2c']
  const cloud = await connectDigitalOcean(url, new Secret('d'))
  const at = { at: 0, method: 'POST', ms: 1 }
  const requests: Passed[] = [
    { ...at, service: 'digitalocean', method: 'GET', path: '/v2/account', status: 200, limit: '250' },
    { ...at, service: 'digitalocean', path: '/v2/droplets', status: 429 },
    { ...at, service: 'digitalocean', path: '/v2/spaces/keys', status: 403, message: 'bucket not found' },
    { ...at, service: 'github', path: '/user/repos', status: 201 },
    { ...at, service: 'github', method: 'GET', path: '/repos/a/b/git/ref/heads/main', status: 409 },
    { ...at, service: 'github', path: '/repos/a/b/git/refs', status: 422 },
    { ...at, service: 'github', path: '/repos/a/b/keys', status: 422, message: 'Deploy keys are disabled' },
  ]
  const sight: Sight = {
    // Of a cluster these questions need no more.
    cluster: { name, tag, cloud, wanted: { region: 'fra1' } } as unknown as Cluster,
    ...{ kubeconfig: '', address: '', requests, patience: 1 },
  }
  const ids = [
    ...['network-with-members', 'same-assignment', 'project-purpose', 'snapshot-size', 'ports-returned'],
    ...[
      'account-limits',
      'requests-an-hour',
      'pause-with-429',
      'image',
      'larger-from-snapshot',
      'snapshot-pause',
    ],
    ...['grant-on-a-new-bucket', 'new-repository', 'ref-of-the-lock', 'deploy-key'],
  ]
  for (const one of questions.filter(isAsked).filter(({ id }) => ids.includes(id))) {
    const outcome = await outcomeOf(one, sight)
    t.match(differenceOf(one, outcome), { id: one.id, said: one.wrong }, JSON.stringify(outcome))
  }
})

t.test('a question that cannot be asked ends no play', async (t) => {
  const [one] = questions.filter(isAsked)
  t.ok(one)
  if (!one) return
  const ask = async () => {
    throw new Error('no answer\n  at all')
  }
  t.same(await outcomeOf({ ...one, ask }, {} as Sight), { why: 'it could not be asked: no answer at all' })
})

t.test('a client’s address is told by its range', async (t) => {
  const kinds = ['10.42.0.7', '10.19.0.5', '203.0.113.9', '2001:db8::1', ''].map(kindOf)
  t.same(kinds, [
    'one of the pods’ network',
    'one of DigitalOcean’s own',
    'its client’s',
    'its client’s',
    'none',
  ])
})
