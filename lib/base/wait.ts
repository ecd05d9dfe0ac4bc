import { setTimeout as sleep } from 'node:timers/promises'
import { again } from './hint.ts'
import { Problem } from './problem.ts'
import { underway } from './story.ts'

/** A wait: what is waited for, the longest pause between two looks and the deadline, both in seconds. */
export interface Wait {
  until: string
  every: number
  within: number
  /** What to do when the deadline passes. */
  cure?: string
  /** Each look is a request to DigitalOcean, which takes so many a minute: looks grow rarer sooner. */
  sparing?: boolean
}

/**
 * Looks until there is something: soon at first, then with growing pauses up to `every`, so that neither a quick
 * nor a slow answer is missed for long.
 * @param look returns what was waited for, or undefined; a Problem thrown by it ends the wait at once.
 *   `note` tells the state last seen, for the message when the deadline passes.
 * @throws Problem when `within` seconds have passed.
 */
export async function waitFor<T>(
  { until, every, within, cure, sparing = false }: Wait,
  look: (note: (state: string) => void) => Promise<T | undefined>,
): Promise<T> {
  // A flow that nobody compiled may leave one out, and would wait for ever.
  if (typeof every !== 'number' || typeof within !== 'number')
    throw new Problem(`the wait until ${until} lacks every or within, in seconds`)
  let state = ''
  const work = async () => {
    const started = performance.now()
    for (;;) {
      const found = await inTime(
        look((seen) => {
          state = seen
        }),
        within + 60 - (performance.now() - started) / 1000,
      )
      if (found !== undefined) return found
      const passed = (performance.now() - started) / 1000
      if (passed >= within)
        throw new Problem(
          `timed out after ${within} s waiting until ${until}${state ? ` (last seen: ${state})` : ''}`,
          {
            cure: cure ?? `Run ${again()}: it goes on from here.`,
          },
        )
      await sleep(Math.min(every, pauseAfter(passed, sparing), within - passed) * 1000)
    }
  }
  return underway(until, work, () => state)
}

/**
 * Seconds from one look to the next. A pause that grew with the wait would be slow where the cloud is slow: it is
 * half a second soon, and never more than a fiftieth of what has passed after that. Sparing, it is all of
 * what has passed.
 */
export const pauseAfter = (passed: number, sparing = false): number =>
  sparing ? Math.max(0.03, passed) : Math.max(0.03, Math.min(0.5, passed * 0.1), passed * 0.02)

/**
 * Tells within a wait whether it is time for a look that is a request to DigitalOcean: the first at once, then rarer.
 * @param every the longest pause between two, in seconds
 */
export function sparingly(every: number): () => boolean {
  const started = performance.now()
  let next = started
  return () => {
    const now = performance.now()
    if (now < next) return false
    next = now + Math.min(every, pauseAfter((now - started) / 1000, true)) * 1000
    return true
  }
}

/** A look that hangs must not outlive the wait: it is given a minute beyond the deadline, then counts as no answer. */
async function inTime<T>(look: Promise<T | undefined>, seconds: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), seconds * 1000)
  })
  try {
    return await Promise.race([look, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Pauses before another attempt: doubles from half a second, with jitter, at most `longest` seconds. */
export async function backoff(attempt: number, longest = 20): Promise<void> {
  await sleep(Math.min(longest * 1000, 500 * 2 ** (attempt - 1)) * (0.5 + Math.random() / 2))
}
