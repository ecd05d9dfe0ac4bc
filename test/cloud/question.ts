import type { Look } from './look.ts'
import type { Sight } from './sight.ts'

/** When a question is asked: before anything is bought, on the first machine, just before the end, or after it. */
export type When = 'before' | 'grown' | 'last' | 'after'

/** What was seen: `said` is compared, `seen` is what stands behind it. */
export interface Answer {
  said: string
  seen?: string | undefined
}

interface Subject {
  id: string
  /** In plain English. */
  question: string
  /** Where the doubt comes from. */
  doubt: string
}

/** What is expected, and what an answer that contradicts it would be. */
interface Expected {
  /** What the box plays; where it plays nothing, what regrow takes for granted. */
  supposed: string
  /** An answer that must be noticed. */
  wrong: string
  /** Where it would have to be changed. */
  place: string
}

/** A question that is asked through the clients, tools and requests of the play. */
export interface Asked extends Subject, Expected {
  when: When
  ask(sight: Sight): Promise<Answer | NotMet>
  /** The box has nothing that could answer. */
  notInBox?: true
}

/** A question that the machine itself answers; the box's machines execute nothing. */
export interface OfTheMachine extends Subject, Expected {
  read(look: Look): Answer
}

/** A question that nobody can ask safely here. */
export interface Unasked extends Subject {
  unasked: string
}

export type Question = Asked | OfTheMachine | Unasked

/** A question that this play did not come upon, and why. */
export class NotMet {
  readonly why: string

  constructor(why: string) {
    this.why = why
  }
}

/** What became of a question: an answer, or the reason why there is none. */
export type Outcome = Answer | { why: string }

/** A difference between what was seen and what is played or taken for granted, with the place that must be changed. */
export interface Difference {
  id: string
  question: string
  supposed: string
  said: string
  place: string
}

/** Compares an outcome with what is supposed; undefined where they agree or nothing was seen. */
export function differenceOf(question: Question, outcome: Outcome): Difference | undefined {
  if ('unasked' in question || 'why' in outcome || outcome.said === question.supposed) return undefined
  const { id, question: asked, supposed, place } = question
  return { id, question: asked, supposed, said: outcome.said, place }
}

/** Asks one question; what goes wrong on the way is the reason why there is no answer. */
export async function outcomeOf(question: Asked, sight: Sight): Promise<Outcome> {
  try {
    const answer = await question.ask(sight)
    return answer instanceof NotMet ? { why: answer.why } : answer
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error)
    return { why: `it could not be asked: ${said.replace(/\s+/g, ' ').slice(0, 300)}` }
  }
}
