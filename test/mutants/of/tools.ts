import { type Mutant, mutant } from '../mutant.ts'

/** How tools are had and run. */
export const tools: readonly Mutant[] = [
  mutant(
    'a download’s checksum is not compared',
    'lib/commands/tools/release.ts',
    'if (got !== wanted)',
    "if (got === '')",
    'tools/install',
  ),
  mutant(
    'a pin of regrow’s gives way to the mirror’s own checksum',
    'lib/commands/tools/release.ts',
    'const wanted = pin ?? (await',
    'const wanted = undefined ?? (await',
    'tools/pins',
  ),
  mutant(
    'a kubeconfig that soon ends is kept',
    'lib/kubernetes/kubeconfig.ts',
    'now.getTime() + renewed * day',
    'now.getTime()',
    'kubernetes/kubeconfig',
  ),
  mutant(
    'doctl repeats creates by itself',
    'lib/clients/tools.ts',
    "'--http-retry-max', '0'",
    "'--http-retry-max', '5'",
    'lib/tools',
  ),
  mutant(
    'a person’s doctl context wins over the token',
    'lib/clients/tools.ts',
    '|DIGITALOCEAN_|',
    '|',
    'lib/tools',
  ),
]
