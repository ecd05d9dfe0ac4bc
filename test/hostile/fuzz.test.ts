import { readFileSync } from 'node:fs'
import t from 'tap'
import { z } from 'zod'
import { targets } from './fuzz/all.ts'
import { play } from './fuzz/target.ts'

// A small share of `npm run test:fuzz`: all seeds that ever did harm, and the first of the others.

t.setTimeout(300_000)
const kept = z
  .record(z.string(), z.array(z.number()))
  .parse(JSON.parse(readFileSync(new URL('fuzz/seeds.json', import.meta.url), 'utf8')))
const share: Record<string, number> = { backups: 80 }

for (const [name, target] of Object.entries(targets))
  t.test(`drawn ${name} do no harm`, async (t) => {
    const first = Array.from({ length: share[name] ?? 250 }, (_, seed) => seed)
    t.same(await play(target, new Set([...(kept[name] ?? []), ...first])), [])
  })
