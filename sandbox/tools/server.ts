import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { World } from '../world.ts'
import { type Call, Failed, type StandIn, Unknown } from './call.ts'
import { doctl } from './doctl.ts'
import { helm } from './helm.ts'
import { kubectl } from './kubectl.ts'
import { velero } from './velero.ts'

/** What the relay tells at first. */
type Asked = Pick<Call, 'tool' | 'argv' | 'cwd' | 'env'>

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
  const socketPath = shortPath(world)
  rmSync(socketPath, { force: true })
  const server = createServer((socket) => void serve(socket))
  const open = new Set<Socket>()
  server.on('connection', (socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(socketPath, resolve)
  })
  world.atEnd(() => {
    for (const socket of open) socket.destroy()
    return new Promise<void>((resolve) => server.close(() => resolve()))
  })
  return { binDir: writeShims(world, names), env: { REGROW_SANDBOX_SOCKET: socketPath } }
}

/** A socket's path may have 104 bytes (macOS; 108 on Linux): a deep world's socket lies in a temporary folder. */
function shortPath(world: World): string {
  const inWorld = world.path('tools.sock')
  if (Buffer.byteLength(inWorld) < 104) return inWorld
  const folder = mkdtempSync(join(tmpdir(), 'regrow-'))
  world.atEnd(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 's')
}

function writeShims(world: World, names: readonly string[]): string {
  const relay = fileURLToPath(new URL('relay.cjs', import.meta.url))
  const quote = (word: string) => `'${word.replaceAll("'", "'\\''")}'`
  const binDir = dirname(world.path('bin', 'doctl'))
  rmSync(binDir, { recursive: true, force: true })
  for (const name of names) {
    const file = world.path('bin', name)
    const command = [process.execPath, relay, name].map(quote).join(' ')
    writeFileSync(file, `#!/bin/sh\nunset NODE_OPTIONS\nexec ${command} "$@"\n`)
    chmodSync(file, 0o755)
  }
  return binDir
}

async function serve(socket: Socket): Promise<void> {
  const gone = new AbortController()
  const messages = createInterface({ input: socket })[Symbol.asyncIterator]()
  const read = async () =>
    JSON.parse((await messages.next()).value ?? '{}') as Partial<Asked & { stdin: string }>
  const send = (message: unknown) => void (socket.writable && socket.write(`${JSON.stringify(message)}\n`))
  socket.on('error', () => {}).once('close', () => gone.abort())
  const { tool = '', argv = [], cwd = '/', env = {} } = await read()
  const stdin = async () => {
    send({ wants: 'stdin' })
    return (await read()).stdin ?? ''
  }
  const out = (text: string) => send({ out: text })
  const err = (text: string) => send({ err: text })
  send({ exit: await answer({ tool, argv, cwd, env, stdin, out, err, signal: gone.signal }) })
}

async function answer(call: Call): Promise<number> {
  try {
    return (await standIns[call.tool]?.(call)) ?? 127
  } catch (error) {
    if (error instanceof Unknown) {
      const typed = [call.tool, ...call.argv].join(' ')
      call.err(
        `This ${call.tool} is a stand-in that does not know “${error.message}” in\n  ${typed}\n` +
          'install the real one with ./scripts/tools.mts\n',
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
