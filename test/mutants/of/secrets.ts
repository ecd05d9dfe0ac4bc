// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the code that is broken has them
import { type Mutant, mutant } from '../mutant.ts'

/** Who may learn a secret: what is printed, signed, or left behind. */
export const secrets: readonly Mutant[] = [
  mutant('signatures of URLs are printed', 'lib/base/secret.ts', "'$1[redacted]'", "'$1'", 'lib/secret'),
  mutant(
    'a terminal obeys what was read',
    'lib/base/printable.ts',
    '.replace(obeyed, escaped)\n  return',
    '\n  return',
    'hostile/terminal',
  ),
  mutant(
    'the runner of a workflow obeys what was read',
    'lib/base/printable.ts',
    'shown.replace(commands, escaped)',
    'shown',
    'hostile/terminal',
  ),
  mutant(
    'a secret inside Base64 is printed',
    'lib/base/secret.ts',
    'for (const part of encodedWithin(value)) known.add(part)',
    '',
    'lib/secret',
  ),
  mutant(
    'the operator’s key is left behind',
    'lib/store/buckets.ts',
    '...(own ? [{ name: own.name, access_key: own.accessKey }] : []), ...left',
    '...left',
    'flows/life',
  ),
  mutant(
    'the key in the cluster opens the kit as well',
    'lib/machines/first/first-server.ts',
    'reached.map((one) => `bucket=${one};permission=readwrite`)',
    "['bucket=;permission=fullaccess']",
    'real/input/secrets',
  ),
  mutant(
    'URLs are signed for longer than a week',
    'lib/store/bundles.ts',
    'bundleSeconds = 7 * 24 * 3600',
    'bundleSeconds = 8 * 24 * 3600',
    'server/bundle',
  ),
  mutant(
    'a secret in user-data',
    'lib/machines/first/bundle.ts',
    "bundleUrl: await kit.sign('GET', bundleKey(name), bundleSeconds),",
    "bundleUrl: `${await kit.sign('GET', bundleKey(name), bundleSeconds)}#${wish.node.tokens.server}`,",
    'server/bundle',
  ),
  mutant(
    'the key of a bundle beside it in the bucket',
    'lib/machines/first/bundle.ts',
    'accessKey: await buckets.accessKey(),',
    'accessKey: `${await buckets.accessKey()} ${key}`,',
    'server/bundle',
  ),
  mutant(
    'the bundle of a machine that is gone stays in the bucket',
    'lib/store/bundles.ts',
    'return !there.includes(name) && !(wanted.includes(name) && age < lag)',
    'return false',
    'store/bundles',
  ),
]
