import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { openTestBox } from '../../flows/box.ts'
import { ids, openShop } from '../../flows/shop.ts'

// Velero ends in the middle of a restore, in a SIMULATED cluster: what it had begun is half, and the next attempt would
// skip it.

t.setTimeout(600_000) // many flows, on a machine that may be busy
const stuck = { kind: 'timeout', service: 'spaces', method: 'GET', path: '/kopia/' } as const
const box = await openTestBox(t, [
  { ...stuck, times: 2 },
  { ...stuck, nth: 5, times: 2 },
])
const shop = await openShop(box)
await shop.write()
await shop.backUp('first')
const before = await shop.content()

/** Waits until a restore has made its claims and their volumes are on their way. */
async function underWay(name: string): Promise<void> {
  const giveUp = Date.now() + 90_000
  for (;;) {
    const words = `get restores.velero.io ${name} -n velero -o jsonpath={.status.phase}`
    const asked = await box.run('kubectl', words.split(' '))
    if (asked.out === 'WaitingForPluginOperations') return
    if (Date.now() > giveUp) throw new Error(`${name} is not under way within 90 s`)
    await sleep(20)
  }
}

t.test('its pod is made anew: the same run takes away what is half, and begins again', async (t) => {
  await shop.lose()
  const [ended] = await Promise.all([
    box.run('restore.mts', ['--backup', 'first', '--json']),
    underWay('restore-main-2').then(() =>
      shop.kubectl('delete pods -n velero -l app.kubernetes.io/name=velero --wait=false'),
    ),
  ])
  t.equal(ended.code, 0, ended.err)
  t.match(ended.err, '! restore restore-main-2  Failed: found a restore with status "InProgress"')
  t.match(ended.err, '- claim shop/files  left by restore-main-2')
  t.match(ended.err, '+ restore restore-main-2-2  Completed')
  t.same(JSON.parse(ended.out).missing, [])
  t.same(await shop.content(), before, 'no claim was skipped')
})

t.test('the droplet loses its power, and the run is killed: the same command finishes it', async (t) => {
  await shop.lose()
  const death = new AbortController()
  await Promise.all([
    box.run('restore.mts', ['--backup', 'first'], { kill: death.signal }),
    underWay('restore-main-3').then(async () => {
      const [droplet] = ids((await box.cloud('GET', '/v2/droplets')).droplets)
      await box.cloud('POST', `/v2/droplets/${droplet}/actions`, { type: 'power_cycle' })
      death.abort()
    }),
  ])
  const ended = await box.run('restore.mts', ['--backup', 'first', '--json'])
  t.equal(ended.code, 0, ended.err)
  t.match(ended.err, '! restore restore-main-3  Failed: ')
  t.match(ended.err, '- claim shop/files  left by restore-main-3')
  t.same(JSON.parse(ended.out).missing, [])
  t.equal(JSON.parse(ended.out).server, 'main-3', 'no second server was bought')
  t.same(await shop.content(), before, 'no claim was skipped')
  t.equal(ids((await box.cloud('GET', '/v2/volumes')).volumes).length, 2, 'no volume is left over')
})
