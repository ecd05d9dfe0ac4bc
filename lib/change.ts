import { isDryRun, showCommand } from './dry-run.ts'

let guard: () => Promise<boolean> = async () => false

/** Sets what is asked before every change: the lock, which a slow run may have lost without noticing. */
export function guardChanges(check: () => Promise<boolean>): void {
  guard = check
}

/**
 * Makes sure that this run may change things.
 * @returns true when the lock was taken only now, so that what was seen before may be out of date
 * @throws Problem when somebody else has the lock
 */
export async function mayChange(): Promise<boolean> {
  return guard()
}

/** Makes one change through a typed client, where no tool can; in a dry run `command` is shown instead. */
export async function change(command: string, work: () => Promise<void>): Promise<void> {
  if (isDryRun()) return showCommand(command)
  await mayChange()
  await work()
}
