import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { costOf, costText, hoursOf, totalOf } from './cost.ts'
import { lookManifest, onTheMachine, parseLook } from './look.ts'
import { memoryOf, mibOf } from './measure.ts'
import { questions } from './questions/all.ts'
import { countOf, type Passed, startRelay } from './relay.ts'
import { findingsOf, pageOf } from './report.ts'
import { openDesk, type State } from './state.ts'
import { estimateOf, stepEstimate, waitsIn } from './waits.ts'

const none = { all: 0, aMinute: 0 }
const state: State = {
  ...{ name: 'contact-0a1b2c', region: 'fra1', size: 's-1vcpu-2gb', sandbox: true },
  ...{ account: 'an-account', login: 'somebody', begun: '2026-01-01T00:00:00Z' },
  steps: [{ name: 'bootstrap', seconds: 250, code: 0, digitalocean: none, github: none, waits: [] }],
  outcomes: {
    'network-with-members': { said: '409' },
    image: { said: 'yes' },
    metadata: { why: 'not in the box' },
  },
  ...{ memory: [], images: [] },
}

t.test('requests pass by as they are, and are noted without query, headers and content', async (t) => {
  const target = createServer(async (request, response) => {
    const body = await text(request)
    const { authorization } = request.headers
    response.writeHead(request.method === 'DELETE' ? 403 : 201, {
      'retry-after': '7',
      'ratelimit-limit': '5000',
    })
    response.end(JSON.stringify({ message: 'no', url: request.url, body, authorization }))
  })
  await new Promise<void>((done) => target.listen(0, '127.0.0.1', done))
  t.teardown(() => void target.close())
  const noted: Passed[] = []
  const to = `http://127.0.0.1:${(target.address() as AddressInfo).port}`
  const relay = await startRelay('digitalocean', to, (one) => void noted.push(one))
  t.teardown(() => relay.close())
  const headers = { authorization: 'Bearer t' }
  const answer = await fetch(`${relay.url}/v2/x?a=b`, { method: 'POST', body: '{"c":1}', headers })
  t.equal(answer.status, 201)
  t.match(await answer.json(), { url: '/v2/x?a=b', body: '{"c":1}', authorization: 'Bearer t' })
  t.equal((await fetch(`${relay.url}/v2/y`, { method: 'DELETE' })).headers.get('retry-after'), '7')
  t.match(noted, [
    { service: 'digitalocean', method: 'POST', path: '/v2/x', status: 201, limit: '5000' },
    { method: 'DELETE', path: '/v2/y', status: 403, message: 'no', retryAfter: '7' },
  ])
  t.notMatch(JSON.stringify(noted), 'Bearer')
  target.closeAllConnections()
  await new Promise<void>((done) => target.close(() => done()))
  await t.rejects(fetch(`${relay.url}/v2/z`), 'who asks sees that no answer came')
  t.equal(noted.at(-1)?.status, 0)
})

t.test('requests are counted by service and minute', async (t) => {
  const at = (seconds: number): Passed => ({
    ...{ at: seconds * 1000, service: 'github', method: 'GET', path: '/', status: 200, ms: 1 },
  })
  t.same(countOf([0, 1, 59, 60, 61].map(at), 'github'), { all: 5, aMinute: 3 })
  t.same(countOf([], 'digitalocean'), none)
})

t.test('the state can be read again, by nobody else, and goes', async (t) => {
  const folder = join(mkdtempSync(join(tmpdir(), 'regrow-contact-')), 'desk')
  t.teardown(() => rmSync(join(folder, '..'), { recursive: true, force: true }))
  const desk = openDesk(folder)
  t.equal(desk.load(), undefined)
  desk.save(state)
  t.same(desk.load(), state)
  t.equal(statSync(join(folder, 'state.json')).mode & 0o777, 0o600)
  t.equal(statSync(folder).mode & 0o777, 0o700)
  t.throws(() => desk.save({ ...state, name: 'main' }), 'no other cluster than one of its own making')
  desk.clear()
  t.equal(desk.load(), undefined)
})

t.test('a machine’s words are read whole, or not at all', async (t) => {
  const manifest = lookManifest('contact-0a1b2c-1')
  t.equal(manifest.spec.nodeName, 'contact-0a1b2c-1')
  const words = [
    'metadata\tclosed',
    'swap\t2048',
    'program\tk3s-server\t614400\t512000\t1024',
    'program\tcontainerd-shim\t10240\t4096\t0',
    'program\tcontainerd-shim\t10240\t4096\t0',
    'container\tabc\t10485760\t20971520\t0',
  ]
  t.throws(() => parseLook(words.join('\n')), 'not whole')
  const look = parseLook([...words, 'end\there', ''].join('\n'))
  t.equal(look.values.get('metadata'), 'closed')
  t.same(look.programs, [
    { name: 'k3s-server', peak: 600, own: 500, swap: 1 },
    { name: 'containerd-shim', peak: 20, own: 8, swap: 0 },
  ])
  const pod = {
    metadata: { name: 'velero-x', namespace: 'velero' },
    spec: { containers: [{ name: 'velero', resources: { limits: { memory: '160Mi' } } }] },
    status: { containerStatuses: [{ name: 'velero', containerID: 'containerd://abc' }] },
  }
  const { containers } = memoryOf('at rest', look, [pod])
  t.same(containers, [{ name: 'velero/velero-x velero', limit: 160, now: 10, peak: 20, swap: 0 }])
  t.same([mibOf('1Gi'), mibOf('512Ki'), mibOf('1048576'), mibOf(undefined)], [1024, 0.5, 1, 0])
})

t.test('what the machine runs is a script that a shell reads', async (t) => {
  t.equal(spawnSync('sh', ['-n', '-c', onTheMachine]).status, 0)
  const { stdout } = spawnSync('sh', ['-c', onTheMachine], { encoding: 'utf8' })
  const { values } = parseLook(stdout)
  for (const name of ['firewall', 'swap', 'routes', 'audit', 'oom']) t.ok(values.has(name), name)
})

t.test('the cost is made of the product’s own prices, each begun hour whole', async (t) => {
  const hours = hoursOf([
    { name: 'bootstrap', seconds: 300 },
    { name: 'wipe', seconds: 60 },
    { name: 'restore', seconds: 3600 },
    { name: 'scale out', seconds: 600 },
  ])
  t.same(hours, { first: 0.1, restored: 4200 / 3600, added: 600 / 3600 })
  const costs = costOf({ machine: 12, hours, fee: false })
  t.match(costs[0], { what: 'droplets, 4 hours', amount: (12 / 672) * 4 })
  t.ok(totalOf(costs) > 0.07 && totalOf(costs) < 0.2, String(totalOf(costs)))
  t.equal(totalOf(costOf({ machine: 12, hours, fee: true })), Math.round((totalOf(costs) + 5) * 100) / 100)
  t.match(costText(costs).at(-1), /together, at most +\$0\.\d\d/)
})

t.test('a script’s story tells its waits, without names of this play', async (t) => {
  const story = [
    'cluster contact-0a1b2c: alice',
    '+ droplet contact-0a1b2c-1  s-1vcpu-2gb, fra1  38 s',
    '+ address 192.0.2.7  leads to contact-0a1b2c-1  5.1 s',
    '= bucket regrow-contact-0a1b2c-8188b57480-kit  fra1',
    '+ bucket regrow-contact-0a1b2c-8188b57480-kit  fra1  2.0 s',
    '… droplet contact-0a1b2c-1  30 s',
  ].join('\n')
  const waits = waitsIn(story, 'contact-0a1b2c')
  t.same(waits, [
    { what: 'droplet NAME-1', seconds: 38 },
    { what: 'address IP', seconds: 5.1 },
    { what: 'bucket NAME-kit', seconds: 2 },
  ])
  t.same(
    waits.map(({ what }) => estimateOf(what)),
    [35, 6, undefined],
  )
  t.ok((stepEstimate('bootstrap') ?? 0) > 100)
  t.equal(stepEstimate('status'), undefined)
})

t.test('the report names every difference with its place, and what has no answer', async (t) => {
  const found = findingsOf(
    state,
    questions,
    costOf({ machine: 12, hours: hoursOf(state.steps), fee: false }),
    new Date(),
  )
  t.match(found.differences, [
    { id: 'network-with-members', supposed: '403', said: '409', place: 'sandbox/digitalocean/vpcs.ts' },
  ])
  t.equal(found.differences.length, 1)
  t.same(Object.keys(found.answers).length, questions.length)
  t.ok(found.notInBox.includes('images and their bytes') && found.notInBox.includes('metadata'))
  t.notOk(JSON.stringify(found).includes('an-account'), 'nobody’s account is in it')
  const page = pageOf(found)
  t.match(page, '| 403 | 409 | sandbox/digitalocean/vpcs.ts |')
  t.match(page, 'nothing below was measured at DigitalOcean')
  t.match(page, '## Not in the box\n\n- memory of each program')
  t.match(pageOf({ ...found, failed: 'restore: x' }), 'It did not end well:** restore: x')
})

t.test('without tokens it refuses politely, and nothing is written', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'regrow-contact-'))
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  const { DIGITALOCEAN_TOKEN: _, GITHUB_TOKEN: __, NODE_OPTIONS: ___, ...env } = process.env
  const start = join(import.meta.dirname, '../../lib/commands/start.mjs')
  const words = ['--import', start, join(import.meta.dirname, 'run.mts'), '--yes']
  const ended = spawnSync(process.execPath, words, { cwd: dir, encoding: 'utf8', env })
  t.equal(ended.status, 2, ended.stderr)
  t.match(ended.stderr, 'x DIGITALOCEAN_TOKEN and GITHUB_TOKEN are not set')
  t.throws(() => readFileSync(join(dir, '.first-contact', 'state.json')))
})
