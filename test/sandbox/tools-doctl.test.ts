import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { Faults } from '../../sandbox/faults.ts'
import { startTools } from '../../sandbox/tools/server.ts'
import { openWorld } from '../../sandbox/world.ts'

interface Seen {
  method: string
  path: string
  token: string
  agent: string
  body: unknown
}

/** A stand-in's folder, and an API that notes what it is asked and answers what the test says. */
async function setting(
  test: Pick<typeof t, 'teardown'>,
  answer: (seen: Seen, nth: number) => [number, unknown],
) {
  const dir = mkdtempSync(join(tmpdir(), 'regrow-test-'))
  const machines = {} as Parameters<typeof openWorld>[1]['machines']
  const world = await openWorld(dir, { faults: new Faults(), machines })
  const tools = await startTools(world)
  const seen: Seen[] = []
  const server = createServer(async (request, response) => {
    const pieces: Buffer[] = []
    for await (const piece of request) pieces.push(piece)
    const text = Buffer.concat(pieces).toString()
    const one = {
      method: request.method ?? '',
      path: request.url ?? '',
      token: request.headers.authorization ?? '',
      agent: request.headers['user-agent'] ?? '',
      body: text ? JSON.parse(text) : undefined,
    }
    seen.push(one)
    const [status, body] = answer(one, seen.length)
    response.writeHead(status, { 'content-type': 'application/json', 'x-request-id': 'rid' })
    response.end(status === 204 ? undefined : JSON.stringify(body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  test.teardown(async () => {
    server.closeAllConnections()
    server.close()
    await world.end()
    rmSync(dir, { recursive: true, force: true })
  })
  const doctl = (argv: string[], more: NodeJS.ProcessEnv = {}) =>
    new Promise<{ code: number; out: string; err: string }>((resolve) => {
      const env = {
        PATH: process.env.PATH,
        ...tools.env,
        HOME: dir,
        DIGITALOCEAN_API_URL: url,
        DIGITALOCEAN_ACCESS_TOKEN: 'envtok',
        ...more,
      }
      execFile(join(tools.binDir, 'doctl'), argv, { env, cwd: dir }, (error, out, err) =>
        resolve({ code: error ? Number(error.code) : 0, out, err }),
      )
    })
  return { dir, url, seen, doctl }
}

const isolated = ['--config', '/dev/null', '--http-retry-max', '0', '--output', 'json']

t.test('a firewall is sent as doctl sends it, and what comes back is printed as a list', async (t) => {
  const { seen, doctl } = await setting(t, () => [202, { firewall: { id: 'f-1', name: 'main-firewall' } }])
  const inbound = 'protocol:tcp,ports:6443,address:0.0.0.0/0,address:::/0 protocol:icmp,tag:regrow:main'
  const done = await doctl([
    ...isolated,
    ...['compute', 'firewall', 'create', '--name', 'main-firewall', '--inbound-rules', inbound],
    ...['--outbound-rules', 'protocol:udp,ports:all,address:::/0', '--tag-names', 'regrow:main'],
  ])
  t.match(done, { code: 0, err: '' })
  t.same(JSON.parse(done.out), [{ id: 'f-1', name: 'main-firewall' }])
  t.same(seen, [
    {
      method: 'POST',
      path: '/v2/firewalls',
      token: 'Bearer envtok',
      agent: 'doctl/stand-in',
      body: {
        name: 'main-firewall',
        inbound_rules: [
          { protocol: 'tcp', ports: '6443', sources: { addresses: ['0.0.0.0/0', '::/0'] } },
          { protocol: 'icmp', sources: { tags: ['regrow:main'] } },
        ],
        outbound_rules: [{ protocol: 'udp', ports: 'all', destinations: { addresses: ['::/0'] } }],
        droplet_ids: [],
        tags: ['regrow:main'],
      },
    },
  ])
})

t.test('a droplet costs three requests when it goes into a project', async (t) => {
  const { dir, seen, doctl } = await setting(t, ({ path }) => [
    200,
    path === '/v2/droplets' ? { droplet: { id: 7 } } : {},
  ])
  writeFileSync(join(dir, 'user-data'), '#cloud-config\n')
  const project = '4de7ac8b-495b-4884-9a69-1050c6793cd6'
  const done = await doctl([
    ...[
      'compute',
      'droplet',
      'create',
      'main-1',
      '--region',
      'fra1',
      '--size',
      's-1vcpu-2gb',
      '--image',
      'debian-13-x64',
    ],
    ...['--vpc-uuid', 'v', '--ssh-keys', '42', '--tag-names', 'regrow:main', '--user-data-file', 'user-data'],
    ...['--project-id', project, '--droplet-agent=false', ...isolated],
  ])
  t.equal(done.code, 0, done.err + done.out)
  t.same(
    seen.map((one) => `${one.method} ${one.path}`),
    [`GET /v2/projects/${project}`, 'POST /v2/droplets', `POST /v2/projects/${project}/resources`],
  )
  t.match(seen[1]?.body, {
    name: 'main-1',
    image: 'debian-13-x64',
    ssh_keys: [42],
    user_data: '#cloud-config\n',
    with_droplet_agent: false,
    vpc_uuid: 'v',
  })
})

t.test('a refusal of the API is told as doctl tells it, and repeated only when asked', async (t) => {
  const { url, seen, doctl } = await setting(t, () => [500, { id: 'server_error', message: 'broken' }])
  const once = await doctl([...isolated, 'compute', 'tag', 'create', 'x'])
  const detail = `POST ${url}/v2/tags: 500 (request "rid") broken`
  t.match(once, { code: 1, out: `${JSON.stringify({ errors: [{ detail }] })}\n` })
  t.equal(seen.length, 1)
  const twice = await doctl(['compute', 'tag', 'create', 'x', '--http-retry-max', '1'])
  t.match(twice, { code: 1, err: `Error: ${detail}; giving up after 2 attempt(s)\n` })
  t.equal(seen.length, 3, 'doctl repeats creates, too')
})

t.test('a context in the configuration file wins over the token in the environment', async (t) => {
  const { dir, seen, doctl } = await setting(t, () => [200, { account: { uuid: 'u' } }])
  writeFileSync(join(dir, 'config.yaml'), 'context: work\nauth-contexts:\n  work: worktok\n')
  await doctl(['account', 'get', '--config', 'config.yaml'])
  await doctl(['account', 'get', '--config', '/dev/null'])
  t.same(
    seen.map((one) => one.token),
    ['Bearer worktok', 'Bearer envtok'],
  )
  const lost = await doctl(['account', 'get', '--config', '/dev/null'], { DIGITALOCEAN_CONTEXT: 'other' })
  t.match(lost, { code: 1, err: /access token is required/ })
})

t.test('what the stand-in does not know it refuses, naming the way to the real one', async (t) => {
  const { seen, doctl } = await setting(t, () => [200, {}])
  for (const argv of [
    ['compute', 'droplet', 'create', 'a', '--size', 's', '--image', 'i', '--wait'],
    ['databases', 'list'],
    ['spaces', 'keys', 'delete', 'K', '--force'],
    ['compute', 'volume', 'delete', 'a', 'b', '--force'],
  ])
    t.match(await doctl(argv), { code: 64, err: /is a stand-in that does not know[\s\S]*scripts\/tools.mts/ })
  t.equal(seen.length, 0)
})

t.test('a person reads a table', async (t) => {
  const networks = {
    v4: [
      { type: 'private', ip_address: '10.0.0.2' },
      { type: 'public', ip_address: '1.2.3.4' },
    ],
  }
  const { doctl } = await setting(t, () => [
    200,
    { droplets: [{ id: 7, name: 'main-1', networks }], links: {} },
  ])
  const done = await doctl(['compute', 'droplet', 'ls', '--format', 'ID,Name,PublicIPv4'])
  t.equal(done.out, 'ID    Name      Public IPv4\n7     main-1    1.2.3.4\n')
})

t.test('nothing is deleted without --force', async (t) => {
  const { seen, doctl } = await setting(t, () => [204, undefined])
  t.match(await doctl(['vpcs', 'delete', 'v']), {
    code: 1,
    err: /Requires confirmation[\s\S]*Operation aborted/,
  })
  t.match(await doctl(['vpcs', 'delete', 'v', '--force']), { code: 0, out: '' })
  t.same(
    seen.map((one) => one.method),
    ['DELETE'],
  )
})
