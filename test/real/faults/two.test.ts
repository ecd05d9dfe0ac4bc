import type { ChildProcess } from 'node:child_process'
import { hostname } from 'node:os'
import t, { type Test } from 'tap'
import { bootstrap } from '../../faults/flows.ts'
import type { Point } from '../../faults/points.ts'
import { differences } from '../../faults/state.ts'
import { type Ended, here, inWorld, type World } from '../../faults/world.ts'
import { confirmed, mutating } from '../../flows/box.ts'

// Two at once: real processes in one SIMULATED world. A holder of the lock stands still in the middle of a request, as
// a laptop that sleeps; it is refused to others by its name, stolen from, and finds out when it wakes.

const destroy = ['scripts/destroy.mts', ...confirmed()]
const moved = changing('github', 'PATCH', '/repos/bob/regrow-main/git/refs/regrow%2Flock')

t.setTimeout(300_000)

await inWorld(bootstrap, async (world) => {
  const slow = await stoppedAfter(world, bootstrap.command, changing('digitalocean', 'POST', '/v2/projects'))

  for (const command of [bootstrap.command, destroy])
    await t.test(`${command[0]} beside a run that goes on is refused with its name`, async (t) => {
      const { ended, changes } = await watched(world, () => world.run(here, command))
      t.equal(ended.code, 1)
      t.match(ended.err, new RegExp(`is locked by .+ on ${hostname()} \\(bootstrap, process ${slow.pid}, `))
      t.match(ended.err, '--steal-lock')
      t.same(changes, [])
    })

  await t.test('--steal-lock takes it over, and says from whom', async (t) => {
    const thief = await killedAfter(world, [...bootstrap.command, '--steal-lock'], moved)
    t.match(thief.ended.err, new RegExp(`taken over from .+process ${slow.pid}, `))
    t.notMatch(thief.ended.err, 'not running any more')
  })

  await t.test('the slow one finds out before its next change', async (t) => {
    await findsOut(t, world, slow.wake)
  })

  await t.test('so does a destroy that another run begins to grow again behind its back', async (t) => {
    const remover = await stoppedAfter(
      world,
      [...destroy, '--with-repository'],
      changing('digitalocean', 'DELETE', '/v2/projects/[\\w-]+'),
    )
    const again = await killedAfter(world, [...bootstrap.command, '--steal-lock'], moved)
    t.match(again.ended.err, new RegExp(`taken over from .+\\(destroy, process ${remover.pid}, `))
    const { err } = await findsOut(t, world, remover.wake)
    t.match(err, /taken over from .+ which is not running any more/, 'it had taken over a dead one itself')
  })

  await t.test('a holder that is dead is taken over unasked, and nothing of all that is left', async (t) => {
    const { ended, changes } = await watched(world, () =>
      world.run(here, [...destroy, '--with-repository', '--json']),
    )
    t.equal(ended.code, 0, ended.err)
    t.match(ended.err, /taken over from .+ which is not running any more/)
    t.ok(changes.length > 0)
    t.match(JSON.parse(ended.out), { left: [] })
    t.same(world.touched(), [])
  })
})

/** A holder that was stolen from wakes: it says by whom, and changes nothing. */
async function findsOut(t: Test, world: World, wake: () => Promise<Ended>): Promise<Ended> {
  const before = world.state()
  const { ended, changes } = await watched(world, wake)
  t.equal(ended.code, 1, ended.err)
  t.match(ended.err, /the lock of bob\/regrow-main was taken over by .+\(bootstrap, process \d+/)
  t.same(changes, [])
  t.same(differences(before, world.state()), [])
  t.same(world.touched(), [], 'nothing foreign was touched')
  return ended
}

/** A change, by its request. */
function changing(service: string, method: string, path: string): Point {
  return { service, method, path: `^${path}$`, nth: 1, mutates: true }
}

/** Starts a flow and lets it, and its children, stand still right after a request's effect. */
async function stoppedAfter(world: World, command: readonly string[], point: Point) {
  let child: ChildProcess | undefined
  let ended: Promise<Ended> | undefined
  const group = () => -(child?.pid ?? Number.NaN)
  // Where a test fails meanwhile it must not stand still for ever.
  t.teardown(() => {
    if (child?.exitCode === null && child.signalCode === null) process.kill(group(), 'SIGKILL')
  })
  await new Promise<void>((stopped, failed) => {
    const act = () => {
      process.kill(group(), 'SIGSTOP')
      stopped()
    }
    world.breaks({ ...point, kind: 'cut-after', act })
    ended = world.run(here, command, (started) => {
      child = started
    })
    ended.then(({ err }) => failed(new Error(`it ended before ${point.path}: ${err}`)), failed)
  })
  world.breaks(undefined)
  return {
    pid: child?.pid,
    wake: (): Promise<Ended> => {
      process.kill(group(), 'SIGCONT')
      return ended as Promise<Ended>
    },
  }
}

/** Runs a flow and kills it, and its children, right after a request's effect. */
async function killedAfter(world: World, command: readonly string[], point: Point) {
  let child: ChildProcess | undefined
  const act = () => void process.kill(-(child?.pid ?? Number.NaN), 'SIGKILL')
  world.breaks({ ...point, kind: 'cut-after', act })
  const ended = await world.run(here, command, (started) => {
    child = started
  })
  world.breaks(undefined)
  if (ended.signal !== 'SIGKILL') throw new Error(`it was not killed: ${ended.err}`)
  return { pid: child?.pid, ended }
}

/** What a run changed. Keys of its own, with which it looks into the buckets, need no lock. */
async function watched(world: World, run: () => Promise<Ended>) {
  const before = world.requests().length
  const ended = await run()
  const own = /^digitalocean (POST \/v2\/spaces\/keys|DELETE \/v2\/spaces\/keys\/\w+)$/
  const changes = mutating(world.requests().slice(before)).filter((one) => !own.test(one))
  return { ended, changes }
}
