import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { inOwnNetwork, openGround, seen, until, without } from './ground.ts'
import { serveNames } from './names.ts'
import { nameServer, withdraw } from './network.ts'

// What goes wrong on a real machine while it installs itself, one thing after the other on the same machine: the person
// at the bootstrap reads it, and with the cause gone the same command goes on. Real are Debian 13, its disk, clock, name
// resolution and network; k3s is a script that says yes, because no step here needs more of it.

const gate = !process.env.REGROW_TROUBLE && 'NOT RUN: a quarter of an hour; REGROW_TROUBLE=1 runs it'
const skip = without || gate
const upstream = 'upstream.example'
const day = 86_400

if (skip) t.test('trouble on a real machine', { skip }, async () => {})
else {
  inOwnNetwork(import.meta.filename, { [upstream]: '198.18.0.5' })
  await t.test('trouble on a real machine', { timeout: 3_600_000 }, trouble)
}

async function trouble(t: Test): Promise<void> {
  const ground = await openGround({ k3s: 'script', clockOff: -day })
  const { machines, world } = ground
  const names = await serveNames(nameServer, world.addresses.upstream.host)
  t.teardown(async () => {
    names.close()
    await ground.close()
  })
  const env = { REGROW_UPSTREAM_URL: `http://${upstream}:${world.addresses.upstream.port}` }
  const look = (command: string) => machines.ask('main-1', command, 300)
  const done = (step: string) => seen(machines, 'main-1', `[ -e /var/lib/regrow/done/${step} ]`, 30)
  const bootstrap = (how: { interrupt?: AbortSignal } = {}) =>
    ground.run('bootstrap.mts', [], { env, ...how })
  const putRight = () => until('the machine is cycled', () => machines.starts('main-1') > starts)
  let starts = 0

  await t.test('a clock a day slow, a silent object store for three minutes, then a full disk', async (t) => {
    const comeBack = withdraw(world.addresses.spaces)
    const flow = bootstrap()
    await until('the machine exists', () => machines.has('main-1'))
    await seen(machines, 'main-1', '[ -e /var/lib/regrow ]', 30)
    await look('fallocate -l $(($(df -B1 --output=avail / | tail -n 1) - 300000000)) /filler')
    await sleep(180_000)
    t.same(ground.reports('main-1'), [], 'nothing is heard of it')
    comeBack()
    await done('fetch')
    const { code, err } = await flow
    t.equal(code, 1)
    t.match(err, /step “host” of main-1 failed: .*There is no room on the disk for 2 GiB of swap\./)
    t.match(err, /fallocate: .*No space left on device/, 'the end of its log')
    t.match(err, 'run the same command again')
    const off = Number(await look('date +%s')) - Date.now() / 1000
    t.ok(Math.abs(off) < 120, `its clock was put right: ${Math.round(off)} s off`)
    const host = ground.reports('main-1').find(({ step }) => step === 'host')
    t.ok(Number(host?.seconds) <= 120 + 60, `told ${host?.seconds} s after the step began`)
  })

  // The deadline is the machine's own (five minutes), short here.
  await look('rm /filler; sync')
  await look(deadline(120))

  await t.test('the disk has room again, but names are not resolved', async (t) => {
    names.silent = true
    const { code, err } = await bootstrap()
    t.equal(code, 1)
    t.match(err, /power-cycled: its step “host” had failed/)
    t.match(err, /main-1: host/)
    t.match(
      err,
      /step “k3s” of main-1 failed: .*k3s cannot be fetched: .*upstream\.example.* cannot be resolved/,
    )
  })

  await t.test('names are resolved, but what comes is not k3s: final at once', async (t) => {
    starts = machines.starts('main-1')
    names.silent = false
    const flow = bootstrap()
    await putRight()
    await look(deadline(600))
    writeFileSync(world.path('behaviour.json'), JSON.stringify({ corrupt: ['/k3s$'] }))
    const { code, err } = await flow
    writeFileSync(world.path('behaviour.json'), '{}')
    t.equal(code, 1)
    t.match(
      err,
      /step “k3s” of main-1 failed: k3s from \S+ is not the one that was asked for: its SHA-256 is [0-9a-f]{64} instead of/,
    )
    const { seconds } = ground.reports('main-1').find(({ step }) => step === 'k3s') ?? {}
    t.ok(Number(seconds) < 120, `after ${seconds} s of 600`)
    await look(deadline(60))
  })

  await t.test('what was fetched is k3s, but its API is never ready', async (t) => {
    await look('touch /never-ready; sync')
    const { code, err } = await bootstrap()
    t.equal(code, 1)
    t.match(err, 'step “k3s” of main-1 failed: k3s was started, but main-1 is not a Ready node yet.')
    t.match(err, 'connection refused, says the script in place of k3s', 'the end of its log')
  })

  await t.test('with every cause gone the same command goes on to the end', async (t) => {
    await look('rm /never-ready; sync')
    const flow = new AbortController()
    const running = bootstrap({ interrupt: flow.signal })
    await seen(machines, 'main-1', '[ -e /var/lib/regrow/finished ]', 30)
    flow.abort()
    await running
    t.strictSame(
      ground.reports('main-1').map(({ step, state }) => `${step} ${state}`),
      ['fetch', 'host', 'k3s', 'argocd'].map((step) => `${step} done`),
      'only its start was told to a store that was silent then',
    )
  })
}

function deadline(seconds: number): string {
  const file = '/etc/systemd/system/regrow.service.d/slow.conf'
  return `printf '[Service]\\nEnvironment=REGROW_K3S_DEADLINE=${seconds}\\n' >${file}; sync; systemctl daemon-reload`
}
