import t from 'tap'
import { Problem } from '../../lib/problem.ts'
import { waitFor } from '../../lib/wait.ts'

t.test('a wait ends with what was found', async (t) => {
  let looks = 0
  t.equal(
    await waitFor({ wish: 'three', every: 0.01, within: 5 }, async () => (++looks === 3 ? looks : undefined)),
    3,
  )
})

t.test('a wait that passes its deadline names its wish and the last state', async (t) => {
  await t.rejects(
    waitFor({ wish: 'it rains', every: 0.01, within: 0.05 }, async (note) => note('sunny') as undefined),
    {
      message: 'timed out after 0.05 s waiting until it rains (last seen: sunny)',
      cure: /same command again/,
    },
  )
})

t.test('a Problem ends a wait at once', async (t) => {
  const started = performance.now()
  await t.rejects(
    waitFor({ wish: 'x', every: 1, within: 60 }, async () => {
      throw new Problem('final')
    }),
    { message: 'final' },
  )
  t.ok(performance.now() - started < 500)
})
