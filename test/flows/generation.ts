import type { Test } from 'tap'
import { z } from 'zod'
import type { Shop } from './shop.ts'

const proof = z.looseObject({
  server: z.string(),
  missing: z.array(z.string()),
  volumes: z.array(z.looseObject({ claim: z.string(), moved: z.number(), bytes: z.number() })),
})

/**
 * Everything is lost but the buckets and Git, and comes back onto a new server, with every byte that was there; then
 * the shop writes on and is backed up as `generation-<n>`.
 */
export async function playGeneration(t: Test, shop: Shop, n: number): Promise<void> {
  const before = await shop.content()
  await shop.lose()
  const ended = await shop.restore('--backup', 'latest')
  t.equal(ended.code, 0, ended.err)
  const proven = proof.parse(JSON.parse(ended.out))
  t.equal(proven.server, `main-${n + 1}`)
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
  t.match(ended.err, '+ Deployment shop/by-hand  from the backup')
  t.ok(await shop.kubectl('get deployment by-hand -n shop -o name'))
  const mode = 'get backupstoragelocation default -n velero -o jsonpath={.spec.accessMode}'
  t.equal(await shop.kubectl(mode), 'ReadWrite')
  t.equal(await shop.kubectl('get schedule daily -n velero -o jsonpath={.status.phase}'), 'Enabled')
  await shop.write()
  await shop.backUp(`generation-${n}`)
}
