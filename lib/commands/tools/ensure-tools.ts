import { askToGoOn } from '../../base/confirm.ts'
import { tokens } from '../../base/environment.ts'
import { command } from '../../base/hint.ts'
import { Problem } from '../../base/problem.ts'
import { tell } from '../../base/story.ts'
import { missingTools } from './found.ts'
import { installTools } from './install.ts'

/**
 * Makes sure of the four command-line tools: what is missing is fetched into `.tools/` after one question. In the sandbox
 * nothing is fetched: it has a stand-in for each that is missing, as long as it runs.
 * @throws Problem where the sandbox has ended, when a token is missing, when the answer is no, or (exit code 2) when nobody can be asked
 */
export async function ensureTools(flags: { yes: boolean }): Promise<void> {
  const missing = await missingTools()
  if (missing.length === 0) return
  if (process.env.REGROW_SANDBOXED)
    throw new Problem(
      `the sandbox that this runs in has ended: its ${missing.map((one) => one.name).join(', ')} ${missing.length === 1 ? 'is' : 'are'} gone`,
      { cure: 'Its world is kept. Leave this shell, then run the command again: it opens the sandbox anew.' },
    )
  tokens() // a run without them ends soon: nothing is fetched for it
  for (const { name, why } of missing) tell('!', name, why)
  await askToGoOn(flags.yes, {
    question: `Fetch ${missing.map((one) => one.name).join(', ')} into .tools/?`,
    cure: `Run ${command('scripts/tools.mts')} first, or add --yes.`,
  })
  await installTools(missing.map((one) => one.name))
}
