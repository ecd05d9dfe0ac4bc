import { createConnection } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'

/** A look into a running machine, through a port of its own: nobody can log in. */
export interface Witness {
  /** What a command prints there; undefined when the machine does not answer in time. */
  ask(command: string, seconds: number): Promise<string | undefined>
  close(): void
}

/**
 * Connects to the witness of a machine that was just started; the line is kept as long as the machine is on.
 * @param path the socket that QEMU opens
 */
export function openWitness(path: string): Witness {
  const waiting = new Map<string, (answer: string) => void>()
  const ended = new AbortController()
  const connected = connect(path, ended.signal)
  void connected.then((socket) => {
    if (!socket) return
    createInterface({ input: socket })
      .on('line', (line) => {
        const [id = '', answer = ''] = line.split(' ')
        waiting.get(id)?.(Buffer.from(answer, 'base64').toString())
      })
      // A power cut with a question on its way resets the line, and the reader passes that on.
      .on('error', () => {})
  })
  let count = 0
  return {
    ask: async (command, seconds) => {
      const id = String(++count)
      const answer = new Promise<string>((resolve) => waiting.set(id, resolve))
      const socket = await connected
      socket?.write(`${id} ${command.replaceAll('\n', ' ')}\n`)
      const done = new AbortController()
      const signal = AbortSignal.any([ended.signal, done.signal])
      const late = sleep(seconds * 1000, undefined, { signal }).catch(() => undefined)
      const said = await Promise.race([answer, late])
      done.abort()
      waiting.delete(id)
      return said
    },
    close: () => {
      ended.abort()
      void connected.then((socket) => socket?.destroy())
    },
  }
}

async function connect(path: string, ended: AbortSignal) {
  while (!ended.aborted) {
    const socket = createConnection(path)
    socket.on('error', () => {})
    const open = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true))
      socket.once('error', () => resolve(false))
    })
    if (open) return socket
    await sleep(100)
  }
  return undefined
}
