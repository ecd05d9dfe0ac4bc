import type { Asked, OfTheMachine, Question, Unasked } from '../question.ts'
import { clusterQuestions } from './cluster.ts'
import { digitalOceanQuestions } from './digitalocean.ts'
import { githubQuestions } from './github.ts'
import { machineQuestions } from './machine.ts'
import { spacesQuestions } from './spaces.ts'
import { upstreamQuestions } from './upstream.ts'

/** Every question, by subject. */
export const questions: readonly Question[] = [
  ...digitalOceanQuestions,
  ...spacesQuestions,
  ...githubQuestions,
  ...upstreamQuestions,
  ...machineQuestions,
  ...clusterQuestions,
]

export const isAsked = (one: Question): one is Asked => 'ask' in one
export const isOfTheMachine = (one: Question): one is OfTheMachine => 'read' in one
export const isUnasked = (one: Question): one is Unasked => 'unasked' in one
