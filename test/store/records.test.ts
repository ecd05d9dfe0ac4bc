import t from 'tap'
import { z } from 'zod'
import type { Bucket } from '../../lib/clients/s3.ts'
import { parseRecord, readRecord, recordText } from '../../lib/store/records.ts'

const note = {
  backup: 'nightly',
  droplets: [{ id: '1', name: 'main-1' }],
  at: '2026-11-30T10:00:00Z',
  seconds: 1.5,
}

t.test('what was written is read as it was, with or without a sum', (t) => {
  t.same(parseRecord(recordText(note)), note)
  t.same(parseRecord(Buffer.from(JSON.stringify(note))), note, 'an earlier regrow wrote none')
  t.same(parseRecord(recordText({ ...note, more: undefined })), note)
  t.equal(parseRecord('not JSON'), undefined)
  t.end()
})

t.test('no flipped bit is taken for another word', (t) => {
  const bytes = Buffer.from(recordText(note))
  const read = Array.from({ length: bytes.length * 8 }, (_, bit) => {
    const flipped = Buffer.from(bytes)
    const at = bit >> 3
    flipped[at] = (flipped[at] ?? 0) ^ (1 << (bit & 7))
    return parseRecord(flipped)
  })
  const others = read.filter((one) => one !== undefined)
  // Where the sum's own name was hit, there is none: the rest is what it was.
  const { sum: _, ...rest } = z.looseObject({ sum: z.string().optional() }).parse(others[0] ?? {})
  t.ok(others.length > 0 && others.length <= 3 * 8, `${others.length} are read`)
  t.match(rest, note)
  for (const one of others) t.match(one, note)
  t.end()
})

t.test('one that cannot be read is named, with what to do', async (t) => {
  const kit = {
    name: 'kit',
    get: async () => Buffer.from(recordText(note).replace('nightly', 'nightlx')),
  } as unknown as Bucket
  const schema = z.object({ backup: z.string() })
  for (const [key, cure] of [
    ['nodes/main-2/restore.json', /restore\.mts --backup latest --replace begins anew/],
    ['nodes/main-2/bundle.json', /A machine that has installed itself needs it no more/],
    ['operators.json', /kubeconfigs that are still good/],
  ] as const)
    await t.rejects(readRecord(kit, key, schema), {
      message: `${key} in bucket kit cannot be read: it was altered or is damaged`,
      cure,
    })
})
