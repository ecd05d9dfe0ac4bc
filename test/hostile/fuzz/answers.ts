import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Secret } from '../../../lib/base/secret.ts'
import { connectDigitalOcean } from '../../../lib/clients/digitalocean.ts'
import { connectGitHub } from '../../../lib/clients/github.ts'
import { connectStore } from '../../../lib/clients/s3.ts'
import type { Random } from './random.ts'
import { attempted, changed, type Target } from './target.ts'

process.env.REGROW_REQUESTS_PER_MINUTE = '0'

// Pauses before something is asked again take a moment here; the deadlines of requests stay as they are.
const later = globalThis.setTimeout
Object.assign(globalThis, {
  setTimeout: (act: () => void, ms = 0, ...more: []) =>
    later(act, ms >= 250 && ms < 10_000 ? 1 : ms, ...more),
})

let answer: { status: number; headers: Record<string, string>; body: string | Buffer } = {
  status: 200,
  headers: {},
  body: '',
}
const asked: string[] = []
const server = createServer((request, response) => {
  request.resume()
  asked.push(request.method ?? '')
  response.writeHead(answer.status, answer.headers)
  response.end(answer.body)
})
await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
server.unref()
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
const cloud = await connectDigitalOcean(url, new Secret('dop_v1_of-nobody'))
const github = await connectGitHub(url, new Secret('ghp_of-nobody-at-all'))
const key = { accessKey: 'a', secretKey: new Secret('secret-of-nobody') }
const bucket = (await connectStore(url, 'us-east-1', key)).bucket('kept')
const place = { owner: 'bob', name: 'regrow-main' }

const region = { slug: 'fra1', name: 'Frankfurt', available: true, sizes: ['s'] }
const at = '2026-11-30T10:00:00Z'
const droplet = {
  ...{
    id: 1,
    name: 'main-1',
    status: 'active',
    locked: false,
    size_slug: 's',
    disk: 50,
    region,
    tags: ['regrow:main'],
  },
  ...{
    vpc_uuid: 'v',
    volume_ids: ['a'],
    created_at: at,
    networks: { v4: [{ ip_address: '192.0.2.1', type: 'public' }] },
  },
}
const sha = 'a'.repeat(40)
const one = {
  account: { email: 'a@example.org', uuid: 'u', team: { uuid: 't', name: 'My Team' }, droplet_limit: 10 },
  droplets: [droplet],
  droplet,
  projects: [{ id: 'p', name: 'regrow-main', is_default: false }],
  resources: [{ urn: 'do:droplet:1' }],
  vpcs: [{ id: 'v', name: 'main-network', region: 'fra1', ip_range: '10.0.0.0/20', default: false }],
  firewalls: [
    {
      id: 'f',
      name: 'main-firewall',
      inbound_rules: [{ protocol: 'tcp', ports: '80', sources: { addresses: ['0.0.0.0/0'] } }],
    },
  ],
  ssh_keys: [{ id: 1, name: 'main-key', fingerprint: 'f', public_key: 'ssh-ed25519 A' }],
  reserved_ips: [{ ip: '192.0.2.2', region, droplet: { id: 1 } }],
  load_balancers: [{ id: 'l', name: 'b', size_unit: 1 }],
  keys: [{ name: 'k', access_key: 'a', created_at: at, grants: [{ bucket: 'b', permission: 'read' }] }],
  actions: [{ id: 1, status: 'completed', type: 'create', started_at: at }],
  volumes: [{ id: 'v', name: 'pvc-1', size_gigabytes: 1, region, tags: [], droplet_ids: [1] }],
  snapshots: [{ id: 's', name: 'n', resource_id: 'v', size_gigabytes: 1, regions: ['fra1'], created_at: at }],
  sizes: [{ slug: 's', memory: 1, vcpus: 1, disk: 1, price_monthly: 12, available: true, regions: ['fra1'] }],
  regions: [region],
  image: { status: 'available' },
  tags: [{ name: 'regrow:main' }],
  links: {},
  meta: { total: 1 },
}
const git = {
  ...{
    login: 'bob',
    name: 'regrow-main',
    owner: { login: 'bob' },
    private: true,
    html_url: url,
    ssh_url: 's',
    clone_url: 'c',
  },
  ...{
    default_branch: 'main',
    permissions: { admin: true, push: true },
    sha,
    message: 'm',
    tree: { sha },
    parents: [{ sha }],
  },
  ...{
    object: { sha },
    content: 'YQ==',
    encoding: 'base64',
    id: 1,
    key: 'k',
    title: 't',
    read_only: true,
    enforcement: 'active',
  },
}
const trees = { ...git, tree: [{ path: 'a', type: 'blob', sha }] }
const listed = { ...git, commit: { message: 'm', author: { name: 'n', date: at } }, type: 'deletion' }
const xml = `<?xml version="1.0"?><ListBucketResult><Name>kept</Name><IsTruncated>false</IsTruncated><Contents><Key>a</Key><Size>1</Size><LastModified>${at}</LastModified></Contents></ListBucketResult>`

const looks: readonly [unknown, () => Promise<unknown>][] = [
  ...(
    [
      'account',
      'droplets',
      'projects',
      'vpcs',
      'firewalls',
      'sshKeys',
      'reservedIps',
      'loadBalancers',
      'spacesKeys',
      'volumes',
    ] as const
  ).map((name): [unknown, () => Promise<unknown>] => [one, () => cloud[name]()]),
  ...(['volumeSnapshots', 'dropletSnapshots', 'sizes', 'regions', 'tags'] as const).map(
    (name): [unknown, () => Promise<unknown>] => [one, () => cloud[name]()],
  ),
  [one, () => cloud.projectResources('p')],
  [one, () => cloud.droplet('1')],
  [one, () => cloud.dropletActions('1')],
  [one, () => cloud.hasImage('debian-13-x64')],
  [git, () => github.user()],
  [git, () => github.repository('bob', 'regrow-main')],
  [git, () => github.ref(place, 'heads/main')],
  [git, () => github.commit(place, sha)],
  [trees, () => github.tree(place, sha)],
  [git, () => github.blob(place, sha)],
  [git, () => github.file(place, 'a')],
  [[listed], () => github.commits(place, { from: 'main' })],
  [[git], () => github.deployKeys(place)],
  [[listed], () => github.branchRules(place, 'main')],
  [git, () => github.ruleset(place, 1)],
  [git, () => github.protection(place, 'main')],
  [xml, () => bucket.list()],
  [xml, () => bucket.versions()],
  [xml, () => bucket.get('nodes/main-1/k3s.json')],
]

/** What the two clouds and the store answer, as whoever stands between or behind them may answer. */
export const answers: Target = async (random, told) => {
  const [good, look] = random.pick(looks)
  const text = typeof good === 'string' ? good : (JSON.stringify(random.changed(good)) ?? '')
  answer = {
    status: random.pick([200, 200, 200, 200, 400, 401, 403, 404, 409, 422]),
    ...bodyOf(random, text),
  }
  asked.length = 0
  await attempted(look, told)
  const wrong = asked.filter((method) => method !== 'GET' && method !== 'HEAD')
  if (wrong.length > 0) changed(`${wrong.join(', ')} was asked of a cloud`)
}

function bodyOf(random: Random, text: string) {
  const type = random.maybe(0.9)
    ? text.startsWith('<')
      ? 'application/xml'
      : 'application/json'
    : 'text/html'
  const date = random.pick([new Date().toUTCString(), 'never', 'Thu, 01 Jan 2099 00:00:00 GMT'])
  const refused = { id: random.text(), message: random.text(), errors: [{ message: random.text() }] }
  const body = random.pick([
    () => text,
    () => text,
    () => random.bytes(Buffer.from(text)),
    () => random.text(),
    () => JSON.stringify(refused),
  ])()
  return { headers: { 'content-type': type, date, 'x-oauth-scopes': 'repo' }, body }
}
