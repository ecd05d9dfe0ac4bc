import { Problem } from './problem.ts'
import { print } from './story.ts'

/**
 * Asks whether to go on. `REGROW_ANSWER` answers for the person and is shown, so that a wrapper can say why.
 * @throws Problem when the answer is no, or (exit code 2) when nobody can be asked.
 */
export async function answered(yes: boolean, question = 'Go on?'): Promise<void> {
  const given = process.env.REGROW_ANSWER
  if (yes || given?.startsWith('yes')) {
    print(`${question} ${yes ? 'yes (--yes)' : given}`)
    return
  }
  if (!process.stdin.isTTY || !process.stderr.isTTY)
    throw new Problem('nobody can be asked: this is no terminal', {
      cure: 'Add --yes to answer the question beforehand, or --dry-run to see the plan.',
      exitCode: 2,
    })
  const { confirm } = await import('@clack/prompts')
  if ((await confirm({ message: question, output: process.stderr })) !== true)
    throw new Problem('not confirmed: nothing was changed')
}
