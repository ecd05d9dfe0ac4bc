import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { type Box, openBox } from '../../sandbox/box.ts'
import type { Fault } from '../../sandbox/faults.ts'
import type { LogEntry } from '../../sandbox/world.ts'
import { asTyped, requestsIn, tsx, withBucket } from '../flows/box.ts'
import { plantDecoys } from './decoys.ts'
import type { Breakable } from './flows.ts'
import { differences, stateOf } from './state.ts'

// SIMULATED clouds that live in this process; the flows are processes of their own, so that they can be killed.

/** How a process ended. */
export interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  out: string
  err: string
}

/** The flows as they lie in `root`: this project, or a copy with a fault built in. */
export interface Project {
  root: string
}

/** This project. */
export const here: Project = { root: resolve(import.meta.dirname, '..', '..') }

/** A world in which flows are run as processes. */
export interface World {
  home: string
  /** What a command in it gets beside the caller's environment: where the clouds are, and the tokens. */
  env: Record<string, string>
  /** How the clouds behave from now on. */
  behaves(behaviour: object): void
  /** The one fault from now on. */
  breaks(fault: Fault | undefined): void
  run(project: Project, command: readonly string[], started?: (child: ChildProcess) => void): Promise<Ended>
  requests(): LogEntry[]
  /** All that it holds, as lines (`state.ts`). */
  state(): string[]
  touched(): string[]
}

/** A world that was made once and lies there paused; it is copied for one run after the other: its addresses are its own. */
interface Stage {
  dir: string
  decoys: string[]
  made: number
  /** Ends the hold of its addresses, which another world would take for free. */
  release: () => Promise<void>
}
const stages = new Map<string, Stage[]>()

/** Its first backup would soon be too old for a flow that wants one before it does something risky. */
const isStale = ({ made }: Stage) => performance.now() - made > 8 * 60_000

/** Opens a world full of decoys and with what has to be there before the flow; all that is done in it is gone afterwards. */
export async function inWorld<T>(
  { before }: Pick<Breakable, 'before'>,
  work: (world: World) => Promise<T>,
): Promise<T> {
  process.env.REGROW_SANDBOX_TOOLS = 'stand-ins'
  const free = stages.get(JSON.stringify(before)) ?? []
  stages.set(JSON.stringify(before), free)
  const found = free.pop()
  if (found && isStale(found)) await found.release()
  const stage = found && !isStale(found) ? found : await setStage(before)
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
    const planted = world.state()
    for (const command of before) {
      const ended = await world.run(here, command)
      if (ended.code !== 0) throw new Error(`${command.join(' ')}: ${ended.err}`)
    }
    return planted
  })
  cpSync(dir, `${dir}-before`, { recursive: true, preserveTimestamps: true })
  return { dir, decoys, made: performance.now(), release: await hold(dir) }
}

/** What is made at DigitalOcean without a project lies in the account's default one. */
const touched = (decoys: readonly string[], { state }: Pick<World, 'state'>) =>
  differences(decoys, state()).filter((line) => line.startsWith('-') && !line.includes('"is_default":true'))

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
        env: box.env,
        behaves,
        breaks: (fault) => box.breaks(fault ? [fault] : []),
        run: (project, command, started) => run(dir, box.env, project, command, started),
        requests: () => requestsIn(home),
        state: () => {
          box.flush()
          return stateOf(home)
        },
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
  const typed = words.map((word) => withBucket(dir, word))
  const child = spawn(...asTyped([process.execPath, ...tsx, join(root, command), ...typed]), {
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
