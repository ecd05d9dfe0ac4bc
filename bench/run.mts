// Times and counts, as ratios within one run: `npm run bench`. Absolute seconds are this machine's.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'regrow-bench-'))
const tsx = import.meta.resolve('tsx')

/** Seconds that a command took. @throws Error when it failed */
function time(words: string[]): number {
  const started = performance.now()
  const done = spawnSync(process.execPath, ['--import', tsx, ...words], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, REGROW_SANDBOX_TOOLS: 'stand-ins' },
  })
  if (done.status !== 0) throw new Error(`${words.join(' ')}\n${done.stderr}`)
  return (performance.now() - started) / 1000
}

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
const bootstrap = [join(root, 'bootstrap.mts'), '--sandbox', '--json']
try {
  const empty = five(() => timeAsTyped('npx', ['tsx', '-e', '0']))
  const help = five(() => timeAsTyped('./bootstrap.mts', ['--help']))
  const firsts = [0, 1, 2].map(() => {
    rmSync(join(folder, '.sandbox'), { recursive: true, force: true })
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
  process.stdout.write(
    `${JSON.stringify(
      {
        node: process.version,
        bootstrap: { seconds: median(firsts), target: 6, requests: first },
        again: { seconds: median(seconds), target: 2, requests: again },
        help: { ratio: help / empty, target: 1.3 },
        userData: { bytes: Buffer.byteLength(cloud.droplets[0]?.userData ?? ''), target: 4096 },
        packages: { production: packages.filter(([, one]) => !one.dev).length, all: packages.length },
      },
      null,
      2,
    )}\n`,
  )
} finally {
  rmSync(folder, { recursive: true, force: true })
}
