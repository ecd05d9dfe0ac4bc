import { randomUUID } from 'node:crypto'
import type { Context } from 'hono'
import { ZodError, type z } from 'zod'

const ids: Record<number, string> = {
  400: 'bad_request',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  409: 'conflict',
  412: 'precondition_failed',
  422: 'unprocessable_entity',
  429: 'too_many_requests',
  500: 'server_error',
}

/** A request that DigitalOcean refuses, in its own words where they are known. */
export class Refusal extends Error {
  readonly status: number
  readonly headers: Record<string, string>

  constructor(status: number, message: string, headers: Record<string, string> = {}) {
    super(message)
    this.status = status
    this.headers = headers
  }
}

/** The answer to a failed request. Our own failures are told on stderr too: they are no behaviour of DigitalOcean's. */
export function refused(error: unknown): Response {
  if (error instanceof ZodError) return refused(new Refusal(422, reason(error)))
  if (!(error instanceof Refusal)) {
    process.stderr.write(`! simulated DigitalOcean: ${error instanceof Error ? error.stack : error}\n`)
    return refused(new Refusal(500, 'Unexpected server-side error'))
  }
  const { status, message, headers } = error
  return Response.json({ id: ids[status], message, request_id: randomUUID() }, { status, headers })
}

function reason(error: ZodError): string {
  const issue = error.issues[0]
  if (!issue) return 'unprocessable'
  if (issue.code === 'unrecognized_keys')
    return `the sandbox does not know the field ${[...issue.path, ...issue.keys].join('.')}`
  const where = issue.path.join('.')
  return where && /^(Invalid|Too|Expected)/.test(issue.message) ? `${where}: ${issue.message}` : issue.message
}

/** The thing, or 404. */
export function need<T>(thing: T | undefined): T {
  if (thing === undefined) throw new Refusal(404, 'The resource you requested could not be found.')
  return thing
}

/** Refuses when something is true. */
export function refuse(status: number, message: string, when: boolean): void {
  if (when) throw new Refusal(status, message)
}

/** The request's body as this schema has it; what is not JSON is 400, what does not fit 422. */
export async function read<T extends z.ZodType>(c: Context, schema: T): Promise<z.infer<T>> {
  const text = await c.req.text()
  let body: unknown
  try {
    body = JSON.parse(text || '{}')
  } catch {
    throw new Refusal(400, 'error parsing request body')
  }
  return schema.parse(body)
}

/** One page of a list, with links and total. */
export function page(c: Context, key: string, items: unknown[]): Response {
  const size = Math.min(200, Math.max(1, Number(c.req.query('per_page')) || 20))
  const at = Math.max(1, Number(c.req.query('page')) || 1)
  const last = Math.max(1, Math.ceil(items.length / size))
  const to = (number: number) => {
    const url = new URL(c.req.url)
    url.searchParams.set('page', String(number))
    return url.toString()
  }
  const pages = {
    ...(at > 1 ? { first: to(1), prev: to(at - 1) } : {}),
    ...(at < last ? { next: to(at + 1), last: to(last) } : {}),
  }
  return c.json({
    [key]: items.slice((at - 1) * size, at * size),
    links: last > 1 ? { pages } : {},
    meta: { total: items.length },
  })
}
