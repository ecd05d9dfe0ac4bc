import type { ChildProcess } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FaultKind } from '../../sandbox/faults.ts'
import type { Breakable } from './flows.ts'
import { type Point, pointsOf, where } from './points.ts'
import { differences, headOf, kitOf } from './state.ts'
import { type Ended, here, inWorld, type Project, type World } from './world.ts'

/** How a broken run and the run after it ended. */
export interface Broken {
  hit: boolean
  first: Ended
  second: Ended | undefined
  /** Lines that differ from the undisturbed world's; empty when they are equal. */
  differences: string[]
  /** Decoys that were changed or are gone. */
  touched: string[]
  /** The kit that was there when the first run ended was replaced. */
  kitReplaced: boolean
}

/** What an undisturbed run did and left. */
export interface Undisturbed {
  points: Point[]
  state: string[]
}

/** Runs a flow in a world full of decoys, and lists its requests. @throws Error when it fails */
export async function undisturbed(flow: Breakable): Promise<Undisturbed> {
  return inWorld(flow, async (world) => {
    const before = world.requests().length
    const ended = await world.run(here, flow.command)
    if (ended.code !== 0) throw new Error(`${flow.name} failed undisturbed: ${ended.err}`)
    const points = pointsOf(world.requests().slice(before))
    return { points, state: world.state() }
  })
}

/** Kills a flow with its children right before or right after a request's effect, then runs the command that finishes it. */
export function killedAt(
  flow: Breakable,
  point: Point,
  when: 'before' | 'after',
  expected: Undisturbed,
  project = here,
): Promise<Broken> {
  return inWorld(flow, async (world) => {
    let child: ChildProcess | undefined
    const kill = () => void process.kill(-(child?.pid ?? Number.NaN), 'SIGKILL')
    world.breaks({ ...where(point), kind: `cut-${when}`, act: kill })
    const head = headOf(world.home)
    const first = await world.run(project, flow.command, (started) => {
      child = started
    })
    const next = finishing(flow, world, head)
    return again(world, next, expected, first, first.signal === 'SIGKILL', project)
  })
}

/** What goes wrong in a run: one request, or how the clouds behave all along (as `behaviour.json` has it). */
export type Trouble = { kind: FaultKind; point: Point } | { kind: string; behaviour: object }

/** Runs a flow in trouble; where it gave up, the command that finishes it, without trouble. */
export function troubledBy(flow: Breakable, trouble: Trouble, expected: Undisturbed): Promise<Broken> {
  return inWorld(flow, async (world) => {
    let hit = 'behaviour' in trouble
    const act = () => {
      hit = true
    }
    if ('point' in trouble) world.breaks({ ...where(trouble.point), kind: trouble.kind, act })
    else world.behaves(trouble.behaviour)
    const head = headOf(world.home)
    const first = await world.run(here, flow.command)
    world.behaves({})
    const next = finishing(flow, world, head)
    if (first.code !== 0) return again(world, next, expected, first, hit, here)
    return { hit, first, second: undefined, kitReplaced: false, ...(await compared(world, expected)) }
  })
}

/** The command that finishes what a flow began: another than its own where its intention is in Git already. */
const finishing = (flow: Breakable, world: World, head: string | undefined) =>
  headOf(world.home) === head ? flow.command : (flow.finish ?? flow.command)

/** Paper controllers may still be at work: a world that is not equal yet has three seconds to become it. */
async function compared(world: World, expected: Undisturbed) {
  const end = performance.now() + 3000
  const now = () => differences(expected.state, world.state())
  while (now().length > 0 && performance.now() < end) await sleep(200)
  return { differences: now(), touched: world.touched() }
}

async function again(
  world: World,
  command: readonly string[],
  expected: Undisturbed,
  first: Ended,
  hit: boolean,
  project: Project,
): Promise<Broken> {
  const kit = kitOf(world.home)
  world.breaks(undefined)
  const second = await world.run(project, command)
  const kitNow = kitOf(world.home)
  return {
    hit,
    first,
    second,
    ...(await compared(world, expected)),
    kitReplaced: kit !== undefined && kitNow !== undefined && kit !== kitNow,
  }
}
