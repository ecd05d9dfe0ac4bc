import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { openTestBox } from '../../flows/box.ts'
import { fleetOf, request } from '../../flows/fleet.ts'

// Ctrl-C while a machine gets another size, in a SIMULATED world a tenth as slow as the real one: switching off and
// resizing take longer than a run that ends is given otherwise.

t.setTimeout(900_000) // on a machine that may be busy
const box = await openTestBox(t, [], 0.1)
const { droplets } = fleetOf(box)
const words = ['--size', 's-2vcpu-4gb']

/** Runs scale and interrupts it as soon as something is so. */
async function interrupted(when: (stop: () => Promise<void>) => Promise<void>) {
  const end = new AbortController()
  const [ended] = await Promise.all([
    box.run('scale.mts', words, { interrupt: end.signal }),
    when(async () => end.abort()),
  ])
  return ended
}

t.test('while it is asked to shut down: it is on when the run is over', async (t) => {
  t.equal((await box.run('bootstrap.mts')).code, 0)
  const ended = await interrupted((stop) => box.once(request('POST', /^\/v2\/droplets\/\d+\/actions/), stop))
  t.equal(ended.code, 130)
  t.match(ended.err, '! droplet main-1  is put right first; Ctrl-C again leaves it as it is')
  t.match(ended.err, '~ droplet main-1  powered on')
  t.same(await droplets(), ['main-1 s-1vcpu-2gb active'])
})

t.test('while it is off: the same', async (t) => {
  const ended = await interrupted(async (stop) => {
    while (!(await droplets())[0]?.endsWith(' off')) await sleep(50)
    await sleep(500)
    await stop()
  })
  t.equal(ended.code, 130)
  t.match(ended.err, '~ droplet main-1  powered on')
  t.match(await droplets(), [/^main-1 s-\dvcpu-\dgb active$/])
})

t.test('the next run goes on', async (t) => {
  const ended = await box.run('scale.mts')
  t.equal(ended.code, 0, ended.err)
  t.same(await droplets(), ['main-1 s-2vcpu-4gb active'])
})
