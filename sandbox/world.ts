import { randomInt } from 'node:crypto'
import { lstatSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { line } from '../lib/base/hint.ts'
import { Problem } from '../lib/base/problem.ts'
import { canBind, drawRange } from './address-range.ts'
import type { Faults } from './faults.ts'
import type { Machines } from './machines.ts'

/** One rehearsal's whole outside world: a folder of files, a range of loopback addresses and what happens to requests. */
export interface World {
  /** Absolute path of the world's folder (`.sandbox` or `REGROW_SANDBOX`). */
  readonly dir: string
  readonly addresses: Addresses
  readonly faults: Faults
  /** What a droplet boots on: paper by default, a virtual machine or real parts in the real suite. */
  machines: Machines
  /** A path inside the world's folder; its parent exists afterwards. */
  path(...parts: string[]): string
  /** What `save` wrote under this name, or undefined. */
  load(name: string): unknown
  /** Writes a value as JSON whole (temporary file, rename), so that a kill never leaves half of it. */
  save(name: string, value: unknown): void
  /**
   * Really waits as long as DigitalOcean would take (seconds), times the world's latency scale (0 by default). Alone it
   * keeps no process alive.
   */
  latency(seconds: number, what?: 'step' | 'pause'): Promise<void>
  /**
   * How many seconds the latencies so far would have taken one after the other, where one began when another had ended:
   * an estimate for the real thing, made of the figures that `latency` was given.
   */
  cloudSeconds(): number
  /** Appends one line to `requests.jsonl`. */
  log(entry: LogEntry): void
  /** Runs at every `flush`: what is saved only a moment after a change is saved then. */
  atFlush(save: () => void): void
  flush(): void
  /** Runs when the wrapper ends, last registered first. */
  atEnd(close: () => Promise<void> | void): void
  end(): Promise<void>
}

/** One request as the world saw it; `tool` names the child process when its user agent says so. */
export interface LogEntry {
  at: string
  service: string
  method: string
  path: string
  status: number
  ms: number
  agent?: string
  fault?: string
}

/** Where the world's servers live. Ranges are `127.<a>.0.0/16`; where only 127.0.0.1 binds, ports are drawn instead. */
interface Addresses {
  digitalocean: Endpoint
  github: Endpoint
  spaces: Endpoint
  upstream: Endpoint
  /** Addresses for droplets (third byte 1..) and reserved IPs (third byte 200); counters belong to the caller. */
  host(third: number, fourth: number): string
  /** Whether more than 127.0.0.1 can be bound. */
  manyHosts: boolean
  /** The Kubernetes API's port: 6443, or a drawn one where only 127.0.0.1 binds. */
  apiPort: number
}

interface Endpoint {
  host: string
  port: number
}

interface Saved {
  /** The first two bytes of every address. */
  range: string
  ports?: number[]
}

/** Opens the world in `dir`, drawing its address range the first time. `latencyScale` 1 is as slow as the real thing. */
export async function openWorld(
  dir: string,
  options: { faults: Faults; machines: Machines; latencyScale?: number },
): Promise<World> {
  const closers: (() => Promise<void> | void)[] = []
  const savers: (() => void)[] = []
  const path = (...parts: string[]) => {
    const file = join(dir, ...parts)
    mkdirSync(dirname(file), { recursive: true })
    return file
  }
  const save = (name: string, value: unknown) => {
    const file = path(`${name}.json`)
    writeFileSync(`${file}.new`, JSON.stringify(value), { mode: 0o600 })
    renameSync(`${file}.new`, file)
  }
  const load = (name: string): unknown => {
    try {
      return JSON.parse(readFileSync(path(`${name}.json`), 'utf8'))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      if (error instanceof SyntaxError) throw noWorld(join(dir, `${name}.json`), error)
      throw error
    }
  }
  if (lstatSync(dir, { throwIfNoEntry: false })?.isFile()) throw noWorld(dir)
  mkdirSync(dir, { recursive: true })
  const known = load('addresses') as Saved | undefined
  const { saved, release } = known ? { saved: known, release: undefined } : await drawAddresses()
  if (release) closers.push(release)
  save('addresses', saved)
  const scale = options.latencyScale ?? 0
  let cloudSeconds = 0
  return {
    dir,
    addresses: layOut(saved),
    faults: options.faults,
    machines: options.machines,
    path,
    save,
    load,
    latency: async (seconds, what = 'step') => {
      const end = cloudSeconds + seconds
      await new Promise<void>((resolve) =>
        scale === 0 ? setImmediate(resolve) : setTimeout(resolve, seconds * 1000 * scale).unref(),
      )
      // A pause between two looks is no time of the cloud's.
      if (what === 'step') cloudSeconds = Math.max(cloudSeconds, end)
    },
    cloudSeconds: () => cloudSeconds,
    log: (entry) => writeFileSync(path('requests.jsonl'), `${JSON.stringify(entry)}\n`, { flag: 'a' }),
    atFlush: (save) => savers.push(save),
    flush: () => {
      for (const save of savers) save()
    },
    atEnd: (close) => closers.unshift(close),
    end: async () => {
      for (const close of closers.splice(0)) await close()
    },
  }
}

const noWorld = (file: string, cause?: unknown) =>
  new Problem(`${file} is not a world of the sandbox`, {
    cure: `${line('scripts/sandbox.mts', ['--reset', 'true'])} forgets it and what lies beside it.`,
    cause,
  })

/** With `release` for a range, which nobody else draws until then. */
async function drawAddresses(): Promise<{ saved: Saved; release?: () => Promise<void> }> {
  const own = await drawRange()
  if (own) return { saved: { range: own.range }, release: own.release }
  const ports: number[] = []
  while (ports.length < 5) {
    const port = randomInt(20000, 60000)
    if (await canBind('127.0.0.1', port)) ports.push(port)
  }
  return { saved: { range: '127.0', ports } }
}

function layOut({ range, ports }: Saved): Addresses {
  const at = (index: number): Endpoint =>
    ports ? { host: '127.0.0.1', port: ports[index] ?? 0 } : { host: `${range}.0.${index + 2}`, port: 8000 }
  return {
    digitalocean: at(0),
    github: at(1),
    spaces: at(2),
    upstream: at(3),
    host: (third, fourth) => (ports ? '127.0.0.1' : `${range}.${third}.${fourth}`),
    manyHosts: !ports,
    apiPort: ports?.[4] ?? 6443,
  }
}
