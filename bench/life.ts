import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { folder, forget, run } from './work.ts'

/** The whole life of a cluster in the box: what each part took, in seconds. */
export interface Life {
  bootstrap: number
  backup: number
  wipe: number
  restore: number
  whole: number
}

/**
 * Lives it once: bootstrap, write, backup, the loss of everything but the buckets and Git, restore, and the bytes
 * compared by a hash that Velero has no part in.
 * @throws Error when they are not the same
 */
export function live(): Life {
  forget()
  const seconds = (...words: string[]) => run(words).seconds
  const bootstrap = seconds('bootstrap.mts', '--sandbox')
  const started = performance.now()
  for (const volume of readdirSync(volumes())) {
    mkdirSync(join(volumes(), volume, 'deep'), { recursive: true })
    for (const name of ['a', 'deep/b']) writeFileSync(join(volumes(), volume, name), randomBytes(1_000_000))
  }
  const before = content()
  const written = (performance.now() - started) / 1000
  const backup = seconds('scripts/backup.mts', '--sandbox', '--backup', 'whole')
  const wipe = seconds('scripts/destroy.mts', '--sandbox', '--confirm', 'main')
  const restore = seconds('restore.mts', '--sandbox', '--backup', 'whole')
  if (JSON.stringify(content()) !== JSON.stringify(before)) throw new Error('other bytes came back')
  return { bootstrap, backup, wipe, restore, whole: bootstrap + written + backup + wipe + restore }
}

const volumes = () => join(folder, '.sandbox', 'volumes')

/** A hash over every file of each volume, whatever the volumes are called. */
function content(): string[] {
  const hashOf = (volume: string) => {
    const sum = createHash('sha256')
    for (const name of readdirSync(volume, { recursive: true, encoding: 'utf8' }).toSorted())
      if (statSync(join(volume, name)).isFile())
        sum.update(`${name}\0`).update(readFileSync(join(volume, name)))
    return sum.digest('hex')
  }
  return readdirSync(volumes())
    .map((name) => hashOf(join(volumes(), name)))
    .toSorted()
}
