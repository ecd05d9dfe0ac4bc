import t from 'tap'
import type { Store } from '../../lib/clients/s3.ts'
import { showsOrIsHeld, waitForBucket } from '../../lib/store/existence.ts'

t.test(
  'a bucket that was made and does not show yet is waited for, as a key that is not known yet',
  async (t) => {
    const answers = ['foreign', 'missing', 'missing', 'ours'] as const
    let asked = 0
    const store = { look: async () => answers[asked++] } as unknown as Store
    t.equal(await waitForBucket(store, 'regrow-b'), 'ours')
    t.equal(asked, answers.length)
  },
)

t.test('a name that is held is told with a way out', async (t) => {
  const store = { look: async () => 'missing' as const }
  await t.rejects(showsOrIsHeld(store, 'regrow-b', 'main', 0.1), {
    message: /until bucket regrow-b shows \(last seen: 409 when it is made, 404 when it is looked for\)$/,
    cure: /hold its name for a week .* clusters\/main\/cluster\.yaml .*store: \{velero: NAME, kit: NAME\}/,
  })
  const answers = ['missing', 'ours'] as const
  let asked = 0
  const late = { look: async () => answers[asked++] ?? 'ours' }
  await t.resolves(showsOrIsHeld(late, 'regrow-b', 'main'), 'an earlier attempt had made it')
})
