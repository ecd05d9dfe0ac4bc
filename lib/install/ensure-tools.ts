import { answered } from '../confirm.ts'
import { tokens } from '../environment.ts'
import { command } from '../hint.ts'
import { tell } from '../story.ts'
import { missingTools } from './found.ts'
import { installTools } from './install.ts'

/**
 * Makes sure of the four command-line tools: what is missing is fetched into `.tools/` after one question.
 * @throws Problem when a token is missing, when the answer is no, or (exit code 2) when nobody can be asked
 */
export async function ensureTools(flags: { yes: boolean }): Promise<void> {
  const missing = await missingTools()
  if (missing.length === 0) return
  tokens() // a run without them ends soon: nothing is fetched for it
  for (const { name, why } of missing) tell('!', name, why)
  await answered(flags.yes, {
    question: `Fetch ${missing.map((one) => one.name).join(', ')} into .tools/?`,
    cure: `Run ${command('scripts/tools.mts')} first, or add --yes.`,
  })
  await installTools(missing.map((one) => one.name))
}
