import { scopeOf } from './digitalocean-scopes.ts'

/** What DigitalOcean answered to a change that a tool asked for. */
export interface Refusal {
  /** The HTTP status. */
  status: number
  /** Of the request, such as `POST` and `/v2/vpcs`. */
  method: string
  path: string
  /** In DigitalOcean's words. */
  message: string
}

/** Reads what a tool built on godo says of an answer: `POST https://…/v2/vpcs: 403 (request "id") Words`. */
export function refusalIn(said: string): Refusal | undefined {
  const [, method, path, status, message = ''] =
    /\b([A-Z]+) https?:\/\/[^/\s]+(\/v2\/[^\s?:]+)\S*: (\d{3})\b(?: \(request \\?"[^"]*"\))? ?([^\n"]*)/.exec(
      said,
    ) ?? []
  return method && path ? { status: Number(status), method, path, message: message.trim() } : undefined
}

/**
 * DigitalOcean's words where a token may not do something. Any other 403 is about the thing itself: a network with members,
 * a limit that is reached.
 */
const forbidden = /you are not authori[sz]ed|you do not have access for the attempted action/i

/** The scope that was missing, such as `vpc:create`; undefined where DigitalOcean refused for another reason. */
export function missingScope(said: string): string | undefined {
  const refusal = refusalIn(said)
  if (refusal?.status !== 403 || !forbidden.test(refusal.message)) return undefined
  return scopeOf(refusal.method, refusal.path)
}
