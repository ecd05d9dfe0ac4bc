import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { z } from 'zod'
import { confirmed, mutating, openTestBox } from '../../flows/box.ts'

// One SIMULATED cluster that grows and shrinks: each test stands on what the one before left.

const box = await openTestBox(t)
const own = /^digitalocean (POST \/v2\/spaces\/keys|DELETE \/v2\/spaces\/keys\/\w+)$/
const droplets = async () =>
  z
    .object({
      droplets: z.array(
        z.object({ id: z.number(), name: z.string(), size_slug: z.string(), status: z.string() }),
      ),
    })
    .parse(await box.cloud('GET', '/v2/droplets?per_page=200')).droplets
const readyNodes = async () => {
  const asked = await box.run('kubectl', ['get', 'nodes', '-o', 'json'])
  const condition = z.object({ type: z.string(), status: z.string() })
  return z
    .object({
      items: z.array(
        z.object({
          metadata: z.object({ name: z.string() }),
          status: z.object({ conditions: z.array(condition) }),
        }),
      ),
    })
    .parse(JSON.parse(asked.out))
    .items.filter((one) =>
      one.status.conditions.some((each) => each.type === 'Ready' && each.status === 'True'),
    )
    .map((one) => one.metadata.name)
}

const bootsByName = async () => {
  const asked = await box.run('kubectl', ['get', 'nodes', '-o', 'json'])
  const node = z.object({
    metadata: z.object({ name: z.string() }),
    status: z.object({ nodeInfo: z.object({ bootID: z.string() }) }),
  })
  const { items } = z.object({ items: z.array(node) }).parse(JSON.parse(asked.out))
  return Object.fromEntries(items.map((one) => [one.metadata.name, one.status.nodeInfo.bootID]))
}
/** The pods and kubelets that hear of no change, among those that are there. */
const blind = async () => {
  const [name = ''] = readdirSync(join(box.dir, '.sandbox', 'clusters')).filter((one) =>
    one.endsWith('.json'),
  )
  await sleep(300) // the box saves what changed a moment later
  const saved = z
    .object({
      blind: z.array(z.string()),
      store: z.object({ things: z.array(z.object({ metadata: z.object({ uid: z.string() }) })) }),
    })
    .parse(box.world(`clusters/${name.replace('.json', '')}`))
  const there = saved.store.things.map((one) => one.metadata.uid)
  return saved.blind.filter((one) => one.startsWith('node/') || there.includes(one))
}

t.test('where nothing is, nothing can be scaled', async (t) => {
  const ended = await box.run('scale.mts', ['--add', '1'])
  t.equal(ended.code, 1)
  t.match(ended.err, 'bootstrap.mts --name main --sandbox grows it')
  t.same(mutating(ended.requests), [])
})

t.test('an agent joins by a bundle of its own', async (t) => {
  t.equal((await box.run('bootstrap.mts')).code, 0)
  const dry = await box.run('scale.mts', ['--add', '1', '--dry-run', '--json'])
  t.equal(dry.code, 0, dry.err)
  t.ok(
    mutating(dry.requests).every((one) => own.test(one)),
    'only keys to look with',
  )
  t.match(JSON.parse(dry.out), { perMonth: { before: 12, after: 24, difference: 12 } })
  const ended = await box.run('scale.mts', ['--add', '1', '--json'])
  t.equal(ended.code, 0, ended.err)
  t.match(ended.err, '+ node main-2  Ready')
  t.same(await readyNodes(), ['main-1', 'main-2'])
  const bundle = join(box.dir, '.sandbox', 'droplets', String((await droplets())[1]?.id), 'bundle')
  const kit = JSON.stringify(readdirSync(bundle, { recursive: true }))
  t.notMatch(kit, 'tls', 'no authorities')
  const config = readFileSync(join(bundle, 'k3s', 'config.yaml'), 'utf8')
  t.match(config, /^server: https:\/\/10\.110\.0\.\d+:6443$/m)
  t.match(config, /^token: K10[0-9a-f]{64}::node:/m)
  t.notMatch(config, '::server:')
})

t.test('without flags nothing is left to do', async (t) => {
  const ended = await box.run('scale.mts')
  t.equal(ended.code, 0, ended.err)
  t.match(ended.err, 'nothing to do')
  t.ok(mutating(ended.requests).every((one) => own.test(one)))
})

t.test('a machine leaves, and what ran there goes on elsewhere with its volume', async (t) => {
  await box.run('kubectl', ['cordon', 'main-1'])
  await box.run('kubectl', ['delete', 'pod', 'hello-0', '-n', 'hello'])
  const attached = async () =>
    z
      .object({ volumes: z.array(z.object({ droplet_ids: z.array(z.number()) })) })
      .parse(await box.cloud('GET', '/v2/volumes'))
      .volumes.flatMap((one) => one.droplet_ids)
  const [first, second] = await droplets()
  for (let tries = 0; tries < 100 && (await attached())[0] !== second?.id; tries++) await sleep(50)
  t.same(await attached(), [second?.id])
  const refused = await box.run('scale.mts', ['--remove', 'main-2'])
  t.equal(refused.code, 1)
  t.match(refused.err, 'no room for')
  t.match(refused.err, 'hello/hello-0')
  t.match(refused.err, '--force overrides this')
  await box.run('kubectl', ['uncordon', 'main-1'])
  const ended = await box.run('scale.mts', ['--remove', 'main-2'])
  t.equal(ended.code, 0, ended.err)
  t.same(await readyNodes(), ['main-1'])
  t.same(
    (await droplets()).map((one) => one.name),
    ['main-1'],
  )
  for (let tries = 0; tries < 100 && (await attached())[0] !== first?.id; tries++) await sleep(50)
  t.same(await attached(), [first?.id])
})

t.test('a refused size: the machine is on again, and the next run goes on', async (t) => {
  box.behave({ digitalocean: { errored: { resize: 2 } } })
  const refused = await box.run('scale.mts', ['--size', 's-2vcpu-4gb'])
  t.equal(refused.code, 1)
  t.match(refused.err, 'DigitalOcean did not make main-1 a s-2vcpu-4gb: its resize action errored')
  t.match(await droplets(), [{ status: 'active', size_slug: 's-1vcpu-2gb' }])
  t.same(await readyNodes(), ['main-1'])
  const ended = await box.run('scale.mts')
  t.equal(ended.code, 0, ended.err)
  t.match(await droplets(), [{ status: 'active', size_slug: 's-2vcpu-4gb' }])
  t.same(await readyNodes(), ['main-1'])
})

t.test('SQLite becomes etcd on three servers; what fails is put back and named', async (t) => {
  t.equal((await box.run('scale.mts', ['--add', '1'])).code, 0)
  const boots = await bootsByName()
  box.behave({ convertFails: true })
  const failed = await box.run('scale.mts', ['--ha'])
  t.equal(failed.code, 1)
  t.match(
    failed.err,
    'main-1 could not be converted to etcd: etcd did not take over; the old database is back',
  )
  t.equal((await droplets()).length, 2, 'no server joins SQLite')
  const takenBack = await bootsByName()
  for (const name of ['main-1', 'main-3']) t.not(takenBack[name], boots[name], `${name} was restarted`)
  box.behave({})
  const planned = await box.run('scale.mts', ['--dry-run'])
  t.match(planned.out, 'main-1 restarts: the Kubernetes API and its apps are away')
  t.match(planned.out, 'main-3 restarts after it')
  const ended = await box.run('scale.mts')
  t.equal(ended.code, 0, ended.err)
  t.same(await readyNodes(), ['main-1', 'main-3', 'main-4', 'main-5'])
  const converted = await bootsByName()
  for (const name of ['main-1', 'main-3']) t.not(converted[name], takenBack[name], `${name} was restarted`)
  t.same(await blind(), [], 'nobody watches from a number of the old database')
  const refused = await box.run('scale.mts', ['--remove', 'main-5'])
  t.match(refused.err, 'two servers would stay')
})

t.test('a dead server is replaced, and the address leads to a living one', async (t) => {
  const [first] = await droplets()
  // As a run leaves it that is killed while the node converts: Kubernetes goes on without it.
  const wish = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'regrow-convert', namespace: 'kube-system' },
  }
  const planted = await box.run('kubectl', [
    'apply',
    '--server-side',
    '-f',
    box.file('wish', JSON.stringify(wish)),
  ])
  t.equal(planted.code, 0, planted.err)
  await box.cloud('POST', `/v2/droplets/${first?.id}/actions`, { type: 'power_off' })
  for (let tries = 0; tries < 100 && (await droplets())[0]?.status !== 'off'; tries++) await sleep(50)
  const ended = await box.run('scale.mts', ['--replace', 'main-1'])
  t.equal(ended.code, 0, ended.err)
  t.match(ended.err, /address \S+ {2}leads to main-4/)
  const left = await box.run('kubectl', [
    'get',
    'secret',
    'regrow-convert',
    '-n',
    'kube-system',
    '--ignore-not-found',
  ])
  t.equal(left.out, '', 'what asked for a conversion that is over is taken back')
  t.same(await readyNodes(), ['main-3', 'main-4', 'main-5', 'main-6'])
  const status = await box.run('scripts/status.mts', ['--json'])
  t.match(JSON.parse(status.out), {
    missing: [],
    nodes: ['main-3', 'main-4', 'main-5', 'main-6'].map((name) => ({ name, ready: true })),
  })
})

t.test('destroy removes all of them', async (t) => {
  const ended = await box.run('scripts/destroy.mts', ['--json', ...confirmed()])
  t.equal(ended.code, 0, ended.err)
  t.same(JSON.parse(ended.out).left, [])
  t.same(await droplets(), [])
})
