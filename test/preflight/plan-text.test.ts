import t from 'tap'
import { endingTokens } from '../../lib/machines/preflight/plan-text.ts'

t.test('a token that ends within a month is told, whichever it is', async (t) => {
  const inDays = (days: number) => new Date(Date.now() + days * 86_400_000)
  const day = (date: Date) => date.toISOString().slice(0, 10)
  t.same(
    endingTokens({ tokensEnd: { digitalocean: inDays(31), csi: undefined, github: undefined } }),
    [],
    'not yet, and where it is not known',
  )
  const soon = inDays(29)
  t.same(endingTokens({ tokensEnd: { digitalocean: soon, csi: soon, github: soon } }), [
    `your DigitalOcean token ends on ${day(soon)}`,
    `your token in REGROW_CSI_TOKEN ends on ${day(soon)}`,
    `your GitHub token ends on ${day(soon)}`,
  ])
})
