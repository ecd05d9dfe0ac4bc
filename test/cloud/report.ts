import { dollars } from '../../lib/cluster/prices.ts'
import { type Cost, totalOf } from './cost.ts'
import { type Difference, differenceOf, type Question } from './question.ts'
import { isAsked, isOfTheMachine } from './questions/all.ts'
import type { Memory, State } from './state.ts'
import { estimateOf, stepEstimate } from './waits.ts'

/** What is estimated of programs that are no containers, in MiB (docs/memory.md). */
const budget: Record<string, number> = {
  'k3s-server': 620,
  containerd: 40,
  'containerd-shim': 84,
}

/** What a play found out, as `first-contact.json` has it. */
export interface Findings extends Omit<State, 'current' | 'account' | 'login'> {
  ended: string
  costs: Cost[]
  dollars: number
  differences: Difference[]
  answers: Record<
    string,
    { question: string; doubt: string; said?: string; seen?: string | undefined; why?: string }
  >
  /** What the box cannot play, by name. */
  notInBox: string[]
}

/** What the box has no figure for. */
const unmeasured = ['memory of each program', 'memory of each container', 'images and their bytes']

/** Puts together what a play's state holds. */
export function findingsOf(
  state: State,
  questions: readonly Question[],
  costs: Cost[],
  ended: Date,
): Findings {
  const { current: _, account: _account, login: _login, ...rest } = state
  const outcome = (one: Question) =>
    'unasked' in one
      ? { why: one.unasked }
      : (state.outcomes[one.id] ?? { why: 'the play did not come so far' })
  const isAbsent = (one: Question) => isOfTheMachine(one) || (isAsked(one) && one.notInBox === true)
  return {
    ...rest,
    ended: ended.toISOString(),
    costs,
    dollars: totalOf(costs),
    differences: questions.flatMap((one) => differenceOf(one, outcome(one)) ?? []),
    answers: Object.fromEntries(
      questions.map((one) => [one.id, { question: one.question, doubt: one.doubt, ...outcome(one) }]),
    ),
    notInBox: state.sandbox ? [...unmeasured, ...questions.filter(isAbsent).map(({ id }) => id)] : [],
  }
}

const cell = (text: string | number | undefined) =>
  String(text ?? '')
    .replaceAll('|', '\\|')
    .replaceAll('\n', ' ')
const table = (head: string[], rows: (string | number | undefined)[][]) =>
  rows.length === 0
    ? ['None.']
    : [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map(cell).join(' | ')} |`)

/** The same for people. */
export function pageOf(found: Findings): string {
  const { differences, steps, answers } = found
  const where = found.sandbox ? 'the sandbox, so nothing below was measured at DigitalOcean' : found.region
  const all = Object.values(answers)
  const without = Object.entries(answers).filter(([, one]) => one.said === undefined)
  const requests = (which: 'digitalocean' | 'github') => steps.reduce((sum, one) => sum + one[which].all, 0)
  return [
    '# First contact',
    '',
    `Cluster ${found.name}, ${found.size}, in ${where}. From ${found.begun} to ${found.ended}.`,
    ...(found.failed ? ['', `**It did not end well:** ${found.failed}`] : []),
    '',
    `${all.length} questions, ${all.length - without.length} answered, ${differences.length} answers are not as supposed. ${requests('digitalocean')} requests at DigitalOcean, ${requests('github')} at GitHub. ${dollars(found.dollars)}.`,
    '',
    '## Differences',
    '',
    ...table(
      ['Question', 'Supposed', 'Seen', 'To be changed'],
      differences.map((one) => [one.question, one.supposed, one.said, one.place]),
    ),
    '',
    '## Steps',
    '',
    ...table(
      ['Step', 'Seconds', 'Estimate', 'At DigitalOcean', 'most a minute', 'At GitHub', ''],
      steps.map((one) => [
        one.name,
        one.skipped ? '' : one.seconds.toFixed(1),
        stepEstimate(one.name),
        one.digitalocean.all,
        one.digitalocean.aMinute,
        one.github.all,
        one.skipped ?? (one.code ? `exit code ${one.code}` : ''),
      ]),
    ),
    '',
    '## Waits',
    '',
    ...table(
      ['Step', 'What', 'Seconds', 'Estimate'],
      steps.flatMap((step) =>
        step.waits.map(({ what, seconds }) => [step.name, what, seconds, estimateOf(what)]),
      ),
    ),
    '',
    '## Memory',
    '',
    ...(found.memory.length === 0 ? ['Not measured.'] : found.memory.flatMap(memoryText)),
    '',
    '## Images',
    '',
    ...(found.images.length === 0
      ? ['Not seen.']
      : table(
          ['Image', 'Bytes'],
          found.images.map(({ name, bytes }) => [name, bytes]),
        )),
    '',
    '## Dollars',
    '',
    ...table(
      ['What', 'Dollars'],
      [
        ...found.costs.map(({ what, amount }) => [what, amount.toFixed(4)]),
        ['together', found.dollars.toFixed(2)],
      ],
    ),
    '',
    '## Answers',
    '',
    ...table(
      ['Question', 'Answer', 'Seen', 'Doubt'],
      Object.values(answers)
        .filter(({ said }) => said !== undefined)
        .map((one) => [one.question, one.said, one.seen, one.doubt]),
    ),
    '',
    '## Without an answer',
    '',
    ...table(
      ['Question', 'Why'],
      without.map(([, one]) => [one.question, one.why]),
    ),
    ...(found.notInBox.length > 0
      ? ['', '## Not in the box', '', ...found.notInBox.map((one) => `- ${one}`)]
      : []),
    '',
  ].join('\n')
}

function memoryText({ when, available, programs, containers }: Memory): string[] {
  return [
    `### ${when}`,
    '',
    `${available} MiB available. All figures in MiB; the peak is since the start.`,
    '',
    ...table(
      ['Program', 'Peak', 'Own', 'Swap', 'Estimate'],
      programs.map(({ name, peak, own, swap }) => [name, peak, own, swap, budget[name]]),
    ),
    '',
    ...table(
      ['Container', 'Now', 'Peak', 'Peak in swap', 'Limit'],
      containers.map(({ name, now, peak, swap, limit }) => [name, now, peak, swap, limit || 'none']),
    ),
    '',
  ]
}
