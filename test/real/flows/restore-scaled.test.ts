import t from 'tap'
import { z } from 'zod'
import { openTestBox } from '../../flows/box.ts'
import { fleetOf } from '../../flows/fleet.ts'
import { openShop } from '../../flows/shop.ts'

// Clusters of several machines, lost and brought back, in a SIMULATED world. An app in Git that runs on a machine which
// joins later must not keep the restore waiting for ever.

t.setTimeout(900_000) // many flows, on a machine that may be busy
const box = await openTestBox(t)
const shop = await openShop(box)
const { droplets, nodes } = fleetOf(box)
await box.run('scale.mts', ['--add', '1'])
await shop.write()
await shop.backUp('first')
const before = await shop.content()

const path = '/repos/bob/regrow-main/contents/clusters/main/apps/elsewhere.yaml'
/** An app in Git that runs on one machine alone. */
async function appOn(machine: string) {
  const there = z.object({ sha: z.string() }).safeParse(await box.github('GET', path).catch(() => undefined))
  const app = `apiVersion: apps/v1
kind: Deployment
metadata: {name: elsewhere, namespace: hello}
spec:
  selector: {matchLabels: {app: elsewhere}}
  template:
    metadata: {labels: {app: elsewhere}}
    spec:
      nodeSelector: {kubernetes.io/hostname: ${machine}}
      containers: [{name: app, image: 'busybox:1'}]
`
  await box.github('PUT', path, {
    message: `An app on ${machine}`,
    content: Buffer.from(app).toString('base64'),
    ...(there.success ? there.data : {}),
  })
}

t.test('a server and an agent', async (t) => {
  await appOn('main-4')
  await shop.lose()
  const ended = await shop.restore('--backup', 'first')
  t.equal(ended.code, 0, ended.err)
  t.same(JSON.parse(ended.out).missing, [])
  t.same(await shop.content(), before)
  t.same(await nodes(), ['node/main-3', 'node/main-4'])
})

t.test('--replace: the earlier agent stays off, and goes with its server', async (t) => {
  await appOn('main-6')
  const ended = await box.run('restore.mts', ['--backup', 'first', '--replace', '--json'])
  t.equal(ended.code, 0, ended.err)
  t.same(await shop.content(), before)
  t.same(await nodes(), ['node/main-5', 'node/main-6'])
  t.same(await droplets(), ['main-5 s-1vcpu-2gb active', 'main-6 s-1vcpu-2gb active'])
  const on = ended.requests.filter(
    (one) => /^\/v2\/droplets\/\d+\/actions$/.test(one.path) && one.method === 'POST',
  )
  t.equal(on.length, 2, 'each of both was switched off, and never on')
})

t.test('three servers and an agent', async (t) => {
  const scaled = await box.run('scale.mts', ['--ha'])
  t.equal(scaled.code, 0, scaled.err)
  await appOn('main-12')
  await shop.lose()
  const ended = await shop.restore('--backup', 'first')
  t.equal(ended.code, 0, ended.err)
  t.same(await shop.content(), before)
  t.equal((await nodes()).length, 4)
  const again = await box.run('scale.mts')
  t.equal(again.code, 0, again.err)
  t.match(again.err, 'nothing to do')
})
