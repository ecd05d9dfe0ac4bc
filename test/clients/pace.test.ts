import t from 'tap'
import { turn, turnForKeys } from '../../lib/clients/pace.ts'

/** A clock that goes on while somebody waits, by a second at most. */
function passing(begin: number) {
  let time = begin
  return {
    now: () => time,
    sleep: async (ms: number) => {
      await null
      time += Math.min(ms, 1_000)
    },
  }
}

t.test('no minute sees more requests than are allowed, however many wait at the same time', async (t) => {
  process.env.REGROW_REQUESTS_PER_MINUTE = '200'
  const clock = passing(1_000_000)
  const sent: number[] = []
  const send = async (requests: number) => {
    await turn(requests, clock)
    sent.push(...Array.from({ length: requests }, clock.now))
  }
  const worker = async () => {
    for (let each = 0; each < 50; each++) {
      await send(1)
      await send(3)
    }
  }
  await Promise.all(Array.from({ length: 8 }, worker))
  t.equal(sent.length, 1600)
  for (const begin of sent)
    t.ok(sent.filter((at) => at >= begin && at < begin + 60_000).length <= 200, `from ${begin}`)
  const minutes = ((sent.at(-1) ?? 0) - (sent[0] ?? 0)) / 60_000
  t.ok(minutes < 9, `${minutes} minutes for eight of them`)
  process.env.REGROW_REQUESTS_PER_MINUTE = '0'
  const before = clock.now()
  for (let each = 0; each < 500; each++) await turn(1, clock)
  t.equal(clock.now(), before, '0 is without limit')
})

t.test('SSH keys are listed ten times a minute at most', async (t) => {
  process.env.REGROW_REQUESTS_PER_MINUTE = '200'
  const clock = passing(9_000_000)
  const begun = clock.now()
  for (let each = 0; each < 10; each++) await turnForKeys(clock)
  t.equal(clock.now(), begun)
  await turnForKeys(clock)
  t.equal(clock.now(), begun + 60_000)
})
