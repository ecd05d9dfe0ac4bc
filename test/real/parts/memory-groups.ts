import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = '/sys/fs/cgroup/memory'
const prefix = 'regrow-parts-'

/** What a container may take, in MiB: its limit, and as much swap as it requests (docs/memory.md). */
export interface Allowance {
  limit: number
  swap: number
}

/** A container's resources, as far as they are of memory. */
export interface Resources {
  limits?: { memory?: string }
  requests?: { memory?: string }
}

/** With as much swap on the node as memory, each container may put out as much as it requests (LimitedSwap). */
export function allowance({ limits, requests }: Resources = {}): Allowance | undefined {
  const limit = amount(limits?.memory)
  return limit > 0 ? { limit, swap: amount(requests?.memory) } : undefined
}

const amount = (text = '0Mi') => Number.parseInt(text, 10) * (text.endsWith('Gi') ? 1024 : 1)

/** What a program was allowed and what it took, in MiB. */
export interface Taken extends Allowance {
  /** The most that was its own (anonymous, in memory or swap); seen every 200 ms. */
  own: number
  /** The most with the pages of files, which the kernel takes back when there is no room. */
  all: number
  /** How often the kernel killed one of its processes for want of room. */
  killed: number
}

interface Group {
  name: string
  folder: string
  allowed: Allowance
  own: number
}

/**
 * Memory control groups: the kernel holds each program, with all that it starts, to its limit, as a kubelet has it do.
 * Version 1 of the interface (Documentation/admin-guide/cgroup-v1/memory.rst). Where this machine has no swap, there is
 * as much more memory in its place: a program is then killed when a droplet would kill it, but never slowed down before.
 */
export class MemoryGroups {
  static #made = 0
  readonly #groups: Group[] = []
  readonly #timer = setInterval(() => this.#look(), 200).unref()
  readonly hasSwap = readFileSync('/proc/swaps', 'utf8').trim().includes('\n')

  /** Why programs cannot be held to limits here; false where they can. */
  static lacking(): string | false {
    if (!existsSync(join(root, 'memory.memsw.limit_in_bytes'))) return 'no memory control groups of version 1'
    const tried = join(root, `${prefix}${process.pid}-tried`)
    try {
      mkdirSync(tried)
      rmdirSync(tried)
      return false
    } catch (error) {
      return `no control group can be made: ${(error as Error).message}`
    }
  }

  /** @returns the words that start another program held to it */
  hold(name: string, allowed: Allowance): string[] {
    const folder = join(root, `${prefix}${process.pid}-${MemoryGroups.#made++}`)
    const all = allowed.limit + allowed.swap
    mkdirSync(folder)
    writeFileSync(join(folder, 'memory.limit_in_bytes'), `${this.hasSwap ? allowed.limit : all}M`)
    writeFileSync(join(folder, 'memory.memsw.limit_in_bytes'), `${all}M`)
    this.#groups.push({ name, folder, allowed, own: 0 })
    return ['/bin/sh', '-c', 'echo $$ > "$0" && exec "$@"', join(folder, 'cgroup.procs')]
  }

  /** By program; of one that was started several times, the most of each. */
  taken(): Record<string, Taken> {
    this.#look()
    const found: Record<string, Taken> = {}
    for (const { name, folder, allowed, own } of this.#groups) {
      const before = found[name] ?? { own: 0, all: 0, killed: 0 }
      const killed = Number(/^oom_kill (\d+)/m.exec(read(folder, 'memory.oom_control'))?.[1] ?? 0)
      found[name] = {
        ...allowed,
        own: Math.max(before.own, own),
        all: Math.max(before.all, mebibytes(read(folder, 'memory.memsw.max_usage_in_bytes'))),
        killed: before.killed + killed,
      }
    }
    return found
  }

  /** Removes its groups, whose programs have ended, and those that killed runs left. */
  close(): void {
    clearInterval(this.#timer)
    const own = this.#groups.splice(0).map(({ folder }) => folder)
    const left = readdirSync(root)
      .filter((name) => name.startsWith(prefix) && !existsSync(`/proc/${name.split('-')[2]}`))
      .map((name) => join(root, name))
    for (const folder of [...own, ...left])
      try {
        rmdirSync(folder)
      } catch (error) {
        // Another run may have removed what was left; what is busy for a moment is removed by the next.
        if (!/^(EBUSY|ENOENT)$/.test((error as NodeJS.ErrnoException).code ?? '')) throw error
      }
  }

  #look(): void {
    for (const one of this.#groups) {
      const text = read(one.folder, 'memory.stat')
      const [rss, swap] = ['rss', 'swap'].map(
        (what) => new RegExp(`^total_${what} (\\d+)`, 'm').exec(text)?.[1],
      )
      one.own = Math.max(one.own, mebibytes(rss) + mebibytes(swap))
    }
  }
}

const read = (folder: string, name: string) => readFileSync(join(folder, name), 'utf8')

const mebibytes = (bytes: string | undefined) => Math.round(Number(bytes ?? 0) / 2 ** 20)
