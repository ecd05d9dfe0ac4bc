// Times and counts, as ratios within one run: `npm run bench`. Absolute seconds are this machine's, so they are only
// told; a ratio or a size out of its bounds ends with exit code 1.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Flow, flows } from './flows.ts'
import { measurePace } from './pace.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'regrow-bench-'))
const tsx = import.meta.resolve('tsx')

/** Seconds that a command took. @throws Error when it failed */
function time([script = '', ...words]: string[], latency = 0): number {
  const started = performance.now()
  const done = spawnSync(process.execPath, ['--import', tsx, join(root, script), ...words], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, REGROW_SANDBOX_TOOLS: 'stand-ins', REGROW_SANDBOX_LATENCY: String(latency) },
  })
  if (done.status !== 0) throw new Error(`${script} ${words.join(' ')}\n${done.stderr}`)
  return (performance.now() - started) / 1000
}

/** Seconds of a flow in a new world, at a pace of the cloud. */
function timeFlow({ before, words }: Flow, pace: number): number {
  forget()
  for (const one of before) time(one)
  return time(words, pace)
}

const forget = () => rmSync(join(folder, '.sandbox'), { recursive: true, force: true })

/** Seconds of a command line as a person types it, in the project's folder. */
function timeAsTyped(command: string, words: string[]): number {
  const started = performance.now()
  const done = spawnSync(command, words, { cwd: root, encoding: 'utf8' })
  if (done.status !== 0) throw new Error(`${command} ${words.join(' ')}\n${done.stderr}`)
  return (performance.now() - started) / 1000
}

const median = (numbers: number[]) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0
const five = (work: () => number) => median(Array.from({ length: 5 }, work))

interface Request {
  service: string
  method: string
  agent?: string
}

/** How many requests each service got, looks and changes apart; those of the machine's own half are left out. */
function counts(from: number): Record<string, string> {
  const lines = readFileSync(join(folder, '.sandbox', 'requests.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .slice(from)
  const own = lines
    .map((line) => JSON.parse(line) as Request)
    .filter((one) => !/paper|argocd/.test(one.agent ?? ''))
  const services = [...new Set(own.map((one) => one.service))].toSorted()
  return Object.fromEntries(
    services.map((service) => {
      const all = own.filter((one) => one.service === service)
      const looks = all.filter((one) => one.method === 'GET' || one.method === 'HEAD').length
      return [service, `${looks} looks, ${all.length - looks} changes`]
    }),
  )
}

const logged = () =>
  readFileSync(join(folder, '.sandbox', 'requests.jsonl'), 'utf8')
    .trim()
    .split('\n').length
const bootstrap = ['bootstrap.mts', '--sandbox', '--json']
try {
  const empty = five(() => timeAsTyped('npx', ['tsx', '-e', '0']))
  const help = five(() => timeAsTyped('./bootstrap.mts', ['--help']))
  const firsts = [0, 1, 2].map(() => {
    forget()
    return time(bootstrap)
  })
  const first = counts(0)
  const before = logged()
  const second = time(bootstrap)
  const again = counts(before)
  const seconds = [second, time(bootstrap), time(bootstrap)]
  const cloud = JSON.parse(readFileSync(join(folder, '.sandbox', 'digitalocean.json'), 'utf8')) as {
    droplets: { userData: string }[]
  }
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean; optional?: boolean }>
  }
  const packages = Object.entries(lock.packages).filter(([path]) => path !== '')
  const userData = Buffer.byteLength(cloud.droplets[0]?.userData ?? '')
  const atPaces = Object.entries(flows).map(([name, flow]) => [name, measurePace(flow, timeFlow)] as const)
  process.stdout.write(
    `${JSON.stringify(
      {
        node: process.version,
        bootstrap: { seconds: median(firsts), target: 6, requests: first },
        again: { seconds: median(seconds), target: 2, requests: again },
        help: { ratio: help / empty, target: 1.3 },
        userData: { bytes: userData, target: 4096 },
        packages: { production: packages.filter(([, one]) => !one.dev).length, all: packages.length },
        paceOfTheCloud: Object.fromEntries(atPaces),
      },
      null,
      2,
    )}\n`,
  )
  const bounds: [what: string, value: number, most: number][] = [
    ['--help, in times of an empty tsx', help / empty, 1.3],
    ['bytes of user-data', userData, 4096],
    ...atPaces.flatMap(([name, { growth, share }]): [string, number, number][] => [
      [`${name}: growth of our own time with the cloud’s`, Math.abs(growth), 0.2],
      [`${name}: our own time as a share of the cloud’s`, share, 0.05],
    ]),
  ]
  for (const [what, value, most] of bounds.filter(([, value, most]) => !(value <= most))) {
    process.stderr.write(`x ${what}: ${value.toFixed(2)}, at most ${most}\n`)
    process.exitCode = 1
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
