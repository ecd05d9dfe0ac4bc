import { createHash } from 'node:crypto'
import { chmodSync, existsSync, lstatSync, rmSync } from 'node:fs'
import { createConnection, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { need } from '../lib/base/on-path.ts'
import { Problem } from '../lib/base/problem.ts'
import { toolsFolder } from '../lib/base/tools-folder.ts'
import { startDigitalOcean } from './digitalocean/start.ts'
import { paperMachines } from './droplet/machines.ts'
import { type Fault, Faults } from './faults.ts'
import { startGithub } from './github/start.ts'
import { type Machines, noMachines } from './machines.ts'
import { startSpaces } from './spaces/start.ts'
import { toolsToStandInFor } from './tools/choose.ts'
import { startTools } from './tools/server.ts'
import { startUpstream } from './upstream/start.ts'
import { openWorld, type World } from './world.ts'

/** How a box is wanted. */
export interface BoxOptions {
  /** The world's folder. */
  dir: string
  /** 0 is as fast as it goes, 1 as slow as DigitalOcean. */
  latencyScale: number
  faults: Fault[]
  /** What droplets boot on instead of paper. */
  machines?: (world: World) => Machines
  /** Path of the program that upstream serves as k3s instead of paper. */
  k3s?: string
}

/** A running world, or a visit to one that runs already. */
export interface Box {
  /** What a command in the box gets beside the caller's environment. */
  env: Record<string, string>
  /** True when another wrapper runs the world. */
  guest: boolean
  /** An estimate of the seconds that the real cloud would have taken for what was done so far. */
  cloudSeconds(): number
  /** Whether there is a droplet. */
  hasMachines(): boolean
  /** From now on these faults happen, counted from here; a visitor cannot ask for any. */
  breaks(faults: readonly Fault[]): void
  /** Has all of the world on the disk; for who reads its files while it runs. */
  flush(): void
  /** Ends the visit; who runs the world waits for its guests first. */
  leave(): Promise<void>
}

/** Opens the world: joins the wrapper that runs it, or runs it. */
export async function openBox(options: BoxOptions): Promise<Box> {
  need('git', 'the sandbox’s GitHub is made of it')
  // Paper Velero speaks through the AWS SDK, which would warn about Node 20 in the person's terminal.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true'
  const door = doorOf(options.dir)
  return (await visit(door)) ?? (await host(options, door))
}

/** Whether another wrapper runs this world. */
export async function isRunning(dir: string): Promise<boolean> {
  const box = await visit(doorOf(dir))
  await box?.leave()
  return box !== undefined
}

/** A socket in the temporary folder: paths of sockets may have 107 bytes, those of projects are longer. */
function doorOf(dir: string): string {
  return join(tmpdir(), `regrow-box-${createHash('sha256').update(dir).digest('hex').slice(0, 16)}.sock`)
}

async function visit(door: string): Promise<Box | undefined> {
  refuseForeign(door)
  const socket = createConnection(door)
  const env = await new Promise<Record<string, string> | undefined>((resolve) => {
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk
      if (text.endsWith('\n')) resolve(JSON.parse(text) as Record<string, string>)
    })
    socket.once('error', () => resolve(undefined))
    socket.once('close', () => resolve(undefined))
  })
  if (!env) return undefined
  return {
    env: { ...env, PATH: pathWith(env) },
    guest: true,
    cloudSeconds: () => 0,
    hasMachines: () => false,
    breaks: () => {},
    flush: () => {},
    leave: async () => void socket.end(),
  }
}

/** In a folder that everyone may write to, somebody else may have put a socket of that name. */
function refuseForeign(door: string): void {
  const found = lstatSync(door, { throwIfNoEntry: false })
  if (found && (found.uid !== process.getuid?.() || !found.isSocket()))
    throw new Problem(`${door} is not a socket of yours, so the sandbox does not talk to it`, {
      cure: 'Remove it, or let TMPDIR name a folder of your own.',
    })
}

async function host(options: BoxOptions, door: string): Promise<Box> {
  const world = await openWorld(options.dir, {
    faults: new Faults(options.faults),
    latencyScale: options.latencyScale,
    machines: noMachines,
  })
  try {
    const env = await startAll(world, options)
    const guests = await openDoor(world, door, env)
    return {
      env: { ...env, PATH: pathWith(env) },
      guest: false,
      cloudSeconds: () => world.cloudSeconds(),
      hasMachines: () => {
        world.flush()
        const { droplets = [] } = (world.load('digitalocean') ?? {}) as { droplets?: unknown[] }
        return droplets.length > 0
      },
      breaks: (faults) => world.faults.replace(faults),
      flush: () => world.flush(),
      leave: async () => {
        await guests()
        await world.end()
      },
    }
  } catch (error) {
    await world.end()
    throw error
  }
}

async function startAll(world: World, options: BoxOptions): Promise<Record<string, string>> {
  const github = await startGithub(world)
  const upstream = await startUpstream(world, options.k3s)
  world.machines = (options.machines ?? paperMachines)(world)
  const cloud = await startDigitalOcean(world)
  const spaces = await startSpaces(world, { keys: cloud.spacesKeys })
  const standIns = await toolsToStandInFor()
  const tools = await startTools(world, standIns)
  return {
    REGROW_SANDBOXED: '1',
    REGROW_DIGITALOCEAN_URL: cloud.url,
    REGROW_GITHUB_URL: github.url,
    REGROW_SPACES_URL: spaces.url,
    REGROW_UPSTREAM_URL: upstream.url,
    REGROW_REQUESTS_PER_MINUTE: String(process.env.REGROW_REQUESTS_PER_MINUTE ?? 0),
    REGROW_ANSWER: 'yes (nothing here costs money)',
    REGROW_TOOLS: tools.binDir,
    REGROW_KUBECONFIG_DIR: world.dir,
    ...(world.addresses.manyHosts ? {} : { REGROW_API_PORT: String(world.addresses.apiPort) }),
    DIGITALOCEAN_TOKEN: cloud.token,
    GITHUB_TOKEN: github.token,
    REGROW_STAND_INS: standIns.join(' '),
    ...tools.env,
    ...forAPerson(world, cloud, github),
  }
}

/** The box's tools before what the caller has: a visitor's PATH is its own, not that of who runs the world. */
const pathWith = ({ REGROW_TOOLS: tools = '' }: Record<string, string>) =>
  [tools, toolsFolder(), process.env.PATH ?? ''].join(delimiter)

/** What lets a person's own doctl, kubectl, git and aws work in the box without a flag. */
function forAPerson(
  world: World,
  cloud: { url: string; token: string; visitor: { accessKey: string; secretKey: string } },
  github: { url: string; gitUrl: string },
): Record<string, string> {
  return {
    DIGITALOCEAN_API_URL: cloud.url,
    DIGITALOCEAN_ACCESS_TOKEN: cloud.token,
    KUBECONFIG: world.path('kubeconfig-main.yaml'),
    GIT_CONFIG_COUNT: '2',
    GIT_CONFIG_KEY_0: `url.${github.gitUrl}/.insteadOf`,
    GIT_CONFIG_VALUE_0: 'git@github.com:',
    GIT_CONFIG_KEY_1: `url.${github.gitUrl}/.insteadOf`,
    GIT_CONFIG_VALUE_1: 'https://github.com/',
    AWS_ENDPOINT_URL: `http://${world.addresses.spaces.host}:${world.addresses.spaces.port}`,
    AWS_ACCESS_KEY_ID: cloud.visitor.accessKey,
    AWS_SECRET_ACCESS_KEY: cloud.visitor.secretKey,
    AWS_DEFAULT_REGION: 'fra1',
  }
}

/** Lets guests in: each gets the environment, and stays as long as it holds the connection. */
async function openDoor(
  world: World,
  door: string,
  env: Record<string, string>,
): Promise<() => Promise<void>> {
  const guests = new Set<Socket>()
  let left: () => void = () => {}
  const server = createServer((socket) => {
    guests.add(socket)
    socket.on('error', () => {})
    socket.resume()
    socket.once('close', () => {
      guests.delete(socket)
      left()
    })
    socket.write(`${JSON.stringify(env)}\n`)
  })
  if (existsSync(door)) rmSync(door)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(door, resolve)
  })
  chmodSync(door, 0o600)
  world.atEnd(() => void server.close())
  return async () => {
    while (guests.size > 0) await new Promise<void>((resolve) => (left = resolve))
  }
}
