import type { Mutant } from './mutant.ts'
import { backup } from './of/backup.ts'
import { cloud } from './of/cloud.ts'
import { cluster } from './of/cluster.ts'
import { ensure } from './of/ensure.ts'
import { git } from './of/git.ts'
import { node } from './of/node.ts'
import { removedFromGit } from './of/removed.ts'
import { scale } from './of/scale.ts'
import { secrets } from './of/secrets.ts'
import { tools } from './of/tools.ts'

/** Every mutant; each is killed by its test, or `npm run test:mutants` fails. */
export const mutants: readonly Mutant[] = [
  ...cloud,
  ...ensure,
  ...cluster,
  ...secrets,
  ...node,
  ...git,
  ...removedFromGit,
  ...backup,
  ...scale,
  ...tools,
]
