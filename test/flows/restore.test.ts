import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { z } from 'zod'
import { mutating, openTestBox } from './box.ts'
import { openShop } from './shop.ts'

// One SIMULATED cluster that is lost and brought back, again and again: each test stands on what the one before left.

t.setTimeout(600_000) // many flows, on a machine that may be busy
const box = await openTestBox(t)
const shop = await openShop(box)
await shop.write()
await shop.backUp('before-the-loss')
let before = await shop.content()

const proof = z.looseObject({
  server: z.string(),
  missing: z.array(z.string()),
  volumes: z.array(z.looseObject({ claim: z.string(), moved: z.number(), bytes: z.number() })),
  applications: z.record(z.string(), z.string()),
})

t.test('while it is alive nothing is restored over it', async (t) => {
  const ended = await shop.restore('--backup', 'latest')
  t.equal(ended.code, 1)
  t.match(ended.err, 'cluster main is alive: droplet main-1 is active')
  t.match(ended.err, '--replace powers it off first')
  const unasked = await shop.restore()
  t.equal(unasked.code, 2)
  t.match(unasked.err, 'before-the-loss')
})

for (const [generation, server] of [
  [1, 'main-2'],
  [2, 'main-3'],
  [3, 'main-4'],
] as const)
  t.test(
    `generation ${generation}: everything is lost but the buckets and Git, and comes back`,
    async (t) => {
      await shop.lose()
      const ended = await shop.restore('--backup', 'latest')
      t.equal(ended.code, 0, ended.err)
      const proven = proof.parse(JSON.parse(ended.out))
      t.equal(proven.server, server)
      t.same(proven.missing, [])
      t.same(
        proven.volumes.map((one) => [one.claim, one.moved === one.bytes]),
        [
          ['hello/hello', true],
          ['shop/files', true],
        ],
      )
      t.same(
        await shop.content(),
        before,
        'every byte of every file, and the Secret that was only in the cluster',
      )
      t.match(ended.err, '+ Deployment shop/by-hand  from the backup: Git has none')
      t.ok(await shop.kubectl('get deployment by-hand -n shop -o name'))
      t.equal(
        await shop.kubectl('get backupstoragelocation default -n velero -o jsonpath={.spec.accessMode}'),
        'ReadWrite',
      )
      t.equal(await shop.kubectl('get schedule daily -n velero -o jsonpath={.status.phase}'), 'Enabled')
      await shop.write()
      await shop.backUp(`generation-${generation}`)
      before = await shop.content()
    },
  )

t.test('one byte altered afterwards is noticed', async (t) => {
  const file = join(await shop.volumeOf('shop', 'files'), 'a')
  const bytes = readFileSync(file)
  bytes[7] = (bytes[7] ?? 0) ^ 1
  writeFileSync(file, bytes)
  t.notSame(await shop.content(), before)
})

t.test('the same command again changes nothing', async (t) => {
  const already = await box.run('restore.mts', ['--backup', 'generation-2'])
  t.equal(already.code, 0, already.err)
  t.notMatch(already.err, /^[+~-] /m)
  const own = /^digitalocean (POST \/v2\/spaces\/keys|DELETE \/v2\/spaces\/keys\/\w+)$/
  t.same(
    mutating(already.requests).filter((one) => !own.test(one)),
    [],
  )
})
