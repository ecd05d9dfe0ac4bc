import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { drawRange } from '../../sandbox/address-range.ts'
import { Faults } from '../../sandbox/faults.ts'
import { noMachines } from '../../sandbox/machines.ts'
import { openWorld } from '../../sandbox/world.ts'

t.test(
  'the estimate adds what happens one after the other, not what happens at once, and no pauses',
  async (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'regrow-world-'))
    t.teardown(() => rmSync(dir, { recursive: true, force: true }))
    const world = await openWorld(dir, { faults: new Faults(), machines: noMachines })
    await world.latency(35)
    await Promise.all([world.latency(10), world.latency(4), world.latency(500, 'pause')])
    t.equal(world.cloudSeconds(), 45)
    await world.latency(1)
    t.equal(world.cloudSeconds(), 46)
    await world.end()
  },
)

t.test('an address range belongs to one world, also before its services listen', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'regrow-world-'))
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  const world = await openWorld(dir, { faults: new Faults(), machines: noMachines })
  const taken = world.addresses.host(0, 6)
  const isFree = () =>
    new Promise((done) => {
      const server = createServer()
      server.once('error', () => done(false))
      server.listen(8000, taken, () => server.close(() => done(true)))
    })
  t.equal(await isFree(), !world.addresses.manyHosts)
  await world.end()
  t.equal(await isFree(), true)
})

t.test(
  'a range that a control plane drew without a world is nobody else’s until it is given back',
  async (t) => {
    const own = await drawRange()
    if (!own) return t.pass('only 127.0.0.1 can be bound here: ports are drawn instead')
    const isFree = () =>
      new Promise((done) => {
        const server = createServer()
        server.once('error', () => done(false))
        server.listen(8000, `${own.range}.0.6`, () => server.close(() => done(true)))
      })
    t.equal(await isFree(), false, 'no process can draw it')
    const ranges = new Set<string>()
    for (let one = 0; one < 20; one++) {
      const next = await drawRange()
      if (next) ranges.add(next.range)
      await next?.release()
    }
    t.notOk(ranges.has(own.range))
    await own.release()
    t.equal(await isFree(), true)
  },
)
