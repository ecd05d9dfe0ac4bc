import { isDryRun } from './dry-run.ts'
import { printable } from './printable.ts'
import { Problem } from './problem.ts'
import { print } from './story.ts'

/** Something that can be shown before the question: its text, and the same as data for `--json`. */
export interface Shown {
  text: string
  /** True when there is nothing to change: then nothing is asked. */
  nothing?: boolean
  /** True when something is removed or stopped: then a bare Enter means no. */
  destructive?: boolean
  /** By default its fields. */
  toJSON?(): unknown
}

/** How a question is put. */
export interface Question {
  /** `Go on?` by default. */
  question?: string
  /** Something is removed or stopped: then a bare Enter means no. */
  destructive?: boolean
  /** What to do where nobody can be asked. */
  cure?: string
}

/**
 * Asks whether to go on. `REGROW_ANSWER` answers for the person and is shown, so that a wrapper can say why.
 * @throws Problem when the answer is no, or (exit code 2) when nobody can be asked.
 */
export async function askToGoOn(
  yes: boolean,
  {
    question = 'Go on?',
    destructive = false,
    cure = 'Add --yes to answer the question beforehand, or --dry-run to see the plan.',
  }: Question = {},
): Promise<void> {
  const given = process.env.REGROW_ANSWER
  if (yes || given?.startsWith('yes')) {
    print(`${question} ${yes ? 'yes (--yes)' : given}`)
    return
  }
  if (!process.stdin.isTTY || !process.stderr.isTTY)
    throw new Problem('cannot ask for confirmation: not a terminal', { cure, exitCode: 2 })
  const { confirm, isCancel } = await import('@clack/prompts')
  const answer = await confirm({
    message: printable(question),
    initialValue: !destructive,
    output: process.stderr,
  })
  if (isCancel(answer)) throw interrupted()
  if (answer !== true) throw new Problem('not confirmed: nothing was changed')
}

/**
 * Asks for a thing's name before it is removed for good; the flag of that name gives it beforehand, and nothing else:
 * a name is what tells a person which thing goes.
 * @throws Problem when another name is given, or (exit code 2) when nobody can be asked
 */
export async function confirmName<F extends string>(
  what: string,
  name: string,
  flags: { [K in F]?: string | undefined },
  flag: F,
): Promise<void> {
  if (isDryRun()) return
  let given: string | undefined = flags[flag]
  if (given === undefined) {
    if (!process.stdin.isTTY || !process.stderr.isTTY)
      throw new Problem(`cannot ask for the ${what}’s name: not a terminal`, {
        cure: `Add --${flag} ${name}.`,
        exitCode: 2,
      })
    const { text, isCancel } = await import('@clack/prompts')
    const message = printable(`Type the ${what}’s name (${name}) to remove it for good`)
    const answer = await text({ message, output: process.stderr })
    if (isCancel(answer)) throw interrupted()
    given = answer
  }
  if (given !== name)
    throw new Problem(`“${given}” is not ${name}: nothing was removed`, {
      cure: `Give the name as it stands there: --${flag} ${name}.`,
      exitCode: 2,
    })
}

/** Ctrl-C at a question, which is no answer to it. */
const interrupted = () => new Problem('interrupted: nothing was changed', { exitCode: 130 })

/** Asks for a secret on a terminal; empty where nobody can be asked. @throws Problem (exit code 130) after Ctrl-C */
export async function askForSecret(message: string): Promise<string> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return ''
  const { password, isCancel } = await import('@clack/prompts')
  const answer = await password({ message: printable(message), output: process.stderr })
  if (isCancel(answer)) throw interrupted()
  return answer
}
