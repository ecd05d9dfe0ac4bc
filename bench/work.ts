import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The project's folder. */
export const root = fileURLToPath(new URL('../', import.meta.url))
/** The folder in which everything is measured; its `.sandbox` is the world. */
export const folder = mkdtempSync(join(tmpdir(), 'regrow-bench-'))
const world = join(folder, '.sandbox')

/** A command that came to its end: seconds that it took, and its stdout. */
export interface Done {
  seconds: number
  out: string
}

/**
 * Runs a script of the project as a person does.
 * @param latency share of the cloud's own pace
 * @param env what it has in its environment besides
 */
export function run([script = '', ...words]: readonly string[], latency = 0, env = {}): Done {
  const started = performance.now()
  const done = spawnSync(join(root, script), words, {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    env: {
      ...process.env,
      REGROW_SANDBOX_TOOLS: 'stand-ins',
      REGROW_SANDBOX_LATENCY: String(latency),
      ...env,
    },
  })
  if (done.status !== 0) throw new Error(`${script} ${words.join(' ')}\n${done.stderr}`)
  return { seconds: (performance.now() - started) / 1000, out: done.stdout }
}

/** Forgets the world. */
export const forget = () => rmSync(world, { recursive: true, force: true })

/** Keeps the world as it is. @returns brings it back so */
export function keep(): () => void {
  const copy = mkdtempSync(join(folder, 'kept-'))
  cpSync(world, copy, { recursive: true })
  return () => {
    forget()
    cpSync(copy, world, { recursive: true })
  }
}

/** A file of the world, parsed. */
export const worldFile = (name: string): unknown =>
  JSON.parse(readFileSync(join(world, `${name}.json`), 'utf8'))

interface Request {
  at: string
  service: string
  method: string
  status: number
  agent?: string
}

const requests = () => readFileSync(join(world, 'requests.jsonl'), 'utf8').trim().split('\n')

/** How many requests the world has seen. */
export const seen = () => requests().length

/** The requests since then; those of the machine's own half are left out. */
export const requestsSince = (from: number): Request[] =>
  requests()
    .slice(from)
    .map((line) => JSON.parse(line) as Request)
    .filter((one) => !/paper|argocd/.test(one.agent ?? ''))

/** How many of them each service got, looks and changes apart. */
export function counts(from: number): Record<string, string> {
  const own = requestsSince(from)
  const services = [...new Set(own.map((one) => one.service))].toSorted()
  return Object.fromEntries(
    services.map((service) => {
      const all = own.filter((one) => one.service === service)
      const looks = all.filter((one) => one.method === 'GET' || one.method === 'HEAD').length
      return [service, `${looks} looks, ${all.length - looks} changes`]
    }),
  )
}

/** The most requests of a service within a minute. */
export function mostAMinute(own: readonly Request[], service: string): number {
  const times = own.filter((one) => one.service === service).map((one) => Date.parse(one.at))
  return Math.max(0, ...times.map((end) => times.filter((at) => at > end - 60_000 && at <= end).length))
}
