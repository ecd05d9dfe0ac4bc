import t from 'tap'
import { Problem } from '../../lib/base/problem.ts'
import { pauseAfter, sparingly, waitFor } from '../../lib/base/wait.ts'
import { latencies } from '../../sandbox/latencies.ts'

t.test('a wait ends with what was found', async (t) => {
  let looks = 0
  t.equal(
    await waitFor({ until: 'three', every: 0.01, within: 5 }, async () =>
      ++looks === 3 ? looks : undefined,
    ),
    3,
  )
})

t.test('a wait that passes its deadline names its wish and the last state', async (t) => {
  await t.rejects(
    waitFor({ until: 'it rains', every: 0.01, within: 0.05 }, async (note) => note('sunny') as undefined),
    {
      message: 'timed out after 0.05 s waiting until it rains (last seen: sunny)',
      cure: /same command again/,
    },
  )
})

t.test('a wait that was given no deadline is refused', async (t) => {
  const spec = { until: 'it rains', every: 1 } as { until: string; every: number; within: number }
  await t.rejects(
    waitFor(spec, async () => undefined),
    { message: /it rains lacks every or within/ },
  )
})

t.test('a Problem ends a wait at once', async (t) => {
  const started = performance.now()
  await t.rejects(
    waitFor({ until: 'x', every: 1, within: 60 }, async () => {
      throw new Problem('final')
    }),
    { message: 'final' },
  )
  t.ok(performance.now() - started < 500)
})

/** How many looks a wait takes that ends after so many seconds. */
function looksWithin(seconds: number, every: number): number {
  let looks = 1
  for (let passed = 0; passed < seconds; looks++) passed += Math.min(every, pauseAfter(passed, true))
  return looks
}

t.test('a wait whose looks are requests to DigitalOcean is sparing with them', async (t) => {
  const machine = looksWithin(latencies.createDroplet, 3)
  const address = looksWithin(latencies.assignAddress, 3)
  t.ok(machine + address <= 30, `${machine} for a machine, ${address} for its address`)
  t.ok(looksWithin(600, 5) < 140, 'nor does a long one use up the 200 of a minute')
})

t.test('within a wait for something else it is asked at once, and then ever more seldom', async (t) => {
  const isDue = sparingly(10)
  t.ok(isDue())
  t.notOk(isDue(), 'not again at once')
  let asked = 0
  const until = performance.now() + 300
  while (performance.now() < until) {
    if (isDue()) asked++
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  t.ok(asked > 0 && asked <= 5, `${asked} in 0.3 s`)
})
