import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'

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

/** In that order, as many as this run tries. */
export function drawnBy<T>(all: readonly T[], tell: (one: T) => string): T[] {
  return inOrder(all, tell).slice(0, Math.ceil(all.length * Math.min(1, share)))
}
