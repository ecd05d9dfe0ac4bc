import t from 'tap'
import type { Store } from '../../lib/clients/s3.ts'
import { usable } from '../../lib/store/existence.ts'

t.test(
  'a bucket that was made and does not show yet is waited for, as a key that is not known yet',
  async (t) => {
    const answers = ['foreign', 'missing', 'missing', 'ours'] as const
    let asked = 0
    const store = { look: async () => answers[asked++] } as unknown as Store
    t.equal(await usable(store, 'regrow-b'), 'ours')
    t.equal(asked, answers.length)
  },
)
