import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Other people's programs that run beside a test. None outlives it: the kernel ends them when this process dies. */
export class Processes {
  readonly #running: { name: string; child: ChildProcess }[] = []
  readonly #logs: string

  /** @param logs the folder that gets a file for each */
  constructor(logs: string) {
    this.#logs = logs
    mkdirSync(logs, { recursive: true })
  }

  start(
    name: string,
    file: string,
    words: string[],
    options: { env?: NodeJS.ProcessEnv; cwd?: string } = {},
  ): ChildProcess {
    const log = openSync(join(this.#logs, name), 'a')
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', file, ...words], {
      stdio: ['ignore', log, log],
      ...options,
    })
    closeSync(log)
    this.#running.push({ name, child })
    return child
  }

  /** What a program printed last. */
  tail(name: string, lines = 20): string {
    return readFileSync(join(this.#logs, name), 'utf8').trim().split('\n').slice(-lines).join('\n')
  }

  /** The most memory that each running program had resident so far, in MiB (`VmHWM`, proc_pid_status(5)). */
  peaks(): Record<string, number> {
    const all = this.#running.map(({ name, child }) => [name, Math.round(peakBelow(child.pid) / 1024)])
    return Object.fromEntries(all.filter(([, most]) => Number(most) > 0))
  }

  /** The programs that ended by themselves. */
  ended(): string[] {
    return this.#running.filter(({ child }) => child.exitCode !== null).map(({ name }) => name)
  }

  /** Ends all of them, the last started first. */
  async stop(): Promise<void> {
    for (const { child } of this.#running.splice(0).reverse()) await ended(child)
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const over = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill('SIGTERM')
  const patience = setTimeout(() => child.kill('SIGKILL'), 3000)
  await over
  clearTimeout(patience)
}

/** KiB of a process and those below it, without what only wraps them. */
function peakBelow(pid: number | undefined): number {
  const file = (path: string) => {
    try {
      return readFileSync(`/proc/${pid}/${path}`, 'utf8')
    } catch {
      return '' // it has ended
    }
  }
  const status = file('status')
  const own = /^Name:\t(bwrap|socat|sh|sleep)$/m.test(status)
    ? 0
    : Number(status.match(/^VmHWM:\s+(\d+)/m)?.[1] ?? 0)
  const below = file(`task/${pid}/children`).trim().split(' ').filter(Boolean)
  return below.reduce((sum, child) => sum + peakBelow(Number(child)), own)
}
