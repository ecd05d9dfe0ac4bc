import t from 'tap'
import { openTestBox } from '../../flows/box.ts'
import { fleetOf, request } from '../../flows/fleet.ts'

// What goes wrong while a SIMULATED cluster grows: a clear word, a clear state, and the next run goes on. Nothing real is
// needed for it but time.

const box = await openTestBox(t)
const { droplets, nodes } = fleetOf(box)

t.test('the account is full in the middle of --add 2', async (t) => {
  t.equal((await box.run('bootstrap.mts')).code, 0)
  const [ended] = await Promise.all([
    box.run('scale.mts', ['--add', '2']),
    box.once(request('PUT', /-kit\/bundles\/main-\d/), async () =>
      box.behave({ digitalocean: { limits: { droplets: 2 } } }),
    ),
  ])
  t.equal(ended.code, 1)
  t.match(ended.err, /droplet main-\d could not be made: the account has its 2 droplets/)
  t.match(ended.err, /\+ node main-\d {2}Ready/, 'the other one joined')
  t.equal((await nodes()).length, 2)
  box.behave({})
  const again = await box.run('scale.mts')
  t.equal(again.code, 0, again.err)
  t.same(await nodes(), ['node/main-1', 'node/main-2', 'node/main-3'])
})

t.test('a machine that cannot join is named, and another takes its place', async (t) => {
  const [ended] = await Promise.all([
    box.run('scale.mts', ['--add', '1']),
    box.once(request('PUT', /-kit\/bundles\/main-4/), async () => box.behave({ corrupt: ['/k3s$'] })),
  ])
  t.equal(ended.code, 1)
  t.match(ended.err, 'step “k3s” of main-4 failed: k3s from')
  box.behave({})
  const again = await box.run('scale.mts')
  t.equal(again.code, 0, again.err)
  t.match(again.err, '! main-4  it never joined')
  t.match(again.err, '- droplet main-4')
  t.same(await nodes(), ['node/main-1', 'node/main-2', 'node/main-3', 'node/main-5'])
})

t.test('two scales at the same time: one of them goes on', async (t) => {
  const both = await Promise.all([
    box.run('scale.mts', ['--remove', 'main-5']),
    box.run('scale.mts', ['--remove', 'main-3,main-5']),
  ])
  const codes = both.map((one) => one.code).toSorted()
  t.same(codes, [0, 1], both.map((one) => one.err).join('\n'))
  t.match(both.find((one) => one.code === 1)?.err, /is locked by|took the lock|changed by another run/)
  const again = await box.run('scale.mts', ['--remove', 'main-3,main-5'])
  t.equal(again.code, 0, again.err)
  t.same(await droplets(), ['main-1 s-1vcpu-2gb active', 'main-2 s-1vcpu-2gb active'])
})
