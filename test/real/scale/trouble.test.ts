import t from 'tap'
import { openTestBox } from '../../flows/box.ts'
import { fleetOf, kubeletStops, request } from '../../flows/fleet.ts'

// What goes wrong while a SIMULATED cluster grows: a clear word, a clear state, and the next run goes on. Nothing real is
// needed for it but time.

t.setTimeout(900_000) // on a machine that may be busy
const box = await openTestBox(t)
const { droplets, nodes } = fleetOf(box)

t.test('the account is full in the middle of --add 5', async (t) => {
  t.equal((await box.run('bootstrap.mts')).code, 0)
  const [ended] = await Promise.all([
    box.run('scale.mts', ['--add', '5']),
    box.once(request('PUT', /-kit\/bundles\/main-\d/), async () =>
      box.behave({ digitalocean: { limits: { droplets: 3 } } }),
    ),
  ])
  t.equal(ended.code, 1)
  t.equal(ended.err.match(/droplet main-\d could not be made: the account has its 3 droplets/g)?.length, 3)
  t.equal(ended.err.match(/\+ node main-\d {2}Ready/g)?.length, 2, 'the others joined')
  t.equal((await nodes()).length, 3)
  box.behave({})
  const again = await box.run('scale.mts')
  t.equal(again.code, 0, again.err)
  t.same(
    await nodes(),
    [1, 2, 3, 4, 5, 6].map((n) => `node/main-${n}`),
  )
  const fewer = await box.run('scale.mts', ['--remove', 'main-4,main-5,main-6'])
  t.equal(fewer.code, 0, fewer.err)
})

t.test('a size that is sold out once the machine is off: it is on again, and the wish stays', async (t) => {
  const [ended] = await Promise.all([
    box.run('scale.mts', ['--size', 's-4vcpu-8gb', '--node', 'main-3']),
    box.once(request('POST', /^\/v2\/droplets\/\d+\/actions/), async () =>
      box.behave({ digitalocean: { soldOut: ['s-4vcpu-8gb'] } }),
    ),
  ])
  t.equal(ended.code, 1)
  t.match(ended.err, /did not make main-3 a s-4vcpu-8gb: [^→]*Size is not available in this region/)
  t.match(ended.err, 'scale.mts --name main --size s-1vcpu-2gb --node main-3 --sandbox')
  t.ok((await droplets()).includes('main-3 s-1vcpu-2gb active'))
  box.behave({})
  const back = await box.run('scale.mts', ['--size', 's-1vcpu-2gb', '--node', 'main-3'])
  t.equal(back.code, 0, back.err)
  t.same(await nodes(), ['node/main-1', 'node/main-2', 'node/main-3'])
})

t.test('a node that does not answer any more, though its droplet is on, is replaced', async (t) => {
  await kubeletStops(box, 'main-3')
  const ended = await box.run('scale.mts', ['--replace', 'main-3'])
  t.equal(ended.code, 0, ended.err)
  t.match(ended.err, '- droplet main-3')
  t.same(await nodes(), ['node/main-1', 'node/main-2', 'node/main-7'])
  t.notMatch((await droplets()).join(), 'main-3')
})

t.test('a machine that cannot join is named, and another takes its place', async (t) => {
  const [ended] = await Promise.all([
    box.run('scale.mts', ['--add', '1']),
    box.once(request('PUT', /-kit\/bundles\/main-8/), async () => box.behave({ corrupt: ['/k3s$'] })),
  ])
  t.equal(ended.code, 1)
  t.match(ended.err, 'step “k3s” of main-8 failed: k3s from')
  box.behave({})
  const again = await box.run('scale.mts')
  t.equal(again.code, 0, again.err)
  t.match(again.err, '! main-8  it never joined')
  t.match(again.err, '- droplet main-8')
  t.same(await nodes(), ['node/main-1', 'node/main-2', 'node/main-7', 'node/main-9'])
})

t.test('two scales at the same time: one of them goes on', async (t) => {
  const both = await Promise.all([
    box.run('scale.mts', ['--remove', 'main-9']),
    box.run('scale.mts', ['--remove', 'main-7,main-9']),
  ])
  const codes = both.map((one) => one.code).toSorted()
  t.same(codes, [0, 1], both.map((one) => one.err).join('\n'))
  t.match(both.find((one) => one.code === 1)?.err, /is locked by|took the lock|changed by another run/)
  const again = await box.run('scale.mts', ['--remove', 'main-7,main-9'])
  t.equal(again.code, 0, again.err)
  t.same(await droplets(), ['main-1 s-1vcpu-2gb active', 'main-2 s-1vcpu-2gb active'])
})

t.test('a machine that was begun and could not be made is ordered again, three times at most', async (t) => {
  const errored = (create: number) => box.behave({ digitalocean: { errored: { create } } })
  errored(1)
  const ended = await box.run('scale.mts', ['--add', '1'])
  t.equal(ended.code, 0, ended.err)
  t.match(ended.err, /- droplet main-10 {2}its create action errored at DigitalOcean/)
  const three = ['main-1', 'main-10', 'main-2'].map((name) => `${name} s-1vcpu-2gb active`)
  t.same((await droplets()).toSorted(), three)
  errored(3)
  const given = await box.run('scale.mts', ['--add', '1'])
  t.equal(given.code, 1)
  t.match(given.err, 'could not make droplet main-11: its create action errored three times')
  t.same((await droplets()).toSorted(), three, 'nothing of it is billed')
  box.behave({})
  const again = await box.run('scale.mts')
  t.equal(again.code, 0, again.err)
  t.equal((await nodes()).length, 4)
})
