import { setTimeout as sleep } from 'node:timers/promises'

const minute = 60_000

/** When requests were sent within the last minute. */
const sent = { all: [] as number[], keys: [] as number[] }

/** The time, and how to let it pass (milliseconds). */
interface Clock {
  now: () => number
  sleep: (ms: number) => Promise<unknown>
}

/**
 * Waits until so many requests may be sent. DigitalOcean takes 250 a minute with one token
 * (https://docs.digitalocean.com/reference/api/reference/#rate-limit) and 5,000 an hour; a fifth of the minute is left to
 * the volumes' driver in the cluster. `REGROW_REQUESTS_PER_MINUTE` says otherwise, 0 is without limit.
 */
export function turn(requests = 1, clock: Clock = { now: Date.now, sleep }): Promise<void> {
  return inWindow(sent.all, requests, Number(process.env.REGROW_REQUESTS_PER_MINUTE ?? 200), clock)
}

/**
 * Waits until SSH keys may be listed: ten times a minute, says DigitalOcean's API description ("Only 10 GET requests to the
 * /v2/account/keys endpoint are allowed per 60 seconds"). Without a limit of requests there is none of these either.
 */
export async function turnForKeys(clock: Clock = { now: Date.now, sleep }): Promise<void> {
  if (process.env.REGROW_REQUESTS_PER_MINUTE === '0') return
  await inWindow(sent.keys, 1, 10, clock)
}

async function inWindow(window: number[], requests: number, most: number, clock: Clock): Promise<void> {
  if (!most) return
  for (;;) {
    const now = clock.now()
    while (window[0] !== undefined && window[0] <= now - minute) window.shift()
    const [oldest] = window
    if (oldest === undefined || window.length + requests <= most) break
    await clock.sleep(oldest + minute - now)
  }
  window.push(...Array.from({ length: requests }, () => clock.now()))
}
