import t from 'tap'
import { playRow, tellFailed } from '../../census/drawing.ts'
import { seed } from '../../faults/share.ts'

// SIMULATED: worlds drawn by the commit, ten on each of two clusters that are played side by side. `npm run
// test:worlds` draws as many as you like, plays again what failed, and shrinks it.

t.setTimeout(600_000) // many flows, on a machine that may be busy

await t.test('drawn worlds come back as the judge sees it', async (t) => {
  const first = Number.parseInt(seed.slice(0, 7), 16)
  const rows = await Promise.all(
    [first, first + 1].map((one) => playRow(one, 1, { worlds: 10, shrinks: false })),
  )
  for (const { failed } of rows) t.notOk(failed, failed ? tellFailed(failed) : 'all of a row')
  const sum = (of: 'clusters' | 'worlds' | 'restores' | 'kills') =>
    rows.reduce((all, row) => all + row[of], 0)
  t.ok(
    sum('worlds') === 20,
    `${sum('worlds')} worlds on ${sum('clusters')} clusters, ${sum('restores')} restores, ${sum('kills')} kills`,
  )
})
