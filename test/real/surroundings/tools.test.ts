import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'

// The surroundings of stand-ins.test.ts, in a SIMULATED world, met by the real doctl, kubectl, helm and velero.

const tools = process.env.REGROW_TOOLS ?? ''
const missing = ['doctl', 'kubectl', 'helm', 'velero'].filter((name) => !existsSync(join(tools, name)))
if (missing.length > 0)
  t.skip(`REGROW_TOOLS has no ${missing.join(', ')}: ./scripts/tools.mts fetches them`, () => {})
else {
  process.env.REGROW_TEST_TOOLS = tools
  await import('./stand-ins.test.ts')
}
