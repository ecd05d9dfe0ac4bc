import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** Copies what is in one folder into another that is there, while the sandbox goes on answering: there may be much of it. */
export async function copyBytes(from: string, to: string): Promise<void> {
  await promisify(execFile)('cp', ['-Rp', `${from}/.`, to])
}
