import { endDryRun } from './dry-run.ts'
import { tell } from './story.ts'

const endings: { what: string; end: () => Promise<void>; within: number }[] = []

/**
 * Registers what must be put away when the run ends, however it ends (a kill excepted); last registered first.
 * @param within seconds that it is waited for when a person interrupts the run
 * @returns puts it away now instead; a failure is thrown then
 */
export function atEnd(what: string, end: () => Promise<void>, within = 5): () => Promise<void> {
  const one = { what, end, within }
  endings.unshift(one)
  return async () => {
    const index = endings.indexOf(one)
    if (index < 0) return
    endings.splice(index, 1)
    await end()
  }
}

/** Seconds that putting everything away may take, and for what it may be long. */
export function patience(): { seconds: number; for: string[] } {
  const long = endings.filter(({ within }) => within > 5)
  return { seconds: Math.max(5, ...long.map(({ within }) => within)), for: long.map(({ what }) => what) }
}

/** Puts everything away. A failure is told and does not keep the rest from being put away. */
export async function endAll(): Promise<void> {
  endDryRun()
  // What is put away may bring more of it: a key that removes what is left.
  for (let one = endings.shift(); one; one = endings.shift()) {
    try {
      await one.end()
    } catch (error) {
      tell('!', one.what, `could not be put away: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
}
