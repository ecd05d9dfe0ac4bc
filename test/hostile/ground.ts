import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { pack } from 'tar-stream'
import { Storage } from '../../sandbox/spaces/storage.ts'
import type { TestBox } from '../flows/box.ts'

// What somebody writes who may write to a bucket or to Git, and should not get more by it.

/** What repaints a terminal, writes its clipboard, hides and turns text around, and begins a line of its own. */
export const evil =
  '\u001b]52;c;Y3VybCBldmlsfHNo\u0007\u001b[2J\u009b1;1H\u202ellew si lla\u2066\u200b\r\n+ node main-9  Ready'

/** What of a text a terminal would obey or hide. Lines and tabs are text. */
export const obeyed = (text: string): string[] =>
  text
    .split('')
    .filter((one) => one !== '\n' && one !== '\t')
    .filter((one) => isControl(one.charCodeAt(0)))

const ranges = [
  [0, 0x1f],
  [0x7f, 0x9f],
  [0xad, 0xad],
  [0x61c, 0x61c],
  [0x200b, 0x200b],
  [0x200e, 0x200f],
  [0x2028, 0x202e],
  [0x2060, 0x206f],
  [0xfeff, 0xfeff],
] as const
const isControl = (code: number) => ranges.some(([first, last]) => code >= first && code <= last)

/** The store of a world, and its buckets of the cluster `main`, by what they are for. */
export function spacesOf(box: Pick<TestBox, 'dir'>) {
  const storage = new Storage(join(box.dir, '.sandbox', 'spaces'))
  const named = (end: string) => storage.buckets().find(({ name }) => name.endsWith(end))?.name ?? 'none'
  return { storage, velero: named('-velero'), kit: named('-kit') }
}

/** A tarball with these files, as they are. */
export async function tarball(files: Record<string, string | Uint8Array>): Promise<Buffer> {
  const tar = pack()
  for (const [name, content] of Object.entries(files)) tar.entry({ name }, Buffer.from(content))
  tar.finalize()
  const pieces: Buffer[] = []
  for await (const piece of tar) pieces.push(piece as Buffer)
  return gzipSync(Buffer.concat(pieces))
}
