import { randomBytes } from 'node:crypto'
import { renameSync, rmSync, writeFileSync } from 'node:fs'

/**
 * Writes a file with something secret in it (mode 0600), whole or not at all. It is always a new one: into a file that is
 * there its owner could look, and a link that is there could lead elsewhere.
 */
export function writePrivate(file: string, text: string): void {
  const made = `${file}.${randomBytes(6).toString('hex')}`
  try {
    writeFileSync(made, text, { flag: 'wx', mode: 0o600 })
    renameSync(made, file)
  } catch (error) {
    rmSync(made, { force: true })
    throw error
  }
}
