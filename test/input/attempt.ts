import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { guardChanges } from '../../lib/base/change.ts'
import type { LogEntry } from '../../sandbox/world.ts'
import { requestsIn, type TestBox } from '../flows/box.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
let runs = 0

/** How a flow ended, and what the world saw of it. */
export interface Attempt {
  code: number
  out: string
  err: string
  /** The requests that changed something, but for the run's own short-lived keys: `github POST /user/repos`. */
  changes: string[]
}

/**
 * Runs a script of the project whole in this process, as its own process would: a twentieth of the price. Its
 * library is loaded once for all runs, so what a run registers must be put away by itself, as `endAll` does.
 */
export async function attempt(
  box: TestBox,
  script: string,
  words: readonly string[],
  env: Record<string, string | undefined> = {},
): Promise<Attempt> {
  const home = join(box.dir, '.sandbox')
  const before = requestsIn(home).length
  const caller = { argv: process.argv, env: { ...process.env }, cwd: process.cwd() }
  const write = { out: process.stdout.write, err: process.stderr.write }
  const said = { out: '', err: '' }
  const hear = (to: 'out' | 'err') => (text: string) => {
    said[to] += text
    return true
  }
  // Each run listens for Ctrl-C anew.
  process.setMaxListeners(0)
  process.stdout.setMaxListeners(0)
  process.stderr.setMaxListeners(0)
  process.argv = [process.execPath, join(root, script), ...words]
  process.chdir(box.dir)
  setEnvironment({ PATH: caller.env.PATH, HOME: box.dir, TMPDIR: caller.env.TMPDIR, ...box.env, ...env })
  Object.assign(process.stdout, { write: hear('out') })
  Object.assign(process.stderr, { write: hear('err') })
  try {
    await import(`../../${script}?run=${++runs}`)
  } finally {
    Object.assign(process.stdout, { write: write.out })
    Object.assign(process.stderr, { write: write.err })
    process.argv = caller.argv
    process.chdir(caller.cwd)
    setEnvironment(caller.env)
  }
  const code = Number(process.exitCode ?? 0)
  process.exitCode = 0
  // One that failed ends all changes of its process, which here goes on.
  guardChanges(async () => Number.NEGATIVE_INFINITY)
  return { code, ...said, changes: changesIn(requestsIn(home).slice(before)) }
}

/** What changed the world; a refused request did not, and a run's own keys come and go with it. */
export function changesIn(requests: readonly LogEntry[]): string[] {
  return requests
    .filter((one) => one.method !== 'GET' && one.method !== 'HEAD' && one.status < 400)
    .map((one) => `${one.service} ${one.method} ${one.path.split('?')[0]}`)
    .filter((one) => !/^digitalocean (POST|DELETE) \/v2\/spaces\/keys/.test(one))
}

function setEnvironment(env: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(process.env)) delete process.env[name]
  for (const [name, value] of Object.entries(env)) if (value !== undefined) process.env[name] = value
}
