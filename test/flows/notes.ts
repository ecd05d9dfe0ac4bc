import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { parseRecord, recordText } from '../../lib/store/records.ts'
import type { TestBox } from './box.ts'

/** The folder of the kit's bucket in the world of a box. */
export function kitFolder({ dir }: Pick<TestBox, 'dir'>): string {
  const spaces = join(dir, '.sandbox', 'spaces')
  return join(spaces, readdirSync(spaces).find((one) => one.endsWith('-kit')) ?? '')
}

/** Has a machine's bundle be made so many seconds earlier than it was, as the kit's bucket tells it. */
export function ageNote(box: TestBox, name: string, seconds: number): void {
  const file = join(kitFolder(box), 'nodes', name, 'bundle.json@')
  const note = z.looseObject({ at: z.string() }).parse(parseRecord(readFileSync(file)))
  const at = new Date(Date.parse(note.at) - seconds * 1000).toISOString()
  // As long as it was: the store knows its length.
  writeFileSync(file, recordText({ ...note, at }))
}
