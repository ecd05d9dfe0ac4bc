import { type Mutant, mutant } from '../mutant.ts'

/** What is made once, though an answer was lost or somebody else makes it too. */
export const ensure: readonly Mutant[] = [
  mutant(
    'a lost answer is not looked for: creates are repeated',
    'lib/clients/ensure.ts',
    "return kind === 'lost' ? lookForEffect(thing) : undefined",
    'return undefined',
    'lib/ensure',
  ),
  mutant(
    'a twin that was there before is removed',
    'lib/clients/ensure.ts',
    'if (!thing.remove || !doubt)',
    'if (!thing.remove)',
    'lib/ensure',
  ),
  mutant(
    'what was seen before the lock is not looked at again',
    'lib/clients/ensure.ts',
    'const since = (await mayChange(started)) ? performance.now() : started',
    'const since = (await mayChange(started)) ? started : started',
    'lib/ensure',
  ),
  mutant(
    'a twin that shows late stays, and is billed',
    'lib/clients/ensure.ts',
    'doubt ? await withLateTwins(thing, made) : made',
    'made',
    'lib/ensure',
  ),
  mutant(
    'what was refused counts as done, perhaps',
    'lib/clients/ensure.ts',
    "error.isRefusal ? 'refused' : 'lost'",
    "'lost'",
    'lib/ensure',
  ),
]
