import t from 'tap'
import { longestChain } from '../../bench/chain.ts'
import { flows } from '../../bench/flows.ts'

t.test('the longest chain is along what depends on what, not along the order of description', async (t) => {
  const waits = {
    d: { seconds: 1, after: ['b', 'c'] },
    a: { seconds: 10, after: [] },
    b: { seconds: 3, after: ['a'] },
    c: { seconds: 4, after: ['a'] },
    e: { seconds: 12, after: [] },
  }
  t.same(longestChain(waits), { seconds: 15, chain: ['a', 'c', 'd'] })
  t.throws(() => longestChain({ a: { seconds: 1, after: ['b'] } }), { message: 'a → b is no chain of waits' })
  t.throws(() => longestChain({ a: { seconds: 1, after: ['a'] } }), { message: 'a → a is no chain of waits' })
})

t.test('a chain is made of nothing that can go on beside it', async (t) => {
  for (const [name, flow] of Object.entries(flows))
    if (name !== 'scale --remove') t.ok(longestChain(flow.waits).seconds > 60, name)
  t.notOk(longestChain(flows.bootstrap?.waits ?? {}).chain.includes('address'), 'the machine boots meanwhile')
})
