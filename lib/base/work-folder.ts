import { lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { homedir, hostname, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { isAlive } from './alive.ts'

let folder: string | undefined

/**
 * A folder of this process alone (0700), gone when it ends; those that killed runs left go now. It lies where no other user
 * can write: in `XDG_RUNTIME_DIR`, else in `~/.cache/regrow`.
 */
export function workFolder(): string {
  if (folder) return folder
  const own = privateFolder()
  if (own) sweep(own)
  // Containers may share the folder and not the processes, so the host's name counts as well.
  const made = mkdtempSync(join(own ?? tmpdir(), `regrow-${hostname()}-${process.pid}-`))
  folder = made
  mkdirSync(join(made, 'helm'), { recursive: true })
  process.once('exit', () => rmSync(made, { recursive: true, force: true }))
  return made
}

/** Where this user's runs have their folders; undefined where nothing is this user's alone. */
function privateFolder(): string | undefined {
  const runtime = process.env.XDG_RUNTIME_DIR
  const places = [...(runtime ? [join(runtime, 'regrow')] : []), join(homedir(), '.cache', 'regrow')]
  return places.find((place) => {
    try {
      mkdirSync(place, { recursive: true, mode: 0o700 })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC') throw error
      return false
    }
    return isOwn(place, 0o077) && isOwn(dirname(place), 0o002)
  })
}

/** Whether a folder, and no link to one, is this user's, and nobody has a right to it that is in the mask. */
function isOwn(path: string, mask: number): boolean {
  const seen = lstatSync(path, { throwIfNoEntry: false })
  return seen?.isDirectory() === true && seen.uid === process.getuid?.() && (seen.mode & mask) === 0
}

/**
 * A run that was killed could not remove its folder, with user-data and perhaps a kubeconfig in it. A name alone is no
 * reason to remove anything: in a folder of everyone's another user could have put links in place of what lies there.
 * @param own a folder into which nobody else can write
 */
function sweep(own: string): void {
  for (const name of readdirSync(own)) {
    const [, host, pid] = /^regrow-(.+)-(\d+)-\w{6}$/.exec(name) ?? []
    if (host !== hostname() || isAlive(Number(pid)) || !isOwn(join(own, name), 0o077)) continue
    rmSync(join(own, name), { recursive: true, force: true })
  }
}
