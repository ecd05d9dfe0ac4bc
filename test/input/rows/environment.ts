import { chmodSync, mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { onPath } from '../../../lib/base/on-path.ts'
import { parts } from '../../../lib/cluster/versions.ts'
import { box, second } from './boxes.ts'
import { cloud, paste, type Row } from './row.ts'

const nowhere = 'http://127.0.0.1:2'
const network = 'Check the network, then run the same command again.'

/** Variables of the environment, the tokens first, and where nobody can be asked. */
export const environment: Row[] = [
  {
    run: 'bootstrap.mts',
    env: { GITHUB_TOKEN: undefined },
    code: 2,
    says: ['GITHUB_TOKEN is not set', 'export GITHUB_TOKEN=… (docs/setup.md lists the permissions)'],
  },
  {
    run: 'status.mts',
    env: { GITHUB_TOKEN: undefined, DIGITALOCEAN_TOKEN: ' ', DIGITALOCEAN_ACCESS_TOKEN: '' },
    code: 2,
    says: [
      'DIGITALOCEAN_TOKEN and GITHUB_TOKEN are not set',
      'export DIGITALOCEAN_TOKEN=… GITHUB_TOKEN=… (docs/setup.md lists the permissions)',
    ],
  },
  {
    run: 'bootstrap.mts',
    env: { DIGITALOCEAN_TOKEN: 'dop_v1_half half' },
    code: 2,
    says: [
      'DIGITALOCEAN_TOKEN holds characters that no token has',
      'Copy the token again, without blanks, quotes or line breaks in it.',
    ],
  },
  {
    run: 'bootstrap.mts',
    env: { REGROW_GITHUB_URL: 'github.com' },
    code: 2,
    says: [
      'REGROW_GITHUB_URL is “github.com”, which is not an address',
      'Set it to one such as https://api.github.com, or unset it.',
    ],
  },
  {
    run: 'bootstrap.mts',
    env: { DIGITALOCEAN_TOKEN: 'dop_v1_wrong', GITHUB_TOKEN: 'ghp_wrong' },
    code: 1,
    found: [
      [
        'DigitalOcean does not accept the token in DIGITALOCEAN_TOKEN',
        'Make a new one at https://cloud.digitalocean.com/account/api/tokens and set DIGITALOCEAN_TOKEN.',
      ],
      [
        'GitHub refused to accept the token in GITHUB_TOKEN: 401 Bad credentials',
        'Make a new one at https://github.com/settings/tokens and set GITHUB_TOKEN.',
      ],
    ],
  },
  {
    run: 'bootstrap.mts',
    env: { REGROW_CSI_TOKEN: 'dop_v1_wrong' },
    code: 1,
    found: [
      [
        'DigitalOcean does not accept the token in REGROW_CSI_TOKEN',
        'Make a new one at https://cloud.digitalocean.com/account/api/tokens and set REGROW_CSI_TOKEN.',
      ],
    ],
  },
  {
    run: 'bootstrap.mts',
    env: { REGROW_CSI_TOKEN: 'dop_v1_theirs' },
    behaviour: cloud({ tokens: { dop_v1_theirs: ['.'] }, otherTeam: 'dop_v1_theirs' }),
    code: 1,
    found: [['REGROW_CSI_TOKEN opens another account than DIGITALOCEAN_TOKEN', 'Make it in the same team.']],
  },
  {
    run: 'bootstrap.mts',
    env: { REGROW_TOOLS: join(box.dir, 'bin') },
    given: doctlOfAnotherAccount,
    code: 1,
    found: [
      [
        'doctl sees another account than DIGITALOCEAN_TOKEN opens',
        `Fetch a doctl of the known version: ${paste('scripts/tools.mts')}`,
      ],
    ],
  },
  {
    run: 'status.mts',
    env: { REGROW_DIGITALOCEAN_URL: nowhere, REGROW_GITHUB_URL: nowhere, HTTPS_PROXY: nowhere },
    apart: true,
    code: 1,
    found: [
      [
        `DigitalOcean did not answer at ${nowhere} (ECONNREFUSED)`,
        network.replace(',', ' (HTTPS_PROXY is not used: regrow connects directly),'),
      ],
      [
        'GitHub did not answer when asked to tell whose token it is (connect ECONNREFUSED 127.0.0.1:2)',
        network.replace(',', ' (HTTPS_PROXY is not used: regrow connects directly),'),
      ],
    ],
  },
  {
    run: 'bootstrap.mts --config part.yaml',
    env: { REGROW_UPSTREAM_URL: nowhere },
    // All but one were recorded before, so that one is asked for.
    given: () => {
      const names = ['argo-cd', 'velero', 'sealed-secrets', 'traefik']
      const files = ['crds', 'driver', 'snapshot-controller'].map((one) => `csi-digitalocean/${one}.yaml`)
      const digests = [...names, ...files].map((name) => `  ${name}: ${'a'.repeat(64)}`)
      second.file('part.yaml', `digests:\n${digests.join('\n')}\n`)
    },
    apart: true,
    code: 1,
    found: [
      [
        `${nowhere}/github.com/k3s-io/k3s/releases/download/${encodeURIComponent(parts.k3s.version)}/sha256sum-amd64.txt could not be fetched: connect ECONNREFUSED 127.0.0.1:2 (6 attempts)`,
        'Check the network and versions in cluster.yaml, or name a mirror with REGROW_UPSTREAM_URL.',
      ],
    ],
  },
  {
    run: 'tools.mts --only helm',
    env: { REGROW_UPSTREAM_URL: nowhere, REGROW_TOOLS: join(box.dir, 'none'), PATH: onlyWith('bash', 'env') },
    apart: true,
    code: 1,
    says: [
      `${nowhere}/get.helm.sh/helm-v4.3.1-linux-amd64.tar.gz.sha256sum could not be fetched: connect ECONNREFUSED 127.0.0.1:2 (6 attempts)`,
      `${network} Or name a mirror with REGROW_UPSTREAM_URL, or install the tool yourself.`,
    ],
  },
  {
    run: 'bootstrap.mts --yes',
    env: { PATH: onlyWith('env', 'git', 'node', 'sh') },
    code: 1,
    says: [
      'bash was not found on the PATH; doctl, kubectl, helm and velero are run with it',
      'Install it (for example: apk add bash) and run the same command again.',
    ],
  },
  {
    run: 'bootstrap.mts --dry-run',
    env: {
      REGROW_SANDBOXED: undefined,
      REGROW_ANSWER: undefined,
      REGROW_TOOLS: join(box.dir, 'none'),
      PATH: onlyWith('bash', 'env'),
    },
    code: 2,
    says: [
      'cannot ask for confirmation: not a terminal',
      `Run ${paste('scripts/tools.mts')} first, or add --yes.`,
    ],
  },
  {
    run: 'bootstrap.mts --yes',
    env: {
      REGROW_SANDBOXED: undefined,
      ...{ DIGITALOCEAN_TOKEN: undefined, DIGITALOCEAN_ACCESS_TOKEN: undefined },
      ...{ GITHUB_TOKEN: undefined, REGROW_TOOLS: join(box.dir, 'none'), PATH: onlyWith('bash', 'env') },
    },
    code: 2,
    says: [
      'DIGITALOCEAN_TOKEN and GITHUB_TOKEN are not set',
      'export DIGITALOCEAN_TOKEN=… GITHUB_TOKEN=… (docs/setup.md lists the permissions)',
    ],
  },
  {
    run: 'bootstrap.mts',
    env: { REGROW_ANSWER: undefined },
    code: 2,
    says: [
      'cannot ask for confirmation: not a terminal',
      'Add --yes to answer the question beforehand, or --dry-run to see the plan.',
    ],
  },
  {
    run: 'bootstrap.mts',
    env: { REGROW_KUBECONFIG_DIR: '/dev/null/here' },
    code: 1,
    found: [
      [
        '/dev/null/here/kubeconfig-main.yaml cannot be written (ENOTDIR)',
        'Run it in a folder of yours, or name one with REGROW_KUBECONFIG_DIR.',
      ],
    ],
  },
]

/** A PATH on which there are these programs and no others. */
function onlyWith(...names: string[]): string {
  const folder = join(box.dir, `only-${names.join('-')}`)
  mkdirSync(folder, { recursive: true })
  for (const name of names) {
    rmSync(join(folder, name), { force: true })
    symlinkSync(onPath(name) ?? name, join(folder, name))
  }
  return folder
}

function doctlOfAnotherAccount(): void {
  mkdirSync(join(box.dir, 'bin'))
  for (const name of ['doctl', 'kubectl', 'helm', 'velero'])
    chmodSync(box.file(`bin/${name}`, `#!/bin/sh\necho '{"team": {"uuid": "another"}}'\n`), 0o755)
}
