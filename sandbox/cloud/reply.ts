import type { Context } from 'hono'

/** A refusal in DigitalOcean's shape. */
export class Refusal extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

const ids: Record<number, string> = {
  400: 'bad_request',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  409: 'conflict',
  422: 'unprocessable_entity',
  500: 'server_error',
}

/** The answer to a refused request. */
export function refused(refusal: Refusal): Response {
  const body = {
    id: ids[refusal.status] ?? 'server_error',
    message: refusal.message,
    request_id: crypto.randomUUID(),
  }
  return Response.json(body, { status: refusal.status })
}

/** The thing, or 404 in DigitalOcean's words. */
export function need<T>(thing: T | undefined): T {
  if (thing === undefined) throw new Refusal(404, 'The resource you requested could not be found.')
  return thing
}

/** One page of a list, with links and total as the API description has them. */
export function page(c: Context, key: string, items: unknown[]): Response {
  const size = Math.min(200, Math.max(1, Number(c.req.query('per_page') ?? 20)))
  const at = Math.max(1, Number(c.req.query('page') ?? 1))
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
  return Response.json({
    [key]: items.slice((at - 1) * size, at * size),
    links: Object.keys(pages).length > 0 ? { pages } : {},
    meta: { total: items.length },
  })
}
