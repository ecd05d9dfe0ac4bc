import { type Mutant, mutant } from '../mutant.ts'

/** How tools are had and run. */
export const tools: readonly Mutant[] = [
  mutant(
    'a download’s checksum is not compared',
    'lib/install/release.ts',
    'if (got !== published)',
    "if (got === '')",
    'tools/install',
  ),
  mutant(
    'doctl repeats creates by itself',
    'lib/tools.ts',
    "'--http-retry-max', '0'",
    "'--http-retry-max', '5'",
    'lib/tools',
  ),
  mutant('a person’s doctl context wins over the token', 'lib/tools.ts', '|DIGITALOCEAN_|', '|', 'lib/tools'),
]
