import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

// A volume may have so many files that Node would be busy with them for a minute, and the sandbox deaf.

const run = promisify(execFile)

/** Copies what is in one folder into another that is there. */
export async function copyBytes(from: string, to: string): Promise<void> {
  await run('cp', ['-Rp', `${from}/.`, to])
}

/** Removes a folder with all that is in it. */
export async function removeBytes(folder: string): Promise<void> {
  await run('rm', ['-rf', folder])
}
