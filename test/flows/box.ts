import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, delimiter, join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { results } from '../../lib/commands/results.ts'
import { openBox } from '../../sandbox/box.ts'
import type { Fault } from '../../sandbox/faults.ts'
import type { LogEntry } from '../../sandbox/world.ts'

// Everything here is SIMULATED: a world of its own in a temporary folder, and flows as child processes in it.

/** What the test's clean-up needs of tap. */
interface Test {
  teardown(end: () => Promise<void> | void): void
}

/** How a command is run, beside its words. */
export interface How {
  env?: Record<string, string | undefined>
  input?: string
  /** Sends SIGINT, as Ctrl-C does. */
  interrupt?: AbortSignal
  /** Kills it, so that nothing of it can put anything away. */
  kill?: AbortSignal
}

/** How a command ended. */
export interface Ended {
  code: number | null
  out: string
  err: string
  /** Requests that the world saw meanwhile, those of child processes and of the paper machines too. */
  requests: LogEntry[]
}

export interface TestBox {
  /** The folder in which commands run; the world is its `.sandbox`. */
  dir: string
  env: Record<string, string>
  /** Runs a script of the project (`bootstrap.mts`, `scripts/status.mts`) or a program. */
  run(command: string, words?: string[], how?: How): Promise<Ended>
  /** Writes a file into the folder and tells its path. */
  file(name: string, content: string): string
  /** A file of the world, parsed. */
  world(name: string): unknown
  /** Sets `behaviour.json` of the world. */
  behave(behaviour: object): void
  /** From now on upstream has nothing any more: each address answers 404. */
  withdraw(): void
  /** Speaks to the simulated DigitalOcean as the person could. */
  cloud(method: string, path: string, body?: object): Promise<Record<string, unknown>>
  /** Speaks to the simulated GitHub as the person could. */
  github(method: string, path: string, body?: object): Promise<unknown>
  /** Does something once, as soon as the world has seen such a request. */
  once(which: (entry: LogEntry) => boolean, act: () => Promise<unknown>): Promise<void>
}

/** Holds what a command printed with `--json` against what docs/json.md promises. */
function holdToSchema(command: string, words: readonly string[], out: string): void {
  if (!words.includes('--json') || words.includes('--dry-run') || out.trim() === '') return
  const read = results[basename(command, '.mts')]?.safeParse(JSON.parse(out))
  if (read?.error) throw new Error(`${command} --json is not what docs/json.md says: ${read.error.message}`)
}

/** The words with which Node runs a script, as the first line of every one has them. */
export const tsx = [
  '--max-semi-space-size=4',
  '--import',
  fileURLToPath(new URL('../../lib/commands/start.mjs', import.meta.url)),
]

/**
 * The program and words that start a command as a person's shell does. By NODE_OPTIONS tap has every process of Node below a
 * test record what it loads, which costs a script a quarter of a second.
 * @param options NODE_OPTIONS of the command's own
 */
export const asTyped = (command: readonly string[], options?: string): [string, string[]] => [
  'env',
  [...(options ? [`NODE_OPTIONS=${options}`] : ['-u', 'NODE_OPTIONS']), ...command],
]

/** The requests that change something. A client that reads Git posts what it has. */
export const mutating = (requests: readonly LogEntry[]) =>
  requests
    .filter((one) => one.method !== 'GET' && one.method !== 'HEAD' && !one.path.includes('git-upload-pack'))
    .map((one) => `${one.service} ${one.method} ${one.path.split('?')[0]}`)

/** How often a service was asked by a flow and its tools; what a machine's own half asked is left out. */
export const askedOf = (service: string, requests: readonly LogEntry[]): number =>
  requests.filter((one) => one.service === service && !/paper|argocd/.test(one.agent ?? '')).length

/** Opens a world in a new folder, which goes when the test ends; `latencyScale` times as slow as the real thing. */
export async function openTestBox(t: Test, faults: Fault[] = [], latencyScale = 0): Promise<TestBox> {
  process.env.REGROW_SANDBOX_TOOLS = 'stand-ins'
  const dir = mkdtempSync(join(tmpdir(), 'regrow-flow-'))
  const home = join(dir, '.sandbox')
  const box = await openBox({ dir: home, latencyScale, faults })
  t.teardown(async () => {
    await box.leave()
    rmSync(dir, { recursive: true, force: true })
  })
  const log = () => requestsIn(home)
  return {
    dir,
    env: box.env,
    run: async (command, words = [], how = {}) => {
      const before = log().length
      const ended = await runIn(dir, command, words, { ...how, env: { ...box.env, ...how.env } })
      holdToSchema(command, words, ended.out)
      return { ...ended, requests: log().slice(before) }
    },
    file: (name, content) => {
      writeFileSync(join(dir, name), content)
      return join(dir, name)
    },
    world: (name) => JSON.parse(readFileSync(join(home, `${name}.json`), 'utf8')),
    withdraw: () => writeFileSync(join(home, 'behaviour.json'), JSON.stringify({ gone: ['.'] })),
    behave: (behaviour) => writeFileSync(join(home, 'behaviour.json'), JSON.stringify(behaviour)),
    cloud: (method, path, body) =>
      speak(box.env.REGROW_DIGITALOCEAN_URL, box.env.DIGITALOCEAN_TOKEN, method, path, body),
    github: (method, path, body) =>
      speak(box.env.REGROW_GITHUB_URL, box.env.GITHUB_TOKEN, method, path, body),
    once: async (which, act) => {
      const before = log().length
      const giveUp = Date.now() + 90_000
      while (!log().slice(before).some(which)) {
        if (Date.now() > giveUp) throw new Error('the world saw no such request within 90 s')
        await sleep(4)
      }
      await act()
    },
  }
}

/** Speaks to a simulated service as the person could. @throws Error with what it answered */
export async function speak(
  base: string | undefined,
  token: string | undefined,
  method: string,
  path: string,
  body?: object,
): Promise<Record<string, unknown>> {
  const answer = await fetch(`${base}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body ? { body: JSON.stringify(body) } : {}),
  })
  const said = await answer.text()
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${said}`)
  return said ? JSON.parse(said) : {}
}

/**
 * The words with which a person tells `destroy` what goes. Only its world knows the name of a cluster's backups' bucket,
 * so what stands for it is replaced when the command is run; of the kit’s bucket likewise.
 */
export const confirmed = (cluster = 'main') => [
  ...['--confirm', cluster],
  ...['--confirm-backups', `<velero of ${cluster}>`],
  ...['--confirm-kit', `<kit of ${cluster}>`],
]

/** A word as it is typed in the world in `dir`. */
export function withBucket(dir: string, word: string): string {
  const [, use, cluster] = /^<(velero|kit) of (.+)>$/.exec(word) ?? []
  if (cluster === undefined) return word
  const spaces = join(dir, '.sandbox', 'spaces')
  const found = existsSync(spaces) ? readdirSync(spaces) : []
  // A decoy may be named alike.
  const isIts = (name: string) =>
    name.startsWith(`regrow-${cluster}-`) && name.endsWith(`-${use}`) && !name.includes('-0123456789-')
  return found.find(isIts) ?? 'none'
}

/** Runs a command with nothing of the caller's environment but its PATH. */
export async function runIn(
  dir: string,
  command: string,
  words: string[],
  { env = {}, input = '', interrupt, kill }: How = {},
): Promise<Omit<Ended, 'requests'>> {
  const own = command.endsWith('.mts')
  const typed = words.map((word) => withBucket(dir, word))
  const given = { PATH: process.env.PATH, HOME: dir, TMPDIR: tmpdir(), ...env }
  const line = own ? [process.execPath, ...tsx, resolve(command), ...typed] : [command, ...typed]
  const child = spawn(...asTyped(line, env.NODE_OPTIONS), {
    cwd: dir,
    stdio: ['pipe', 'pipe', 'pipe'],
    // Who is killed is killed with the scripts that it runs.
    detached: kill !== undefined,
    env: Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  })
  interrupt?.addEventListener('abort', () => child.kill('SIGINT'))
  kill?.addEventListener('abort', () => process.kill(-(child.pid ?? Number.NaN), 'SIGKILL'))
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const [out, err, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((done, failed) => child.once('exit', done).once('error', failed)),
  ])
  return { code, out, err }
}

/** PATH with the folder of the Node that runs this first, so that `npx` and `node` are the ones under test. */
export const ownPath = [join(process.execPath, '..'), process.env.PATH ?? ''].join(delimiter)

/** The requests that a world has answered so far. @param home its folder */
export function requestsIn(home: string): LogEntry[] {
  const file = join(home, 'requests.jsonl')
  if (!existsSync(file)) return []
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as LogEntry)
}
