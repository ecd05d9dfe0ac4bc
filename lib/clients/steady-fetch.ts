import { type ClientRequest, type IncomingMessage, request as overHttp } from 'node:http'
import { request as overHttps } from 'node:https'

/** What is asked; `silence` is how many seconds a server may say nothing, `most` how many bytes an answer may have. */
export interface Asked {
  method?: string
  headers?: Record<string, string>
  body?: string
  silence?: number
  most?: number
}

/** Bytes a second that a line takes at least. */
export const slowest = 50_000

/** Seconds for a connection, the handshake of TLS included. */
const toConnect = 10

/**
 * `fetch` for the addresses that regrow asks itself. Node 20's own does not notice a connection that the server closes
 * before it read anything, and waits for its deadline; this one fails at once, and it also fails when there is no connection
 * within 10 s, or when nothing arrives for `silence` seconds (15 unless told; longer behind a large body), however long the
 * whole takes. So it does when more comes than `most` (64 MiB unless told). Follows redirects, without the authorization
 * where they lead to another host. The answer has come whole when
 * it is returned.
 * @throws Error saying how the connection failed
 */
export async function steadyFetch(address: string, asked: Asked = {}): Promise<Response> {
  let url = address
  for (let left = 5; ; left--) {
    const answer = await once(url, address, asked)
    const to = next(url, answer, asked.method ?? 'GET')
    if (!to) return answer
    if (left === 0) throw new Error(`${address} redirects again and again`)
    url = to
  }
}

/** Where a redirect leads; undefined for another answer, and where what was asked may not be asked there. */
function next(url: string, { status, headers }: Response, method: string): string | undefined {
  const to = headers.get('location')
  const keeps = status === 307 || status === 308
  const plain = [301, 302, 303].includes(status) && (method === 'GET' || method === 'HEAD')
  return to && (keeps || plain) ? new URL(to, url).href : undefined
}

function once(
  url: string,
  first: string,
  { method = 'GET', headers = {}, body, silence = 15, most = 64 * 1024 ** 2 }: Asked,
): Promise<Response> {
  const kept = Object.entries(headers).filter(
    ([name]) => name.toLowerCase() !== 'authorization' || new URL(url).host === new URL(first).host,
  )
  const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }
  return new Promise((resolve, reject) => {
    const asking = (url.startsWith('https:') ? overHttps : overHttp)(url, {
      method,
      headers: { ...Object.fromEntries(kept), ...length },
    })
    // What is sent takes its time on a slow line, and the server hears all of it before it says anything.
    const heard = watch(asking, silence + Buffer.byteLength(body ?? '') / slowest)
    const failed = (error: Error) =>
      reject(endings[error.message] ? new Error(endings[error.message], { cause: error }) : error)
    asking.once('error', failed)
    asking.once('response', (incoming) => {
      heard()
      const chunks: Buffer[] = []
      let length = 0
      incoming.on('data', (chunk: Buffer) => {
        heard()
        length += chunk.length
        if (length > most) incoming.destroy(new Error(`the answer has more than ${most / 1024 ** 2} MiB`))
        else chunks.push(chunk)
      })
      incoming.once('error', failed)
      incoming.once('end', () => {
        try {
          resolve(read(incoming, chunks))
        } catch (error) {
          reject(error)
        }
      })
    })
    asking.end(body)
  })
}

/** How Node says that a connection ended, before the answer and within it. */
const endings: Record<string, string> = {
  'socket hang up': 'the server closed the connection without an answer',
  aborted: 'the connection ended before the whole answer had come',
}

function read({ statusCode = 0, headers }: IncomingMessage, chunks: readonly Buffer[]): Response {
  const mayHaveBody = ![204, 205, 304].includes(statusCode)
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    [value ?? ''].flat().map((one): [string, string] => [name, one]),
  )
  return new Response(mayHaveBody ? Buffer.concat(chunks) : null, { status: statusCode, headers: lines })
}

/** Ends a request that hears nothing for too long. @returns to be called for whatever is heard */
function watch(asking: ClientRequest, silence: number): () => void {
  let timer: NodeJS.Timeout | undefined
  const within = (seconds: number, what: string) => {
    clearTimeout(timer)
    timer = setTimeout(() => asking.destroy(new Error(`${what} within ${seconds} s`)), seconds * 1000)
  }
  const heard = () => within(silence, 'nothing came')
  within(Math.min(toConnect, silence), 'no connection')
  asking.once('socket', (socket) => {
    if (!socket.connecting) heard()
    else socket.once('encrypted' in socket ? 'secureConnect' : 'connect', heard)
  })
  asking.once('close', () => clearTimeout(timer))
  return heard
}
