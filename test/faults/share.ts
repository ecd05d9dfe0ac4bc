import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import type { Breakable } from './flows.ts'

/** The commit that draws what is tried where not everything is. */
export const seed = spawnSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8' }).stdout.trim()

/** Which part of all is tried: all, or what `REGROW_SHARE` says (0.25 is a quarter). */
const share = Number(process.env.REGROW_SHARE ?? 1)

/** All in an order drawn by the commit. @param tell names one, the same in every run */
export function inOrder<T>(all: readonly T[], tell: (one: T) => string): T[] {
  const order = (one: T) =>
    createHash('sha256')
      .update(`${seed} ${tell(one)}`)
      .digest('hex')
  return all.toSorted((a, b) => order(a).localeCompare(order(b)))
}

/** In that order, as many as this run tries. @param least of them, however small the share is */
export function drawnBy<T>(all: readonly T[], tell: (one: T) => string, least = 0): T[] {
  return inOrder(all, tell).slice(0, Math.max(least, Math.ceil(all.length * Math.min(1, share))))
}

/**
 * The flows that this run breaks, and the others: where only a share is tried, it is tried of those that every run breaks
 * and of one more, because to make the worlds in which a flow begins takes longer than to break it.
 */
export function drawnFlows(all: readonly Breakable[]): { drawn: Breakable[]; others: Breakable[] } {
  const more = inOrder(
    all.filter(({ always }) => !always),
    ({ name }) => name,
  )
  const count = share < 1 ? 1 : more.length
  const drawn = [...all.filter(({ always }) => always), ...more.slice(0, count)]
  return { drawn, others: more.slice(count) }
}
