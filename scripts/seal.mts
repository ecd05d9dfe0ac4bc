#!/usr/bin/env -S sh -c 'exec node --max-semi-space-size=4 --import "$(dirname "$(realpath "$0")")/../lib/commands/start.mjs" "$0" "$@"'
import { writeFileSync } from 'node:fs'
import { dump } from 'js-yaml'
import { readDocuments, readText, tell } from '../lib/base/index.ts'
import { describe } from '../lib/cluster/index.ts'
import { clusterFlags, run } from '../lib/commands/index.ts'
import { sealSecrets } from '../lib/gitops/index.ts'
import { needKit, openBuckets } from '../lib/store/index.ts'

// Secrets into SealedSecrets that only this cluster can open. What comes out may go into Git.

await run(
  {
    about: 'Turn a Secret (file or stdin) into a SealedSecret for this cluster only.',
    words: '[FILE]',
    flags: {
      ...clusterFlags,
      certificate: {
        value: 'FILE',
        about: 'seal offline with this public certificate',
      },
      'save-certificate': {
        value: 'FILE',
        about: 'write the public certificate, to seal offline',
      },
    },
    tokens: (flags) => !flags.certificate,
  },
  async ({ flags, words }) => {
    const certificate = flags.certificate
      ? readText(flags.certificate)
      : await describe(flags)
          .then(async (cluster) => needKit(await openBuckets(cluster, 'read'), cluster.name))
          .then((kit) => kit.sealing.certificate)
    if (flags['save-certificate']) {
      writeFileSync(flags['save-certificate'], certificate)
      return { certificate: flags['save-certificate'] }
    }
    const [file] = words
    if (file === undefined && process.stdin.isTTY)
      tell('·', 'waiting for a Secret on standard input', 'Ctrl-D ends it')
    const sealed = sealSecrets(await readDocuments(file), certificate)
    // A file and not a message: it is written as it is.
    if (!flags.json)
      return void process.stdout.write(sealed.map((one) => dump(one, { lineWidth: -1 })).join('---\n'))
    return sealed.length === 1 ? sealed[0] : { apiVersion: 'v1', kind: 'List', items: sealed }
  },
)
