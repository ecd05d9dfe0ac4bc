import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { type Box, openBox } from '../../sandbox/box.ts'
import type { Fault, FaultKind } from '../../sandbox/faults.ts'
import type { LogEntry } from '../../sandbox/world.ts'
import { tsx } from '../flows/box.ts'
import { plantDecoys } from './decoys.ts'
import type { Breakable } from './flows.ts'
import { differences, headOf, kitOf, normal, stateOf } from './state.ts'

// SIMULATED clouds that live in this process; the flows are processes of their own, so that they can be killed.

/** One request of an undisturbed run: the nth with this service, method and path. */
export interface Point {
  service: string
  method: string
  /** A regular expression on the path without its query. */
  path: string
  nth: number
  mutates: boolean
}

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

/** How a process ended. */
export interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  out: string
  err: string
}

/** What an undisturbed run did and left. */
export interface Undisturbed {
  points: Point[]
  state: string[]
}

/** The flows as they lie in `root`: this project, or a copy with a fault built in. */
export interface Project {
  root: string
}

/** This project. */
export const here: Project = { root: resolve(import.meta.dirname, '..', '..') }

/** Runs a flow in a world full of decoys, and lists its requests. @throws Error when it fails */
export async function undisturbed(flow: Breakable): Promise<Undisturbed> {
  return inWorld(flow, async (world) => {
    const before = world.requests().length
    const ended = await world.run(here, flow.command)
    if (ended.code !== 0) throw new Error(`${flow.name} failed undisturbed: ${ended.err}`)
    const points = pointsOf(world.requests().slice(before))
    return { points, state: stateOf(world.home) }
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
    const next = headOf(world.home) === head ? flow.command : (flow.finish ?? flow.command)
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
    const next = headOf(world.home) === head ? flow.command : (flow.finish ?? flow.command)
    if (first.code !== 0) return again(world, next, expected, first, hit, here)
    return { hit, first, second: undefined, kitReplaced: false, ...compared(world, expected) }
  })
}

const compared = (world: World, expected: Undisturbed) => ({
  differences: differences(expected.state, stateOf(world.home)),
  touched: world.touched(),
})

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
    ...compared(world, expected),
    kitReplaced: kit !== undefined && kitNow !== undefined && kit !== kitNow,
  }
}

/** A world in which flows are run as processes. */
export interface World {
  home: string
  /** How the clouds behave from now on. */
  behaves(behaviour: object): void
  /** The one fault from now on. */
  breaks(fault: Fault | undefined): void
  run(project: Project, command: readonly string[], started?: (child: ChildProcess) => void): Promise<Ended>
  requests(): LogEntry[]
  touched(): string[]
}

/** A world that was made once and lies there paused; it is copied for one run after the other: its addresses are its own. */
interface Stage {
  dir: string
  decoys: string[]
  /** Ends the hold of its addresses, which another world would take for free. */
  release: () => Promise<void>
}
const stages = new Map<string, Stage[]>()

/** Opens a world full of decoys and with what has to be there before the flow; all that is done in it is gone afterwards. */
export async function inWorld<T>(
  { before }: Pick<Breakable, 'before'>,
  work: (world: World) => Promise<T>,
): Promise<T> {
  process.env.REGROW_SANDBOX_TOOLS = 'stand-ins'
  const free = stages.get(JSON.stringify(before)) ?? []
  stages.set(JSON.stringify(before), free)
  const stage = free.pop() ?? (await setStage(before))
  const saved = `${stage.dir}-before`
  rmSync(stage.dir, { recursive: true, force: true })
  cpSync(saved, stage.dir, { recursive: true, preserveTimestamps: true })
  await stage.release()
  try {
    return await opened(stage.dir, (world) => work({ ...world, touched: () => touched(stage.decoys, world) }))
  } finally {
    free.push({ ...stage, release: await hold(stage.dir) })
  }
}

/** Listens where the paused world's first service does. */
async function hold(dir: string): Promise<Stage['release']> {
  const { range } = JSON.parse(readFileSync(join(dir, '.sandbox', 'addresses.json'), 'utf8')) as {
    range: string
  }
  const server = createServer().unref()
  await new Promise<void>((done, failed) => {
    server.once('error', failed)
    server.listen(8000, `${range}.0.2`, done)
  })
  return () => new Promise((done) => server.close(() => done()))
}

/** Plants decoys, runs what comes before, and puts the world aside until this process ends. */
async function setStage(before: Breakable['before']): Promise<Stage> {
  const dir = mkdtempSync(join(tmpdir(), 'regrow-fault-'))
  process.once('exit', () => {
    for (const one of [dir, `${dir}-before`]) rmSync(one, { recursive: true, force: true })
  })
  mkdirSync(join(dir, '.sandbox'))
  const decoys = await opened(dir, async (world, box) => {
    await plantDecoys(box)
    const planted = stateOf(world.home)
    for (const command of before) {
      const ended = await world.run(here, command)
      if (ended.code !== 0) throw new Error(`${command.join(' ')}: ${ended.err}`)
    }
    return planted
  })
  cpSync(dir, `${dir}-before`, { recursive: true, preserveTimestamps: true })
  return { dir, decoys, release: await hold(dir) }
}

/** What is made at DigitalOcean without a project lies in the account's default one. */
const touched = (decoys: readonly string[], { home }: Pick<World, 'home'>) =>
  differences(decoys, stateOf(home)).filter(
    (line) => line.startsWith('-') && !line.includes('"is_default":true'),
  )

async function opened<T>(
  dir: string,
  work: (world: Omit<World, 'touched'>, box: Box) => Promise<T>,
): Promise<T> {
  const home = join(dir, '.sandbox')
  const behaves = (more: object) =>
    writeFileSync(
      join(home, 'behaviour.json'),
      JSON.stringify({ githubScopes: 'repo, delete_repo', ...more }),
    )
  behaves({})
  const box = await openBox({ dir: home, latencyScale: 0, faults: [] })
  try {
    return await work(
      {
        home,
        behaves,
        breaks: (fault) => box.breaks(fault ? [fault] : []),
        run: (project, command, started) => run(dir, box.env, project, command, started),
        requests: () => logOf(home),
      },
      box,
    )
  } finally {
    await box.leave()
  }
}

async function run(
  dir: string,
  env: Record<string, string>,
  { root }: Project,
  [command = '', ...words]: readonly string[],
  started: (child: ChildProcess) => void = () => {},
): Promise<Ended> {
  const child = spawn(process.execPath, [...tsx, join(root, command), ...words], {
    cwd: dir,
    // A group of its own: who kills it kills its children.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, HOME: dir, TMPDIR: dir, ...env },
  })
  started(child)
  const ended = new Promise<[number | null, NodeJS.Signals | null]>((done) =>
    child.once('exit', (code, signal) => done([code, signal])),
  )
  const [out, err, [code, signal]] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  return { code, signal, out, err }
}

function logOf(home: string): LogEntry[] {
  return readFileSync(join(home, 'requests.jsonl'), 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as LogEntry)
}

/** The requests of the flow and its children; paper machines speak for themselves. */
function pointsOf(log: readonly LogEntry[]): Point[] {
  const seen = new Map<string, number>()
  return (
    log
      .filter(({ agent = '' }) => !agent.includes('paper'))
      // What kubectl asks to know the kinds is one question, however many groups there are.
      .filter(({ service, path }) => service !== 'kubernetes' || !/^\/apis\/[\w.]+\/\w+(\?|$)/.test(path))
      .filter(({ path }) => !path.includes('git-upload-pack'))
      .map(({ service, method, path }) => {
        const pattern = patternOf(path)
        const key = `${service} ${method} ${pattern}`
        const nth = (seen.get(key) ?? 0) + 1
        seen.set(key, nth)
        return { service, method, path: pattern, nth, mutates: !/^(GET|HEAD)$/.test(method) }
      })
  )
}

/** The path as a pattern that fits in every world. */
function patternOf(path: string): string {
  const plain = normal(`${path.split('?')[0]}"`).slice(0, -1)
  const open = plain.replace(/\/[0-9a-f]{40}\b/g, '/<sha>').replace(/\/\d{4,}\b/g, '/<id>')
  const plainly = open.replace(/\/(backups|kopia|nodes)\/.*/, '/$1/<file>')
  return `^${plainly
    .split(/<[\w ]+>/)
    .map(escaped)
    .join('[\\w.:/-]+')}(\\?|$)`
}

const escaped = (part: string) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

const where = ({ service, method, path, nth }: Point) => ({ service, method, path, nth })

/** A point as it is told. */
export const tellPoint = ({ service, method, path, nth }: Point) =>
  `${service} ${method} ${path.slice(1, -6).replaceAll('[\\w.:/-]+', '*').replaceAll('\\', '')} #${nth}`
