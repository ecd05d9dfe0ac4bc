import t from 'tap'
import { mutating, openTestBox } from '../../flows/box.ts'
import { fleetOf, request } from '../../flows/fleet.ts'
import { openShop } from '../../flows/shop.ts'

// A restore that replaces a living SIMULATED cluster is killed, and other commands are given before it is finished.

t.setTimeout(600_000) // many flows, on a machine that may be busy
const box = await openTestBox(t)
const shop = await openShop(box)
const { droplets } = fleetOf(box)
await box.run('scale.mts', ['--add', '1'])
await shop.write()
await shop.backUp('first')
await shop.backUp('second')
const before = await shop.content()

/** The restore of the first backup, killed when its server was bought. */
async function restoreKilled() {
  const end = new AbortController()
  await Promise.all([
    box.run('restore.mts', ['--backup', 'first', '--replace'], { kill: end.signal }),
    box.once(request('POST', /^\/v2\/droplets$/), async () => end.abort()),
  ])
}
await restoreKilled()

// A run's own keys come and go; its new machine goes on installing itself.
const own = /^spaces|^digitalocean (POST \/v2\/spaces\/keys|DELETE \/v2\/spaces\/keys\/\w+)$/
const machines = await droplets()

t.test('nothing else touches its machines, and each names the command that finishes it', async (t) => {
  t.same(
    machines.map((one) => one.replace(/ s-1vcpu-2gb/, '')).filter((one) => / off$/.test(one)),
    ['main-1 off', 'main-2 off'],
  )
  for (const [command, words, more] of [
    ['scale.mts', [], ''],
    ['scale.mts', ['--remove', 'main-1'], ''],
    ['scale.mts', ['--add', '1'], ''],
    ['bootstrap.mts', [], ''],
    ['scripts/rehearse.mts', [], ''],
    ['scripts/destroy.mts', ['--confirm', 'main'], ' --unfinished removes its machines as well.'],
    ['restore.mts', ['--backup', 'second', '--replace'], ' --unfinished gives it up for this one.'],
  ] satisfies [string, string[], string][]) {
    const ended = await box.run(command, [...words, '--yes'])
    t.equal(ended.code, 1, `${command} ${ended.err}`)
    t.match(
      ended.err,
      /backup first is still being restored onto main-3; main-1, main-2 may hold the only copy/,
    )
    t.match(ended.err, `restore.mts --name main --backup first --sandbox finishes it.${more}`)
    t.same(
      mutating(ended.requests).filter((one) => !own.test(one)),
      [],
      command,
    )
    t.same(await droplets(), machines)
  }
})

t.test('status names it, and all of the machines with their price', async (t) => {
  const ended = await box.run('scripts/status.mts', ['--json'])
  t.equal(ended.code, 3, ended.err)
  const told = JSON.parse(ended.out)
  t.match(told, {
    state: 'attention',
    unfinishedRestore: {
      backup: 'first',
      server: 'main-3',
      keeps: ['main-1', 'main-2'],
      finishedBy: /restore\.mts --name main --backup first --sandbox$/,
    },
  })
  const named = told.exists.filter(({ kind }: { kind: string }) => kind === 'droplet')
  t.same(
    named.map(({ name, perMonth }: { name: string; perMonth: number }) => `${name} ${perMonth}`),
    ['main-1 12', 'main-2 12', 'main-3 12'],
  )
})

t.test('destroy removes them when it is told, and says what is lost', async (t) => {
  const shown = await box.run('scripts/destroy.mts', ['--unfinished', '--dry-run'])
  t.equal(shown.code, 0, shown.err)
  t.match(
    shown.out,
    '! lost: the unfinished restore of backup first onto main-3, and with main-1, main-2 what was written after that backup',
  )
})

t.test('the command finishes it', async (t) => {
  const ended = await box.run('restore.mts', ['--backup', 'first', '--json'])
  t.equal(ended.code, 0, ended.err)
  t.same(await shop.content(), before)
  t.same(await droplets(), ['main-3 s-1vcpu-2gb active', 'main-4 s-1vcpu-2gb active'])
  const scaled = await box.run('scale.mts')
  t.equal(scaled.code, 0, scaled.err)
  t.match(scaled.err, 'nothing to do')
})

t.test('another backup takes its place when that is told, and everything stays until then', async (t) => {
  await restoreKilled()
  const off = (await droplets()).filter((one) => / off$/.test(one))
  t.equal(off.length, 2)
  let atProof: string[] = []
  const [ended] = await Promise.all([
    box.run('restore.mts', ['--backup', 'second', '--replace', '--unfinished', '--json']),
    box.once(request('PATCH', /\/applications\/root/), async () => {
      atProof = await droplets()
    }),
  ])
  t.equal(ended.code, 0, ended.err)
  for (const one of off) t.ok(atProof.includes(one), `${one} was there while the other came back`)
  t.same(await shop.content(), before)
  t.same((await droplets()).toSorted(), ['main-6 s-1vcpu-2gb active', 'main-7 s-1vcpu-2gb active'])
  const told = JSON.parse((await box.run('scripts/status.mts', ['--json'])).out)
  t.equal(told.unfinishedRestore, undefined)
})

t.test('destroy removes the machines of one that is given up; the backups stay and come back', async (t) => {
  await restoreKilled()
  const there = await droplets()
  const refused = await box.run('scripts/destroy.mts', ['--confirm', 'main', '--yes'])
  t.equal(refused.code, 1)
  t.same(await droplets(), there)
  const ended = await box.run('scripts/destroy.mts', ['--unfinished', '--confirm', 'main', '--yes', '--json'])
  t.equal(ended.code, 0, ended.err)
  t.same(await droplets(), [])
  const listed = await box.run('scripts/backups.mts', ['--json'])
  for (const name of ['first', 'second']) t.match(listed.out, `"${name}"`)
  const back = await box.run('restore.mts', ['--backup', 'second', '--json'])
  t.equal(back.code, 0, back.err)
  t.same(await shop.content(), before)
})
