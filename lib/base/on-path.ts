import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { again } from './hint.ts'
import { Problem } from './problem.ts'

/** Whether there is a file that may be run. */
export function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** The file that a command's name stands for, as a shell finds it; undefined where there is none. */
export function onPath(name: string): string | undefined {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .map((one) => join(one, name))
    .find(isExecutable)
}

/**
 * Makes sure of a program.
 * @param use what it is needed for, as the end of a sentence
 * @throws Problem where it is missing
 */
export function need(name: string, use: string): void {
  if (onPath(name)) return
  throw new Problem(`${name} was not found on the PATH; ${use}`, {
    cure: `Install it (for example: apk add ${name}) and run ${again()}.`,
  })
}
