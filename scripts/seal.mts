#!/usr/bin/env -S sh -c 'exec node --max-semi-space-size=4 --import "$(dirname "$(realpath "$0")")/../lib/start.mjs" "$0" "$@"'
// A Secret into a SealedSecret that only this cluster can open. What comes out may go into Git.
import { writeFileSync } from 'node:fs'
import { dump } from 'js-yaml'
import { describe } from '../lib/cluster/cluster.ts'
import { sealSecret } from '../lib/gitops/sealing.ts'
import { readText, readYaml } from '../lib/read-text.ts'
import { run } from '../lib/run.ts'
import { openBuckets } from '../lib/store/buckets.ts'
import { needKit } from '../lib/store/kit.ts'

await run(
  'seal',
  async ({ flags }) => {
    const certificate = flags.certificate
      ? readText(flags.certificate)
      : await describe(flags)
          .then(async (cluster) => needKit(await openBuckets(cluster, 'read'), cluster.name))
          .then((kit) => kit.sealing.certificate)
    if (flags['save-certificate']) {
      writeFileSync(flags['save-certificate'], certificate)
      return { certificate: flags['save-certificate'] }
    }
    const sealed = sealSecret(readYaml(flags.words[0]), certificate)
    return flags.json ? sealed : dump(sealed, { lineWidth: -1 })
  },
  { tokens: (flags) => !flags.certificate },
)
