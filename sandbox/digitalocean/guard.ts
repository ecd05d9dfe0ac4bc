import { behaviourOf } from './behaviour.ts'
import type { Cloud } from './cloud.ts'
import { Refusal, refused } from './reply.ts'
import { isScope, scopesAllow } from './scopes.ts'

const perHour = 5_000

/** Lets in who has the token and stays within the limits; every answer tells what is left of them. */
export function guard({ app, state, world }: Cloud): void {
  const times: number[] = []
  app.use('*', async (c, next) => {
    const at = Date.now()
    while ((times[0] ?? at) < at - 3_600_000) times.shift()
    try {
      allow(c.req.method, c.req.path, c.req.header('authorization'))
      limit(at)
      times.push(at)
      await next()
    } catch (error) {
      c.res = refused(error)
    }
    c.header('ratelimit-limit', String(perHour))
    c.header('ratelimit-remaining', String(Math.max(0, perHour - times.length)))
    c.header('ratelimit-reset', String(Math.ceil(((times[0] ?? at) + 3_600_000) / 1000)))
  })
  const allow = (method: string, path: string, authorization = '') => {
    const { tokens, forbidden, revoked } = behaviourOf(world)
    const token = /^Bearer (.+)$/i.exec(authorization)?.[1] ?? ''
    const may = token === state.token ? ['.'] : tokens[token]
    if (!may || revoked.includes(token)) throw new Refusal(401, 'Unable to authenticate you')
    const fits = (pattern: string) => new RegExp(pattern).test(`${method} ${path}`)
    const mayDo = may.some((one) => !isScope(one) && fits(one)) || scopesAllow(may, `${method} ${path}`)
    if (!mayDo || (token === state.token && forbidden.some(fits)))
      throw new Refusal(403, 'You are not authorized to perform this operation')
  }
  const limit = (at: number) => {
    const { requestsPerMinute } = behaviourOf(world)
    const recent = times.filter((one) => one > at - 60_000)
    const seconds = Math.ceil(((recent[0] ?? at) + 60_000 - at) / 1000)
    if (requestsPerMinute > 0 && recent.length >= requestsPerMinute)
      throw new Refusal(429, 'API rate limit exceeded.', { 'retry-after': String(seconds) })
  }
}
