import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { startDigitalOcean } from '../../sandbox/digitalocean/start.ts'
import { Faults } from '../../sandbox/faults.ts'
import type { Hardware } from '../../sandbox/machines.ts'
import { openWorld, type World } from '../../sandbox/world.ts'

/** A simulated DigitalOcean with nothing in it, and machines that only note what they were told. */
export interface Ground {
  world: World
  url: string
  token: string
  spacesKeys: Awaited<ReturnType<typeof startDigitalOcean>>['spacesKeys']
  /** What the machines were told: `boot 400000001`, `route 127.1.200.1 400000001`. */
  told: string[]
  /** The droplets that were booted, as their hardware sees them. */
  booted: Map<number, Hardware>
  ask(method: string, path: string, body?: unknown): Promise<Answer>
  /** Waits until no action is under way. */
  settled(): Promise<void>
}
interface Answer {
  status: number
  headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: an answer is looked into as the test expects it
  body: any
}

/** @param dir a world that was before; `latencyScale` 1 is as slow as DigitalOcean */
export async function fresh(t: Pick<Test, 'teardown'>, dir?: string, latencyScale = 0): Promise<Ground> {
  const told: string[] = []
  const booted = new Map<number, Hardware>()
  const note =
    (what: string) =>
    async (...words: unknown[]) => {
      told.push([what, ...words].join(' '))
    }
  const machines = {
    boot: async (hardware: Hardware) => {
      booted.set(hardware.id, hardware)
      told.push(`boot ${hardware.id}`)
    },
    halt: note('halt'),
    destroy: note('destroy'),
    route: note('route'),
    plug: async (droplet: number, volume: { name: string }, plugged: boolean) => {
      told.push(`plug ${droplet} ${volume.name} ${plugged}`)
    },
  }
  const place = dir ?? mkdtempSync(join(tmpdir(), 'regrow-cloud-'))
  const world = await openWorld(place, { faults: new Faults(), machines, latencyScale })
  t.teardown(async () => {
    await world.end()
    rmSync(place, { recursive: true, force: true })
  })
  const cloud = await startDigitalOcean(world)
  const ask = async (method: string, path: string, body?: unknown): Promise<Answer> => {
    const response = await fetch(`${cloud.url}/v2${path}`, {
      method,
      headers: { authorization: `Bearer ${cloud.token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: text ? JSON.parse(text) : undefined }
  }
  const settled = async () => {
    for (;;) {
      const { body } = await ask('GET', '/actions?per_page=200')
      if (!body.actions.some((one: { status: string }) => one.status === 'in-progress')) return
      await sleep(5)
    }
  }
  return { world, ...cloud, told, booted, ask, settled }
}
