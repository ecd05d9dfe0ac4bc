import { isDryRun, showCommand } from './dry-run.ts'

let guard: () => Promise<void> = async () => {}

/** Sets what is asked before every change: the lock, which a slow run may have lost without noticing. */
export function guardChanges(check: () => Promise<void>): void {
  guard = check
}

/** Makes sure that this run may still change things. @throws Problem when its lock was taken over */
export async function mayChange(): Promise<void> {
  await guard()
}

/** Makes one change through a typed client, where no tool can; in a dry run `command` is shown instead. */
export async function change(command: string, work: () => Promise<void>): Promise<void> {
  if (isDryRun()) return showCommand(command)
  await mayChange()
  await work()
}
