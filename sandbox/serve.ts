import { createServer as createHttp, type Server } from 'node:http'
import { createServer as createHttps } from 'node:https'
import { getRequestListener, type HttpBindings } from '@hono/node-server'
import type { Fault } from './faults.ts'
import type { World } from './world.ts'

/** Where a server listens, and its key and certificate when it speaks TLS (client certificates are asked for). */
export interface Listen {
  host: string
  port: number
  tls?: { key: string; cert: string; ca: string }
  /** Who may connect; everyone where it is missing. */
  admits?: ((from: string) => boolean) | undefined
}

/** The part of a hono app that serving needs. */
export interface App {
  fetch(request: Request, env: HttpBindings): Response | Promise<Response>
}

/**
 * Serves an app as one of the world's services: each request is logged, and hit by the faults the world was asked for.
 * @returns a function that stops it; it is also called when the world ends.
 */
export async function serve(
  world: World,
  service: string,
  at: Listen,
  app: App,
): Promise<() => Promise<void>> {
  const listener = getRequestListener(async (request, env) => {
    const { incoming, outgoing } = env as HttpBindings
    const url = new URL(request.url)
    const path = url.pathname + url.search
    const started = performance.now()
    const fault = world.faults.take(service, request.method, path)
    const agent = incoming.headers['user-agent']
    const log = (status: number) =>
      world.log({
        at: new Date().toISOString(),
        service,
        method: request.method,
        path,
        status,
        ms: Math.round(performance.now() - started),
        ...(agent ? { agent } : {}),
        ...(fault ? { fault: fault.kind } : {}),
      })
    const early = fault && (await before(fault, () => incoming.socket.destroy()))
    if (early) {
      log(early.status)
      return early
    }
    const response = await app.fetch(request, env as HttpBindings)
    if (fault?.kind === 'cut-after') {
      fault.act?.()
      outgoing.socket?.destroy()
    }
    log(response.status)
    return response
  })
  const server: Server = at.tls
    ? createHttps({ ...at.tls, requestCert: true, rejectUnauthorized: false }, listener)
    : createHttp(listener)
  server.on('connection', (socket) => {
    if (at.admits?.(socket.remoteAddress ?? '') === false) socket.destroy()
  })
  server.keepAliveTimeout = 60_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(at.port, at.host, resolve)
  })
  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  world.atEnd(stop)
  return stop
}

async function before(fault: Fault, cut: () => void): Promise<Response | undefined> {
  if (fault.kind !== 'cut-after') fault.act?.()
  switch (fault.kind) {
    case '429':
      return json(
        429,
        { id: 'too_many_requests', message: 'API rate limit exceeded.' },
        { 'retry-after': '1' },
      )
    case '500':
      return json(500, { id: 'server_error', message: 'Unexpected server-side error' })
    case '503':
      return json(503, { id: 'service_unavailable', message: 'Service unavailable' })
    case 'cut-before':
      cut()
      return json(599, {})
    case 'timeout':
      await new Promise((resolve) => setTimeout(resolve, 30_000))
      cut()
      return json(599, {})
    case 'slow':
      await new Promise((resolve) => setTimeout(resolve, 2_000))
      return undefined
    case 'cut-after':
      return undefined
  }
}

function json(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  return Response.json(body, { status, headers })
}
