import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Hardware } from '../machines.ts'
import type { World } from '../world.ts'
import { Disk } from './disk.ts'
import { type Orders, variables } from './user-data.ts'

/**
 * A step fails as it would on the real machine; the message is what its report says. `again` steps are repeated until
 * their deadline, all others fail at once, also where the real machine would wait although nothing can change.
 */
export class StepFailure extends Error {
  readonly again: boolean
  readonly log: string | undefined

  constructor(message: string, { again = false, log }: { again?: boolean; log?: string } = {}) {
    super(message)
    this.again = again
    this.log = log
  }
}

/** What is reported about a step; `since` is when it began, by `performance.now()`. */
export interface Said {
  step: string
  state: 'done' | 'failed'
  since: number
  message: string
  log?: string | undefined
}

/** One droplet from power-on to power-off. */
export class Machine {
  readonly world: World
  readonly hardware: Hardware
  readonly orders: Orders
  readonly disk: Disk
  /** True when the box was paused while the machine ran: it just goes on, without the time that starting takes. */
  readonly resumes: boolean
  readonly bootId: string
  #on = true

  constructor(world: World, hardware: Hardware, orders: Orders) {
    this.world = world
    this.hardware = hardware
    this.orders = orders
    this.disk = new Disk(world, hardware.id)
    const fresh = randomUUID()
    const before = this.disk.power(fresh)
    this.resumes = before !== undefined
    this.bootId = before ?? fresh
  }

  get isOn(): boolean {
    return this.#on
  }

  powerOff(): void {
    this.#on = false
  }

  /** The variables of the bundle's `node.env`. */
  get env(): Record<string, string> {
    return variables(this.disk.read('node.env') ?? '')
  }

  /** A request from the machine: nothing gets out without a firewall rule that lets it. */
  async request(url: string, init: RequestInit = {}): Promise<Response> {
    if (!this.#on) throw new Error('powered off')
    if (!this.hardware.canReachOut())
      throw new Error(`Failed to connect to ${new URL(url).host}: Connection timed out`)
    const headers = { 'user-agent': `curl (paper droplet ${this.hardware.name})` }
    try {
      return await fetch(url, { ...init, headers })
    } catch (error) {
      throw new Error(`Failed to connect to ${new URL(url).host}: ${(error as Error).message}`)
    }
  }

  /** Sends a report by its signed URL. @returns whether it got through */
  report(url: string, said: Said): Promise<boolean> {
    const { since, ...rest } = said
    const seconds = Math.round((performance.now() - since) / 1000)
    const report = { ...rest, at: new Date().toISOString(), seconds, bootId: this.bootId, simulated: true }
    return this.send('PUT', url, JSON.stringify(report))
  }

  /** Tries a request by a signed URL up to six times, as the script does. @returns whether it got through */
  async send(method: 'PUT' | 'DELETE', url: string, body?: string): Promise<boolean> {
    for (let attempt = 1; attempt <= 6 && this.#on; attempt++) {
      const response = await this.request(url, { method, ...(body ? { body } : {}) }).catch(() => undefined)
      if (response?.ok) return true
      await this.pause(1, 50)
    }
    return false
  }

  /** Waits as long as the real thing would, but never busily. */
  async pause(seconds: number, leastMilliseconds: number): Promise<void> {
    await Promise.all([
      this.world.latency(seconds, 'pause'),
      sleep(leastMilliseconds, undefined, { ref: false }),
    ])
  }

  /** A clock that says when the real thing would have lost its patience (but not before some seconds have passed). */
  patience(seconds: number): () => boolean {
    let over = false
    void this.pause(seconds, 3000).then(() => {
      over = true
    })
    return () => over
  }
}
