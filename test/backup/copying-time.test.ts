import { readFileSync } from 'node:fs'
import t from 'tap'
import { copyingText, copyingTime, movedBytes } from '../../lib/backup/copying-time.ts'

const pace = { few: 60, many: 4 }
const gib = 2 ** 30

t.test('how long bytes take depends on how many files they are', async (t) => {
  t.same(copyingTime(0, pace), { least: 0, most: 0 })
  t.same(copyingTime(60 * 2 ** 20, pace), { least: 1, most: 15 })
  t.same(copyingTime(gib, pace), { least: 18, most: 256 })
})

t.test('it is told as a person plans with it, never less than it takes', async (t) => {
  const told = (bytes: number) => copyingText(copyingTime(bytes, pace))
  t.equal(told(1), '1 min', 'never nothing')
  t.equal(told(gib), '1 min to 5 min')
  t.equal(told(10 * gib), '3 min to 43 min')
  t.equal(told(50 * gib), '15 min to 4 h')
})

t.test('a snapshot is back at once, and no bytes of it are copied', async (t) => {
  const volumes = [
    { kept: 's3', bytes: 10 },
    { kept: 'snapshot', bytes: undefined },
    { kept: 'snapshot', bytes: 7 },
    { kept: 's3', bytes: undefined },
  ] as const
  t.equal(movedBytes(volumes), 10)
})

t.test('docs/bad-day.md says the same for 1, 10 and 50 GiB', async (t) => {
  const page = readFileSync(new URL('../../docs/bad-day.md', import.meta.url), 'utf8')
  const rows = [...page.matchAll(/^\| (\d+) GiB \| (.+) \|$/gm)].map(([, size, text]) => [Number(size), text])
  t.same(
    rows,
    [1, 10, 50].map((size) => [size, copyingText(copyingTime(size * gib))]),
  )
})
