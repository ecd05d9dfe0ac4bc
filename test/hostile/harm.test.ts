import t from 'tap'
import type { GitHub } from '../../lib/clients/github.ts'
import { looking, play, readOnly } from './fuzz/target.ts'

// The fuzzers see what they look for: whatever an input has somebody change counts, whoever catches the error.

t.test('a change is harm, also where its failure is passed over', async (t) => {
  const place = { owner: 'bob', name: 'regrow-main' }
  const harm: [string, () => Promise<unknown>, RegExp][] = [
    [
      'put',
      () =>
        readOnly({})
          .put('a', 'b')
          .catch(() => {}),
      /a was written/,
    ],
    ['copied', () => ({ ...readOnly({}) }).remove('a').catch(() => {}), /a was removed/],
    [
      'sign',
      () =>
        readOnly({})
          .sign('PUT', 'a', 1)
          .catch(() => {}),
      /PUT a was signed/,
    ],
    [
      'GitHub',
      async () => {
        try {
          await looking<GitHub>({}).removeRepository(place.owner, place.name)
        } catch {}
      },
      /removeRepository was asked for/,
    ],
  ]
  for (const [name, act, why] of harm) t.match(await play(act, [1]), [{ seed: 1, why }], name)
  t.same(await play(() => readOnly({ list: async () => [] }).list(), [1]), [])
})
