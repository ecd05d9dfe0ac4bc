import { again } from './hint.ts'
import { Problem } from './problem.ts'

/**
 * Does the work for all things, `atOnce` of them at a time, even when one fails; then tells the failures together.
 * @throws what the only failure threw, or one Problem for several
 */
export async function forAll<T>(
  things: readonly T[],
  work: (thing: T) => Promise<void>,
  atOnce = Number.POSITIVE_INFINITY,
): Promise<void> {
  const waiting = things.values()
  const failed: unknown[] = []
  const worker = async () => {
    for (const thing of waiting) await work(thing).catch((error: unknown) => failed.push(error))
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, things.length) }, worker))
  tellAll(failed)
}

/** Throws what went wrong, if something did: the only failure as it is, several as one Problem. */
export function tellAll(failed: readonly unknown[]): void {
  if (failed.length === 1) throw failed[0]
  if (failed.length > 1)
    throw new Problem(failed.map((one) => (one instanceof Error ? one.message : String(one))).join('\n  '), {
      cure: `Run ${again()}: it goes on with what is left.`,
    })
}

/** What the work makes of each thing, in their order, `atOnce` of them at a time. @throws what the first failure threw */
export async function mapAll<T, R>(
  things: readonly T[],
  work: (thing: T) => Promise<R>,
  atOnce: number,
): Promise<R[]> {
  const made: R[] = []
  const waiting = things.entries()
  const worker = async () => {
    for (const [index, thing] of waiting) made[index] = await work(thing)
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, things.length) }, worker))
  return made
}
