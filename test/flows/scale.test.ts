import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { z } from 'zod'
import { mutating, openTestBox } from './box.ts'

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

t.test('where nothing is, nothing can be scaled', async (t) => {
  const ended = await box.run('scale.mts', ['--add', '1'])
  t.equal(ended.code, 1)
  t.match(ended.err, './bootstrap.mts --name main grows it')
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
