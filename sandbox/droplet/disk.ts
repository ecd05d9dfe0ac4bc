import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { World } from '../world.ts'

/** What a droplet keeps when it is powered off: the unpacked bundle, the steps done and the cluster it belongs to. */
export class Disk {
  readonly #folder: string

  constructor(world: World, dropletId: number) {
    this.#folder = join(world.path('droplets', String(dropletId), 'x'), '..')
  }

  /** Text of a file of the bundle, undefined when it is not there. */
  read(path: string): string | undefined {
    const file = join(this.#folder, 'bundle', path)
    return existsSync(file) ? readFileSync(file, 'utf8') : undefined
  }

  /** Names in a folder of the bundle, sorted. */
  names(path: string): string[] {
    const folder = join(this.#folder, 'bundle', path)
    return existsSync(folder) ? readdirSync(folder).sort() : []
  }

  hasBundle(): boolean {
    return existsSync(join(this.#folder, 'bundle'))
  }

  /** Stores the bundle whole: `unpack` fills a new folder, which then takes its place. */
  async store(unpack: (folder: string) => Promise<void>): Promise<void> {
    const fresh = join(this.#folder, 'new')
    rmSync(fresh, { recursive: true, force: true })
    await unpack(fresh)
    renameSync(fresh, join(this.#folder, 'bundle'))
  }

  isDone(step: string): boolean {
    return existsSync(join(this.#folder, `${step}.done`))
  }

  markDone(step: string): void {
    writeFileSync(join(this.#folder, `${step}.done`), '')
  }

  /** Name in the world of the cluster that this machine belongs to. */
  get cluster(): string | undefined {
    const file = join(this.#folder, 'cluster')
    return existsSync(file) ? readFileSync(file, 'utf8') : undefined
  }

  set cluster(id: string) {
    writeFileSync(join(this.#folder, 'cluster'), id)
  }

  /**
   * Notes the boot that the machine is in, undefined when it is switched off.
   * @returns the one before, if it was on already: then nobody switched the machine off, the box was paused
   */
  power(bootId: string | undefined): string | undefined {
    const file = join(this.#folder, 'power.on')
    const before = existsSync(file) ? readFileSync(file, 'utf8') : undefined
    if (bootId === undefined) rmSync(file, { force: true })
    else if (before === undefined) writeFileSync(file, bootId)
    return before
  }

  erase(): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
