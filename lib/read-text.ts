import { readFileSync } from 'node:fs'
import { Problem } from './problem.ts'

/** A file's text. @throws Problem (exit code 2) when it cannot be read */
export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new Problem(`${file} cannot be read`, { cure: 'Name a file that is there.', exitCode: 2, cause })
  }
}
