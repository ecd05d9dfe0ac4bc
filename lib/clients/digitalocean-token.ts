import { z } from 'zod'
import type { Secret } from '../base/secret.ts'

const info = z.object({ expires_in_seconds: z.number() })

/**
 * When a DigitalOcean token ends, where that can be had: the API itself does not tell it, the address that doctl uses
 * (`do/oauth.go`) does. Undefined when it does not answer, when the token has no end, and where the API is elsewhere.
 */
export async function tokenEnds(
  token: Secret,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Date | undefined> {
  if (env.REGROW_DIGITALOCEAN_URL) return undefined
  try {
    const answer = await fetch('https://cloud.digitalocean.com/v1/oauth/token/info', {
      headers: { authorization: `Bearer ${token.reveal()}` },
      signal: AbortSignal.timeout(5_000),
    })
    const read = info.safeParse(await answer.json())
    return read.success && read.data.expires_in_seconds > 0
      ? new Date(Date.now() + read.data.expires_in_seconds * 1000)
      : undefined
  } catch {
    // Nothing depends on it: a token whose end is unknown is simply not warned of.
    return undefined
  }
}
