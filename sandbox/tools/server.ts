import { randomUUID } from 'node:crypto'
import { rmSync, symlinkSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { line } from '../../lib/base/hint.ts'
import type { World } from '../world.ts'
import { type Call, Failed, type StandIn, Unknown } from './call.ts'
import { doctl } from './doctl.ts'
import { helm } from './helm.ts'
import { kubectl } from './kubectl.ts'
import { velero } from './velero.ts'

const standIns: Record<string, StandIn> = { doctl, kubectl, helm, velero }

/** The tools that have a stand-in. */
export const toolNames: readonly string[] = Object.keys(standIns)

/**
 * Makes a folder of stand-ins for the command-line tools; each hands its command line to this process.
 * @param names the tools that are not there for real; all by default
 * @returns the folder for the PATH, and what the tools need in their environment
 */
export async function startTools(
  world: World,
  names: readonly string[] = toolNames,
): Promise<{ binDir: string; env: Record<string, string> }> {
  const key = randomUUID()
  const server = createServer((socket) => void serve(socket, key).catch(() => socket.destroy()))
  const open = new Set<Socket>()
  server.on('connection', (socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
  const { host } = world.addresses.digitalocean
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, host, resolve)
  })
  world.atEnd(() => {
    for (const socket of open) socket.destroy()
    return new Promise<void>((resolve) => server.close(() => resolve()))
  })
  const { port } = server.address() as AddressInfo
  return { binDir: link(world, names), env: { REGROW_SANDBOX_SOCKET: `${host} ${port} ${key}` } }
}

/** Each tool is the relay under another name. */
function link(world: World, names: readonly string[]): string {
  const relay = fileURLToPath(new URL('relay', import.meta.url))
  const binDir = dirname(world.path('bin', 'doctl'))
  rmSync(binDir, { recursive: true, force: true })
  for (const name of names) symlinkSync(relay, world.path('bin', name))
  return binDir
}

/** @param key who does not know it is another user of this machine: a stand-in reads the caller's files */
async function serve(socket: Socket, key: string): Promise<void> {
  const gone = new AbortController()
  const read = pieces(socket)
  const send = (line: string, text = '') => void (socket.writable && socket.write(`${line}\n${text}`))
  const print = (what: 'out' | 'err') => (text: string) => {
    if (text) send(`${what} ${Buffer.byteLength(text)}`, text)
  }
  const several = async () => {
    const all: string[] = []
    for (let left = Number(await read()); left > 0; left--) all.push(await read())
    return all
  }
  socket.on('error', () => {}).once('close', () => gone.abort())
  if ((await read()) !== key) return void socket.destroy()
  const [tool, cwd, argv] = [await read(), await read(), await several()]
  const env = Object.fromEntries((await several()).map((one) => one.split(/=([\s\S]*)/)))
  const stdin = async () => {
    send('stdin')
    return read()
  }
  const call = { tool, argv, cwd, env, stdin, out: print('out'), err: print('err'), signal: gone.signal }
  send(`exit ${await answer(call)}`)
}

/** Reads what the relay says: the length in bytes, a line's end and the bytes of each piece. */
function pieces(socket: Socket): () => Promise<string> {
  let rest = Buffer.alloc(0)
  let wake = () => {}
  socket.on('data', (chunk) => {
    rest = Buffer.concat([rest, chunk])
    wake()
  })
  socket.once('close', () => wake())
  const until = async (there: () => boolean) => {
    while (!there()) {
      if (socket.destroyed) throw new Error('the caller is gone')
      await new Promise<void>((resolve) => (wake = resolve))
    }
  }
  return async () => {
    await until(() => rest.includes('\n'))
    const start = rest.indexOf('\n') + 1
    const end = start + Number(rest.subarray(0, start))
    await until(() => rest.length >= end)
    const text = rest.subarray(start, end).toString()
    rest = rest.subarray(end)
    return text
  }
}

async function answer(call: Call): Promise<number> {
  try {
    return (await standIns[call.tool]?.(call)) ?? 127
  } catch (error) {
    if (error instanceof Unknown) {
      const typed = [call.tool, ...call.argv].join(' ')
      call.err(
        `This ${call.tool} is a stand-in that does not know “${error.message}” in\n  ${typed}\n` +
          `install the real one with ${line('scripts/tools.mts', [])}\n`,
      )
      return 64
    }
    if (error instanceof Failed) {
      call.err(`${error.message}\n`)
      return error.code
    }
    call.err(`this ${call.tool} is a stand-in, and it broke: ${(error as Error).stack}\n`)
    return 70
  }
}
