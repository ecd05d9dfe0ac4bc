// Times and counts, as ratios within one run: `npm run bench`, or `npm run bench -- life 'scale --ha'` for some of it.
// Run it on an idle machine: what is out of its bounds (seconds on two cores, ratios, sizes, counts) ends with exit code 1.
import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { growCrowd } from './crowd.ts'
import { type Flow, flows } from './flows.ts'
import { live } from './life.ts'
import { askAtOwnPace, atOwnPace } from './own-pace.ts'
import { measurePace } from './pace.ts'
import { lacksThroughput, moveBytes } from './throughput.ts'
import { counts, folder, forget, keep, root, run, seen, worldFile } from './work.ts'

/** A number and what it may be at most. */
type Bound = [what: string, value: number, most: number]
/** What one part of the bench tells, and where it must stay below. */
interface Measure {
  told: unknown
  bounds: Bound[]
}

const median = (numbers: number[]) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0
const five = (work: () => number) => median(Array.from({ length: 5 }, work))

/** Seconds of a command line as a person types it, in the project's folder. */
function timeAsTyped(command: string, words: string[]): number {
  const started = performance.now()
  const done = spawnSync(command, words, { cwd: root, encoding: 'utf8' })
  if (done.status !== 0) throw new Error(`${command} ${words.join(' ')}\n${done.stderr}`)
  return (performance.now() - started) / 1000
}

function measureStart(): Measure {
  const words = ['bootstrap.mts', '--sandbox', '--json']
  const empty = five(() => timeAsTyped('npx', ['tsx', '-e', '0']))
  const help = five(() => timeAsTyped('./bootstrap.mts', ['--help']))
  const firsts = [0, 1, 2].map(() => {
    forget()
    return run(words).seconds
  })
  const first = counts(0)
  const before = seen()
  const second = run(words).seconds
  const again = counts(before)
  const seconds = [second, run(words).seconds, run(words).seconds]
  const cloud = worldFile('digitalocean') as { droplets: { userData: string }[] }
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean }>
  }
  const packages = Object.entries(lock.packages).filter(([path]) => path !== '')
  const userData = Buffer.byteLength(cloud.droplets[0]?.userData ?? '')
  return {
    told: {
      bootstrap: { seconds: median(firsts), requests: first },
      again: { seconds: median(seconds), requests: again },
      help: { ratio: help / empty },
      userData: { bytes: userData },
      packages: { production: packages.filter(([, one]) => !one.dev).length, all: packages.length },
    },
    bounds: [
      ['bootstrap: seconds', median(firsts), 6],
      ['bootstrap again: seconds', median(seconds), 2],
      ['--help, in times of an empty tsx', help / empty, 1.3],
      ['bytes of user-data', userData, 4096],
    ],
  }
}

function measureFlow(name: string, { before, words, waits }: Flow): Measure {
  forget()
  for (const one of before) run(one)
  const asBefore = before.length > 0 ? keep() : forget
  const from = before.length > 0 ? seen() : 0
  run(words)
  const requests = counts(from)
  if (Object.keys(waits).length === 0) return { told: { requests }, bounds: [] }
  const pace = measurePace(waits, (latency) => {
    asBefore()
    return run(words, latency).seconds
  })
  return {
    told: { requests, ...pace },
    bounds: [
      [`${name}: growth of our own time with the cloud’s`, Math.abs(pace.growth), 0.2],
      [`${name}: our own time as a share of the cloud’s`, pace.share, 0.05],
    ],
  }
}

function measureLife(): Measure {
  const all = [live(), live(), live()]
  const whole = median(all.map((one) => one.whole))
  return {
    told: all.find((one) => one.whole === whole),
    bounds: [['life: seconds', whole, 20]],
  }
}

function measureCrowd(): Measure {
  const told = growCrowd()
  return {
    told,
    bounds: [
      ['100 machines: requests an hour', told.anHour, 5_000],
      ['100 machines: requests a minute', told.aMinute, 250],
      ['100 machines: requests refused', told.refused, 0],
      ['100 machines: those that are lacking', 100 - told.machines, 0],
    ],
  }
}

function measureOwnPace(): Measure {
  const all = atOwnPace.map(({ name, flow, most }) => ({ name, most, asked: askAtOwnPace(flow) }))
  return {
    told: Object.fromEntries(all.map(({ name, asked }) => [name, asked])),
    bounds: all.flatMap(({ name, most, asked }): Bound[] => [
      [`${name}: requests at DigitalOcean’s own pace`, asked.requests, most],
      // The next one would have waited.
      [`${name}: the most of them a minute`, asked.aMinute, 199],
    ]),
  }
}

/** Not part of a whole run without the programs, nor a reason to fail it. */
async function measureThroughput(): Promise<Measure> {
  const lacks = lacksThroughput()
  if (lacks) {
    process.stderr.write(`! throughput is NOT MEASURED: ${lacks}\n`)
    return { told: { notMeasured: lacks }, bounds: [] }
  }
  const told = await moveBytes()
  // Few files: some 14 s are Velero's own steps, whatever the size (rclone takes 7 and 17 s for all of the bytes), and both
  // cores encrypt and hash, with the store on the same two. docs/bad-day.md tells what it means.
  const most = { few: { up: 2.5, down: 5 }, many: { up: 3, down: 3 } }
  return {
    told,
    bounds: Object.entries(told).flatMap(([load, ways]) =>
      Object.entries(ways).map(
        ([way, { ratio }]): Bound => [
          `throughput of ${load} files, ${way}, in times of rclone`,
          ratio,
          most[load as keyof typeof most][way as 'up' | 'down'],
        ],
      ),
    ),
  }
}

const parts: Record<string, () => Measure | Promise<Measure>> = {
  start: measureStart,
  life: measureLife,
  '100 machines': measureCrowd,
  'own pace': measureOwnPace,
  throughput: measureThroughput,
  ...Object.fromEntries(Object.entries(flows).map(([name, flow]) => [name, () => measureFlow(name, flow)])),
}
const chosen = process.argv.slice(2)
const unknown = chosen.filter((name) => !(name in parts))
if (unknown.length > 0) {
  process.stderr.write(
    `x no part of the bench: ${unknown.join(', ')}. There are: ${Object.keys(parts).join(', ')}\n`,
  )
  process.exit(2)
}
try {
  const told: Record<string, unknown> = { node: process.version }
  const bounds: Bound[] = []
  for (const [name, measure] of Object.entries(parts)) {
    if (chosen.length > 0 && !chosen.includes(name)) continue
    process.stderr.write(`· ${name}\n`)
    const one = await measure()
    told[name] = one.told
    bounds.push(...one.bounds)
    // A bench that is ended early has told what it knew.
    for (const [what, value, most] of one.bounds)
      process.stderr.write(`  ${what}: ${value.toFixed(2)}, at most ${most}\n`)
  }
  process.stdout.write(`${JSON.stringify(told, null, 2)}\n`)
  for (const [what, value, most] of bounds.filter(([, value, most]) => !(value <= most))) {
    process.stderr.write(`x ${what}: ${value.toFixed(2)}, at most ${most}\n`)
    process.exitCode = 1
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
