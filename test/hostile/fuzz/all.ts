import { answers } from './answers.ts'
import { backups } from './backups.ts'
import { descriptions } from './descriptions.ts'
import { refs } from './refs.ts'
import { reports } from './reports.ts'
import type { Target } from './target.ts'

/** All that is read from outside, by its name. */
export const targets: Record<string, Target> = { descriptions, refs, backups, reports, answers }
