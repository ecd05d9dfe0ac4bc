import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { z } from 'zod'
import { steadyFetch } from '../../lib/clients/steady-fetch.ts'

/** A request of the play, without its query, its headers and its content. */
export interface Passed {
  /** Milliseconds since 1970. */
  at: number
  service: 'digitalocean' | 'github'
  method: string
  path: string
  /** 0 where no answer came. */
  status: number
  ms: number
  /** The refusal's own words. */
  message?: string
  retryAfter?: string
  /** Requests an hour, as the answer tells. */
  limit?: string
}

/** A server on this machine that hands every request on and notes it. */
export interface Relay {
  url: string
  close(): Promise<void>
}

const hop = /^(host|connection|keep-alive|content-length|content-encoding|transfer-encoding|accept-encoding)$/
const refusal = z.object({ message: z.string() })

/** Starts one before a service. @param note gets each request once it has its answer */
export async function startRelay(
  service: Passed['service'],
  target: string,
  note: (one: Passed) => void,
): Promise<Relay> {
  const server = createServer(async (request, response) => {
    const { method = 'GET', url = '/' } = request
    const at = Date.now()
    const noted = { at, service, method, path: url.split('?')[0] ?? '' }
    try {
      const body = await text(request)
      const answer = await steadyFetch(`${target}${url}`, {
        method,
        headers: { ...kept(request.headers), 'accept-encoding': 'identity' },
        ...(body ? { body } : {}),
        silence: 60,
      })
      const content = Buffer.from(await answer.arrayBuffer())
      note({ ...noted, status: answer.status, ms: Date.now() - at, ...toldBy(answer, content) })
      response.writeHead(answer.status, kept(Object.fromEntries(answer.headers)))
      response.end(content)
    } catch {
      note({ ...noted, status: 0, ms: Date.now() - at })
      // Whoever asked sees what it would have seen: no answer.
      response.destroy()
    }
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((done) => {
        server.closeAllConnections()
        server.close(() => done())
      }),
  }
}

const kept = (headers: IncomingHttpHeaders): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      hop.test(name) || value === undefined ? [] : [[name, String(value)]],
    ),
  )

function toldBy({ status, headers }: Response, content: Buffer): Partial<Passed> {
  const message = status < 400 ? undefined : messageIn(content.toString())
  const [retryAfter, limit] = [headers.get('retry-after'), headers.get('ratelimit-limit')]
  return {
    ...(message ? { message } : {}),
    ...(retryAfter ? { retryAfter } : {}),
    ...(limit ? { limit } : {}),
  }
}

function messageIn(content: string): string | undefined {
  try {
    return refusal.safeParse(JSON.parse(content)).data?.message
  } catch {
    return undefined
  }
}

/** How many requests went to a service, and the most of them within a minute. */
export function countOf(
  requests: readonly Passed[],
  service: Passed['service'],
): { all: number; aMinute: number } {
  const times = requests.filter((one) => one.service === service).map(({ at }) => at)
  const after = (from: number) => times.filter((at) => at >= from && at < from + 60_000).length
  return { all: times.length, aMinute: Math.max(0, ...times.map(after)) }
}
