import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Allowance, MemoryGroups, type Taken } from './memory-groups.ts'

/** Other people's programs that run beside a test. None outlives it: the kernel ends them when this process dies. */
export class Processes {
  readonly #running: { name: string; child: ChildProcess }[] = []
  readonly #logs: string
  readonly #memory = MemoryGroups.lacking() ? undefined : new MemoryGroups()

  /** @param logs the folder that gets a file for each */
  constructor(logs: string) {
    this.#logs = logs
    mkdirSync(logs, { recursive: true })
  }

  /** @param options `memory` is what it is held to, where that can be done */
  start(
    name: string,
    file: string,
    words: string[],
    { memory, ...options }: { env?: NodeJS.ProcessEnv; cwd?: string; memory?: Allowance | undefined } = {},
  ): ChildProcess {
    const log = openSync(join(this.#logs, name), 'a')
    const held = memory ? (this.#memory?.hold(name, memory) ?? []) : []
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...held, file, ...words], {
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

  /** What the programs that are held to a limit took; empty where none can be held. */
  taken(): Record<string, Taken> {
    return this.#memory?.taken() ?? {}
  }

  /** The programs that ended by themselves. */
  ended(): string[] {
    return this.#running.filter(({ child }) => child.exitCode !== null).map(({ name }) => name)
  }

  /** Ends all of them, the last started first. */
  async stop(): Promise<void> {
    for (const { child } of this.#running.splice(0).reverse()) await ended(child)
    this.#memory?.close()
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
