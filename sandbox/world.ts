import { randomInt } from 'node:crypto'
import { lstatSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { line } from '../lib/hint.ts'
import { Problem } from '../lib/problem.ts'
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
export interface Addresses {
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

export interface Endpoint {
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

/** HTTP clients keep connections: a later world of this process on the same range would meet dead ones. */
const drawn = new Set<string>()

/** With `release` for a range, which nobody else draws until then. */
async function drawAddresses(): Promise<{ saved: Saved; release?: () => Promise<void> }> {
  for (let attempt = 0; attempt < 20; attempt++) {
    const range = `127.${randomInt(16, 250)}`
    if (drawn.has(range)) continue
    // Two processes may draw the same range at once: who binds this address has it.
    const release = await bind(`${range}.0.6`, 8000)
    if (!release) continue
    drawn.add(range)
    if (await isFree(range)) return { saved: { range }, release }
    await release()
  }
  const ports: number[] = []
  while (ports.length < 5) {
    const port = randomInt(20000, 60000)
    if (await canBind('127.0.0.1', port)) ports.push(port)
  }
  return { saved: { range: '127.0', ports } }
}

/** Whether no other world listens there; not every world has all four services. */
async function isFree(range: string): Promise<boolean> {
  for (const last of [2, 3, 4, 5]) if (!(await canBind(`${range}.0.${last}`, 8000))) return false
  return true
}

async function canBind(host: string, port: number): Promise<boolean> {
  const release = await bind(host, port)
  await release?.()
  return release !== undefined
}

/** @returns what gives the address back; undefined when somebody else has it */
function bind(host: string, port: number): Promise<(() => Promise<void>) | undefined> {
  return new Promise((resolve) => {
    const server = createServer().unref()
    server.once('error', () => resolve(undefined))
    server.listen(port, host, () => resolve(() => new Promise((done) => server.close(() => done()))))
  })
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
