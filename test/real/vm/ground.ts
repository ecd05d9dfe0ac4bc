import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Report, reportSchema } from '#cloud-init/index.ts'
import { openBox } from '../../../sandbox/box.ts'
import type { World } from '../../../sandbox/world.ts'
import { type Ended, type How, runIn, speak } from '../../flows/box.ts'
import { kitFolder } from '../../flows/notes.ts'
import { debian13, missing } from './image.ts'
import { partsMissing, standIn } from './k3s.ts'
import { knowHosts, layNetwork, runApart } from './network.ts'
import { type VirtualMachines, virtualMachines } from './qemu.ts'
import { k3sScript } from './script.ts'

const cache = process.env.REGROW_CACHE ?? '/var/cache/regrow'

/**
 * Whether machines fetch the true k3s and true images from the internet, and the flows true charts. Without it a
 * stand-in for k3s is served, and paper.
 */
export const trueK3s = Boolean(process.env.REGROW_REAL)

/** The disk from which machines start. */
export const image = () => debian13(cache)

/** Why no virtual machine can install itself here, or false. */
export const without: string | false = missing || imageProblem()

function imageProblem(): string | false {
  try {
    image()
    return false
  } catch (error) {
    return `NOT RUN: no disk could be made: ${error instanceof Error ? error.message : error}`
  }
}

/** Why none can start the real Kubernetes programs, or false. */
export const withoutKubernetes: string | false =
  !trueK3s && partsMissing(cache).length > 0 && `NOT RUN: not built: ${partsMissing(cache).join(', ')}`

/**
 * Makes sure that this file runs in a network namespace of its own, where the clouds' addresses can be laid: starts it
 * again there, and ends with it. The image is made before, while Debian's packages can still be reached.
 * @param hosts further names of addresses there
 */
export function inOwnNetwork(file: string, hosts: Record<string, string> = {}): void {
  if (process.env.REGROW_OWN_NETWORK) {
    layNetwork('10.110.0.1/20')
    if (Object.keys(hosts).length > 0) knowHosts(hosts)
    return
  }
  image()
  const words = [process.execPath, ...process.execArgv, file, ...process.argv.slice(2)]
  process.exit(runApart(words, process.env, trueK3s))
}

/** A box whose droplets are virtual machines. */
export interface Ground {
  world: World
  machines: VirtualMachines
  /** Runs a script of the project, or a program, in the box. */
  run(script: string, words?: string[], how?: How): Promise<Omit<Ended, 'requests'>>
  /** What a machine told about its steps so far, as the kit's bucket has it. */
  reports(name: string): Report[]
  /** Asks the simulated DigitalOcean. @throws Error where it refuses */
  api(method: string, path: string, body?: object): Promise<Record<string, unknown>>
  /** Names of the objects in a folder of the kit's bucket. */
  kit(folder: string): string[]
  close(): Promise<void>
}

/**
 * Opens a world in a new folder; `close` ends every machine and removes the folder.
 * @param k3s what the machines get as k3s: a script that says yes, or what starts the real Kubernetes programs
 * @param clockOff seconds by which clocks of machines are off
 */
export async function openGround({
  k3s = 'stand-in',
  clockOff = 0,
}: {
  k3s?: 'script' | 'stand-in'
  clockOff?: number
} = {}): Promise<Ground> {
  const dir = mkdtempSync(join(tmpdir(), 'regrow-vm-'))
  mkdirSync(join(dir, '.sandbox'))
  writeFileSync(join(dir, '.sandbox', 'addresses.json'), JSON.stringify({ range: '198.18' }))
  const made = k3s === 'script' || trueK3s ? undefined : standIn(cache)
  const machines = await virtualMachines(image(), join(dir, 'machines'), { clockOff, programs: made?.disk })
  let world: World | undefined
  const box = await openBox({
    dir: join(dir, '.sandbox'),
    latencyScale: 0,
    faults: [],
    machines: (its) => {
      world = its
      return machines
    },
    ...(trueK3s ? {} : { k3s: made?.file ?? k3sScript(dir) }),
  })
  if (!world) throw new Error('the box made no world')
  const env = { ...box.env, ...(trueK3s ? { REGROW_UPSTREAM_URL: undefined } : {}) }
  return {
    world,
    machines,
    run: (script, words = [], how = {}) => runIn(dir, script, words, { ...how, env: { ...env, ...how.env } }),
    reports: (name) => reportsIn(kitFolder({ dir }), name),
    api: (method, path, body) =>
      speak(box.env.REGROW_DIGITALOCEAN_URL, box.env.DIGITALOCEAN_TOKEN, method, `/v2${path}`, body),
    kit: (folder) => {
      const path = join(kitFolder({ dir }), folder)
      return existsSync(path) ? readdirSync(path) : []
    },
    close: async () => {
      await machines.end()
      await box.leave()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

function reportsIn(kit: string, name: string): Report[] {
  return ['started', 'fetch', 'host', 'k3s', 'argocd'].flatMap((step) => {
    try {
      return [reportSchema.parse(JSON.parse(readFileSync(join(kit, 'nodes', name, `${step}.json@`), 'utf8')))]
    } catch {
      return []
    }
  })
}

/** Looks until it is so. Emulation is slow, and the machine underneath may be busy: generous. @throws Error naming the wish */
export async function until(wish: string, look: () => boolean | Promise<boolean>, minutes = 40) {
  const end = Date.now() + minutes * 60_000
  while (!(await look())) {
    if (Date.now() > end) throw new Error(`not within ${minutes} minutes: ${wish}`)
    await sleep(200)
  }
}

/** Waits on the machine itself, so that the moment is met to a tenth of a second. @param command ends with 0 when it is so */
export async function seen(machines: VirtualMachines, name: string, command: string, minutes = 40) {
  // A pause without a process of its own: a hundred of them would be work for an emulated machine.
  const loop = `exec 4<> <(:); end=$((SECONDS + 20)); while [ $SECONDS -lt $end ]; do if ${command}; then echo yes; break; fi; read -rt 0.1 -u 4; done`
  const isSo = async () => {
    const broken = /EXT4-fs error .*/.exec(machines.console(name))
    if (broken) throw new Error(`the disk of ${name} broke: ${broken[0]}`)
    return (await machines.ask(name, loop, 300)) === 'yes\n'
  }
  await until(command, isSo, minutes)
}
