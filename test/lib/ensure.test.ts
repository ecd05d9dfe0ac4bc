import t from 'tap'
import { guardChanges } from '../../lib/base/change.ts'
import { Problem } from '../../lib/base/problem.ts'
import { ensure, type Thing } from '../../lib/clients/ensure.ts'
import { asOf, lately } from '../../lib/clients/lately.ts'
import { ToolFailure } from '../../lib/clients/tools.ts'

const refusal = () => new ToolFailure('doctl compute thing create', 1, '500 try again')

/** What doctl says of an answer. */
const answered = (status: number, words: string) =>
  new ToolFailure('doctl', 1, `{"detail":"POST https://api.example.org/v2/things: ${status} ${words}"}`)

/** A cloud that holds names; `make` may fail before or after its effect. */
function cloud(plan: ('ok' | 'fails' | 'lost' | 'limited' | 'refused')[]) {
  const there: string[] = []
  const removed: string[] = []
  let acts = 0
  const thing: Thing<string> = {
    what: 'thing a',
    look: async () => [...there],
    act: async () => {
      const step = plan[acts++] ?? 'ok'
      if (step === 'ok' || step === 'lost') there.push(`a${acts}`)
      if (step === 'limited') throw answered(429, 'API rate limit exceeded.')
      if (step === 'refused') throw answered(422, 'a thing has a pending event')
      if (step !== 'ok') throw refusal()
    },
    imagined: '<new thing>',
    patience: 0.05,
    remove: async (twin) => {
      removed.push(twin)
      there.splice(there.indexOf(twin), 1)
    },
  }
  return { thing, there, removed, acts: () => acts }
}

t.test('what is there is kept, and nothing is done', async (t) => {
  const { thing, there, acts } = cloud([])
  there.push('a0')
  t.equal(await ensure(thing), 'a0')
  t.equal(acts(), 0)
})

t.test('an act that failed with its effect is not repeated', async (t) => {
  const { thing, acts } = cloud(['lost'])
  t.equal(await ensure(thing), 'a1')
  t.equal(acts(), 1)
})

t.test('an act whose answer was lost is not repeated when its effect shows a moment later', async (t) => {
  const { thing, acts } = cloud(['lost'])
  const look = thing.look
  let shows = Number.POSITIVE_INFINITY
  const late: Thing<string> = {
    ...thing,
    patience: 5,
    look: async () => (performance.now() < shows ? [] : look(0)),
    act: async () => {
      shows = performance.now() + 100
      await thing.act()
    },
  }
  t.equal(await ensure(late), 'a1')
  t.equal(acts(), 1)
})

t.test('an act that failed without effect is tried again', async (t) => {
  const { thing, acts } = cloud(['fails', 'ok'])
  t.equal(await ensure(thing), 'a2')
  t.equal(acts(), 2)
})

t.test('twins that a create in doubt left are removed, but for one', async (t) => {
  const { thing, there, removed } = cloud(['lost'])
  let hidden = true
  const look = thing.look
  // The list lags: the first create shows only when the second one was made.
  const late: Thing<string> = {
    ...thing,
    look: async () => (hidden ? [] : look(0)),
    act: async () => {
      if (there.length === 1) hidden = false
      await thing.act()
    },
  }
  t.equal(await ensure(late), 'a1')
  t.same(removed, ['a2'])
})

t.test('a create in doubt whose effect shows later than the one after it is looked for, too', async (t) => {
  const { thing, there, removed } = cloud(['lost'])
  const look = thing.look
  let shows = Number.POSITIVE_INFINITY
  const late: Thing<string> = {
    ...thing,
    patience: 0.4,
    // The first one shows a while after the second, which is to be seen at once.
    look: async () => (performance.now() < shows ? there.filter((one) => one !== 'a1') : look(0)),
    act: async () => {
      if (there.length === 1) shows = performance.now() + 200
      await thing.act()
    },
  }
  t.equal(await ensure(late), 'a1')
  t.same(removed, ['a2'])
  t.same(there, ['a1'])
})

t.test('twins that were there before are a Problem, never removed', async (t) => {
  const { thing, there, removed } = cloud([])
  there.push('a0', 'a00')
  await t.rejects(ensure(thing), { message: /there are 2 of thing a/ })
  const named = { ...thing, detail: (one: string) => `id ${one}`, prefer: (all: string[]) => all[1] }
  await t.rejects(ensure(named), {
    message: /only one is wanted: id a0, id a00$/,
    cure: /Keep id a00 and remove the rest by hand/,
  })
  t.same(removed, [])
})

t.test('what cannot be made is a Problem with what the tool said', async (t) => {
  const { thing, acts } = cloud(['fails', 'fails', 'fails', 'fails', 'fails'])
  await t.rejects(ensure(thing), {
    message: /thing a could not be made: .*500 try again/s,
    cure: /same command/,
  })
  t.equal(acts(), 4)
})

t.test('a Problem that is no tool’s failure is not tried again', async (t) => {
  const { thing, acts } = cloud([])
  await t.rejects(
    ensure({
      ...thing,
      act: async () => {
        await thing.act()
        throw new Problem('the GitHub token may not')
      },
    }),
    { message: 'the GitHub token may not' },
  )
  t.equal(acts(), 1)
})

t.test('when the lock is taken only now, it is looked once more before anything is made', async (t) => {
  const { thing, there, acts } = cloud([])
  guardChanges(async () => {
    there.push('made by the run before us')
    return performance.now()
  })
  t.teardown(() => guardChanges(async () => Number.NEGATIVE_INFINITY))
  const client = { list: async () => [...there] }
  t.equal(
    await ensure({ ...thing, look: (since) => asOf(client, since).list() }),
    'made by the run before us',
  )
  t.equal(acts(), 0)
})

t.test('what was seen a while ago may say that a thing is there, and never that none is', async (t) => {
  const { thing, there, acts } = cloud([])
  const client = { list: async () => [...there] }
  const look = (since: number) => asOf(client, since).list()
  t.same(await lately(client).list(), [])
  there.push('made meanwhile')
  t.equal(await ensure({ ...thing, look }), 'made meanwhile')
  there.pop()
  t.equal(await ensure({ ...thing, look }), 'made meanwhile', 'as it was seen')
  t.equal(acts(), 0)
})

t.test('what was refused had no effect: it is made after a pause, and no twin is looked for', async (t) => {
  for (const step of ['limited', 'refused'] as const) {
    const { thing, acts } = cloud([step, 'ok'])
    let looks = 0
    const look = async () => {
      looks++
      return thing.look(0)
    }
    const started = performance.now()
    t.equal(await ensure({ ...thing, look, patience: 15 }), 'a2')
    t.equal(acts(), 2)
    t.ok(performance.now() - started < 3000, `${step}: it took ${performance.now() - started} ms`)
    t.equal(looks, 4, 'before, once more where it may act, after the refusal, and after it was made')
  }
})

t.test('a limit is waited for longer than anything else that is refused', async (t) => {
  const limited = cloud([...Array<'limited'>(2).fill('limited'), 'ok'])
  t.equal(await ensure(limited.thing), 'a3')
  const refused = cloud(Array<'refused'>(9).fill('refused'))
  await t.rejects(ensure(refused.thing), { message: /could not be made: .*pending event/s })
  t.equal(refused.acts(), 6)
})

t.test('an act in doubt stays in doubt when the next one is refused', async (t) => {
  const { thing, there, removed } = cloud(['lost', 'limited', 'ok'])
  const look = thing.look
  let hidden = true
  const late: Thing<string> = {
    ...thing,
    look: async () => (hidden ? [] : look(0)),
    act: async () => {
      await thing.act().finally(() => {
        if (there.length === 2) hidden = false
      })
    },
  }
  t.equal(await ensure(late), 'a1')
  t.same(removed, ['a3'])
})
