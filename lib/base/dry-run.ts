import { printable } from './printable.ts'

let dry = false
let ended = false
let shown: NodeJS.WritableStream = process.stdout

/** From now on nothing is changed: every change prints its command instead, on stdout unless data is printed there. */
export function beginDryRun(on: NodeJS.WritableStream = process.stdout): void {
  dry = true
  shown = on
}

/** What a dry run really made, a key to look with, is really put away at its end. */
export function endDryRun(): void {
  ended ||= dry
  dry = false
}

/** Whether this was a dry run, which is at its end: it leaves what others left. */
export function wasDryRun(): boolean {
  return ended
}

/** Whether this is a dry run. */
export function isDryRun(): boolean {
  return dry
}

/** Prints a command that a real run would execute. */
export function showCommand(command: string): void {
  shown.write(`  $ ${printable(command)}\n`)
}

/** Thrown where a dry run ends: what comes next needs a machine that exists. */
export class DryRunEnd extends Error {}
