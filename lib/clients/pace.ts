import { setTimeout as sleep } from 'node:timers/promises'

const minute = 60_000
const sent: number[] = []

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
export async function turn(requests = 1, clock: Clock = { now: Date.now, sleep }): Promise<void> {
  const most = Number(process.env.REGROW_REQUESTS_PER_MINUTE ?? 200)
  if (!most) return
  for (;;) {
    const now = clock.now()
    while (sent[0] !== undefined && sent[0] <= now - minute) sent.shift()
    const [oldest] = sent
    if (oldest === undefined || sent.length + requests <= most) break
    await clock.sleep(oldest + minute - now)
  }
  sent.push(...Array.from({ length: requests }, () => clock.now()))
}
