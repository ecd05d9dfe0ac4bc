import { isDryRun, showCommand } from './dry-run.ts'
import { again } from './hint.ts'
import { Problem } from './problem.ts'

/** Seconds for which what was seen is taken to be so. */
const lasts = 120

/** When this run last changed something at DigitalOcean or in Git, or gained the lock. */
let changed = Number.NEGATIVE_INFINITY

/** Tells that a change at DigitalOcean or in Git begins or has ended: what was seen before may be otherwise now. */
export const noteChange = (): void => {
  changed = performance.now()
}

/**
 * Since when (by `performance.now()`) what this run saw there may be taken to be so: for two minutes, but not from
 * before its own last change, nor from before it had the lock.
 */
export const holdsSince = (): number => Math.max(performance.now() - lasts * 1000, changed)

let guard: () => Promise<number> = async () => Number.NEGATIVE_INFINITY

/**
 * Sets what is asked before every change: the lock, which a slow run may have lost without noticing.
 * @param check tells when (by `performance.now()`) the lock was gained; minus infinity where none is needed
 */
export function guardChanges(check: () => Promise<number>): void {
  guard = check
}

/** From now on this run changes nothing more, whatever it still has under way. */
export function endChanges(): void {
  guard = async () => {
    throw new Problem('this run is ending: it changes nothing more', {
      cure: `Run ${again()}: it goes on from here.`,
    })
  }
}

/**
 * Makes sure that this run may change things.
 * @param looked when (by `performance.now()`) the caller looked at what it is about to change
 * @returns true when the lock was gained only after that look, which may be out of date then
 * @throws Problem when somebody else has the lock
 */
export async function mayChange(looked = Number.POSITIVE_INFINITY): Promise<boolean> {
  const gained = await guard()
  changed = Math.max(changed, gained)
  return gained > looked
}

/** Whether this run has, or can take, the lock: for what the end of a run tidies, and the next one may. */
export const holdsLock = (): Promise<boolean> =>
  mayChange().then(
    () => true,
    () => false,
  )

/** Makes one change through a typed client, where no tool can; in a dry run `command` is shown instead. */
export async function change(command: string, work: () => Promise<void>): Promise<void> {
  if (isDryRun()) return showCommand(command)
  await mayChange()
  await work()
}
