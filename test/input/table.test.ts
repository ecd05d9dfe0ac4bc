import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import t from 'tap'
import { z } from 'zod'
import { parts } from '../../lib/versions.ts'
import { openTestBox } from '../flows/box.ts'
import { attempt, changesIn } from './attempt.ts'

// Wrong input, one mistake a row: what is given, what is said of it and its cure, word for word, the exit code, and that
// nothing was changed. The rows meet a SIMULATED world; most of them run in this process.

const box = await openTestBox(t)
// Rows in processes of their own run beside the others, in a world where nobody else changes anything.
const second = await openTestBox(t)
const nowhere = 'http://127.0.0.1:2'
const { REGROW_UPSTREAM_URL: mirror, AWS_ENDPOINT_URL: store = '' } = box.env

/** A message and its cure. */
type Said = [message: string, cure: string]

interface Row {
  /** The script and its words, parted by blanks. */
  run: string
  code: 1 | 2
  /** What is said. */
  says?: Said
  /** What preflight says, which tells all it finds. */
  found?: Said[]
  env?: Record<string, string | undefined>
  /** What the world is like meanwhile, as `behaviour.json` has it. */
  behaviour?: object
  /** Done before. */
  given?: () => unknown
  /** In a process of its own: a script that is no flow, or one that waits long. */
  apart?: true
}

const help = (command: string) => `--help lists what ${command} takes.`
const keys = 'docs/cluster-yaml.md lists every key with its values.'
const network = 'Check the network, then run the same command again.'
const sizes = 'For example: s-1vcpu-2gb s-2vcpu-2gb s-2vcpu-4gb s-4vcpu-8gb.'
const regions = 'Take one of ams3 blr1 fra1 lon1 nyc3 sfo2 sfo3 sgp1 syd1 tor1.'
const cloud = (behaviour: object) => ({ digitalocean: behaviour })
const raise = (what: string) => `Ask DigitalOcean to raise the limit, or remove ${what} that you do not need.`
const other = (more = '') =>
  `store: {endpoint: '${store}', region: eu-1, velero: my-velero, kit: my-kit}\n${more}`

const commandLine: Row[] = [
  {
    run: 'bootstrap.mts --nmae x',
    code: 2,
    says: ['--nmae is not a flag of bootstrap. Did you mean --name?', help('bootstrap')],
  },
  {
    run: 'bootstrap.mts --colour',
    code: 2,
    says: ['--colour is not a flag of bootstrap.', help('bootstrap')],
  },
  { run: 'bootstrap.mts --name', code: 2, says: ['--name needs a value: --name NAME', help('bootstrap')] },
  { run: 'bootstrap.mts --name=', code: 2, says: ['--name needs a value: --name NAME', help('bootstrap')] },
  { run: 'bootstrap.mts --yes=no', code: 2, says: ['--yes takes no value', help('bootstrap')] },
  {
    run: 'bootstrap.mts main',
    code: 2,
    says: ['bootstrap does not know what to do with “main”', help('bootstrap')],
  },
  {
    run: 'bootstrap.mts --name Main',
    code: 2,
    says: ['“Main” is no name for a cluster', 'Take a letter first, then at most 19 of a-z, 0-9 and -.'],
  },
  {
    run: 'bootstrap.mts --name main-',
    code: 2,
    says: ['“main-” is no name for a cluster', 'Take a letter first, then at most 19 of a-z, 0-9 and -.'],
  },
  {
    run: 'bootstrap.mts --region Frankfurt',
    code: 2,
    says: ['the command line cannot be used: region “Frankfurt” is no region such as fra1', keys],
  },
  {
    run: 'bootstrap.mts --size small_one',
    code: 2,
    says: ['the command line cannot be used: size “small_one” is no size such as s-1vcpu-2gb', keys],
  },
  {
    run: 'bootstrap.mts --domain localhost',
    code: 2,
    says: ['the command line cannot be used: domain “localhost” is no domain such as example.org', keys],
  },
  {
    run: 'bootstrap.mts --admin-cidr 203.0.113.7/32,everyone',
    code: 2,
    says: [
      'the command line cannot be used: network.adminCidrs.1 “everyone” is no address range such as 203.0.113.7/32',
      keys,
    ],
  },
  {
    run: 'bootstrap.mts --repo a/b/c',
    code: 2,
    says: ['“a/b/c” is no repository', 'Write --repo OWNER/NAME.'],
  },
  {
    run: 'bootstrap.mts --config missing.yaml',
    code: 2,
    says: ['missing.yaml cannot be read', 'Name a cluster.yaml with --config.'],
  },
  { run: 'status.mts --yes', code: 2, says: ['--yes is not a flag of status.', help('status')] },
  {
    run: 'destroy.mts --with-backup',
    code: 2,
    says: ['--with-backup is not a flag of destroy. Did you mean --with-backups?', help('destroy')],
  },
  {
    run: 'kubeconfig.mts --ouput x',
    code: 2,
    says: ['--ouput is not a flag of kubeconfig. Did you mean --output?', help('kubeconfig')],
  },
  {
    run: 'tools.mts --only kubctl',
    code: 2,
    says: [
      'kubctl is none of the tools. Did you mean kubectl?',
      'The tools are doctl, kubectl, helm, velero.',
    ],
  },
  { run: 'seal.mts one two', code: 2, says: ['seal takes one FILE, not “one two”', help('seal')] },
  {
    run: 'sandbox.mts --rest',
    apart: true,
    code: 2,
    says: ['--rest is not a flag of sandbox. Did you mean --reset?', help('sandbox')],
  },
  {
    run: 'sandbox.mts --latency 2 true',
    apart: true,
    code: 2,
    says: ['--latency takes a number from 0 to 1', help('sandbox')],
  },
  {
    run: 'sandbox.mts --faults odd.json true',
    apart: true,
    given: () => second.file('odd.json', '[{"kind": "rain"}]'),
    env: { REGROW_SANDBOXED: undefined },
    code: 2,
    says: [
      'odd.json cannot be used: 0.kind “rain” must be one of 429, 500, 503, cut-before, cut-after, timeout, slow',
      'docs/sandbox.md shows what it may hold.',
    ],
  },
]

const sealing: Row[] = [
  {
    run: 'seal.mts --certificate missing.pem',
    code: 2,
    says: ['missing.pem cannot be read', 'Name a file that is there.'],
  },
  {
    run: 'seal.mts torn.yaml --certificate torn.yaml',
    given: () => box.file('torn.yaml', 'a: [secret'),
    code: 2,
    says: [
      'torn.yaml is no YAML: unexpected end of the stream within a flow collection (1:11)',
      'Give one document of YAML or JSON.',
    ],
  },
  {
    run: 'seal.mts map.yaml --certificate map.yaml',
    given: () =>
      box.file('map.yaml', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {}\ndata: {a: not base64}\n'),
    code: 2,
    says: [
      'this is no Secret that can be sealed: kind must be one of Secret; metadata.name is missing; data.a is no base64',
      'Give a manifest of kind Secret with data or stringData, such as kubectl create secret … --dry-run=client -o yaml prints.',
    ],
  },
  {
    run: 'seal.mts secret.yaml --certificate secret.yaml',
    given: () => box.file('secret.yaml', 'apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n'),
    code: 2,
    says: [
      'this is no certificate to seal with',
      './scripts/seal.mts --save-certificate FILE writes the cluster’s.',
    ],
  },
  {
    run: 'seal.mts secret.yaml',
    code: 1,
    says: ['there is no kit of a cluster “main”', './bootstrap.mts --name main grows it.'],
  },
  {
    run: 'kubeconfig.mts --name ghost',
    code: 1,
    says: ['there is no cluster “ghost” at DigitalOcean', './bootstrap.mts --name ghost grows it.'],
  },
]

const environment: Row[] = [
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
      'Copy the token anew, without blanks, quotes or line breaks in it.',
    ],
  },
  {
    run: 'bootstrap.mts',
    env: { REGROW_GITHUB_URL: 'github.com' },
    code: 2,
    says: [
      'REGROW_GITHUB_URL is “github.com”, which is no address',
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
        'Run ./scripts/tools.mts for a doctl of the known version.',
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
        `${nowhere}/github.com/k3s-io/k3s/releases/download/${encodeURIComponent(parts.k3s.version)}/sha256sum-amd64.txt cannot be had: connect ECONNREFUSED 127.0.0.1:2`,
        'Check the network and versions in cluster.yaml, or name a mirror with REGROW_UPSTREAM_URL.',
      ],
    ],
  },
  {
    run: 'tools.mts --only helm',
    env: { REGROW_UPSTREAM_URL: nowhere, REGROW_TOOLS: join(box.dir, 'none'), PATH: '/nowhere' },
    code: 1,
    says: [
      `${nowhere}/get.helm.sh/helm-v4.3.1-linux-amd64.tar.gz.sha256sum cannot be reached: connect ECONNREFUSED 127.0.0.1:2`,
      'Install helm 4.3.1 yourself, name a mirror by REGROW_UPSTREAM_URL, or install Go: then it is built from its module.',
    ],
  },
  {
    run: 'bootstrap.mts --dry-run',
    env: { REGROW_ANSWER: undefined, REGROW_TOOLS: join(box.dir, 'none'), PATH: '/nowhere' },
    code: 2,
    says: ['nobody can be asked: this is no terminal', 'Run ./scripts/tools.mts first, or add --yes.'],
  },
  {
    run: 'bootstrap.mts --yes',
    env: {
      ...{ DIGITALOCEAN_TOKEN: undefined, DIGITALOCEAN_ACCESS_TOKEN: undefined },
      ...{ GITHUB_TOKEN: undefined, REGROW_TOOLS: join(box.dir, 'none'), PATH: '/nowhere' },
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
      'nobody can be asked: this is no terminal',
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

/** What may not be read: the path, its name in the message, its scope. */
const unreadable: [string, string, string][] = [
  ['account', 'account', 'account'],
  ['projects', 'projects', 'project'],
  ['vpcs', 'vpcs', 'vpc'],
  ['firewalls', 'firewalls', 'firewall'],
  ['account/keys', 'ssh keys', 'ssh_key'],
  ['reserved_ips', 'reserved ips', 'reserved_ip'],
  ['spaces/keys', 'Spaces keys', 'spaces_key'],
  ['droplets', 'droplets', 'droplet'],
  ['volumes', 'volumes', 'block_storage'],
  ['snapshots', 'snapshots', 'snapshot'],
  ['sizes', 'sizes', 'sizes'],
  ['regions', 'regions', 'regions'],
  ['images/debian-13-x64', 'images', 'image'],
  ['tags', 'tags', 'tag'],
]

const digitalOcean: Row[] = [
  ...unreadable.map(
    ([path, name, scope]): Row => ({
      run: 'bootstrap.mts',
      behaviour: cloud({ forbidden: [`GET /v2/${path}$`] }),
      code: 1,
      found: [
        [
          `the DigitalOcean token may not read ${name}`,
          `Give it ${scope}:read, or full access (docs/setup.md lists the scopes).`,
        ],
      ],
    }),
  ),
  {
    run: 'bootstrap.mts',
    behaviour: cloud({ limits: { droplets: 1 } }),
    given: () =>
      box.cloud('POST', '/v2/droplets', {
        name: 'theirs',
        region: 'fra1',
        size: 's-1vcpu-2gb',
        image: 'debian-13-x64',
      }),
    code: 1,
    found: [['droplets: the account may have 1 and has 1, and 1 more must fit', raise('droplets')]],
  },
  {
    run: 'bootstrap.mts',
    behaviour: cloud({ limits: { volumes: 1 } }),
    given: () => box.cloud('POST', '/v2/volumes', { name: 'photos', region: 'fra1', size_gigabytes: 3 }),
    code: 1,
    found: [['volumes: the account may have 1 and has 1, and 1 more must fit', raise('volumes')]],
  },
  {
    run: 'bootstrap.mts',
    behaviour: cloud({ limits: { reservedIps: 1 } }),
    given: () => box.cloud('POST', '/v2/reserved_ips', { region: 'fra1' }),
    code: 1,
    found: [['reserved IPs: the account may have 1 and has 1, and 1 more must fit', raise('reserved IPs')]],
  },
  {
    run: 'bootstrap.mts',
    behaviour: cloud({ soldOut: ['s-1vcpu-2gb'] }),
    code: 1,
    found: [['size s-1vcpu-2gb cannot be had in fra1 now', sizes.replace(' s-1vcpu-2gb', '')]],
  },
  { run: 'bootstrap.mts --region xyz1', code: 2, found: [['DigitalOcean has no region xyz1', regions]] },
  { run: 'bootstrap.mts --region nyc1', code: 2, found: [['region nyc1 has no Spaces', regions]] },
  {
    run: 'bootstrap.mts --size s-8vcpu-640kb',
    code: 2,
    found: [['DigitalOcean has no size s-8vcpu-640kb', sizes]],
  },
  {
    run: 'bootstrap.mts --size s-1vcpu-1gb',
    code: 2,
    found: [['size s-1vcpu-1gb has 1024 MB of memory; a server needs 2,048', sizes]],
  },
  {
    run: 'bootstrap.mts --config image.yaml',
    given: () => box.file('image.yaml', 'image: debian-12-x64'),
    code: 2,
    found: [
      [
        'DigitalOcean has no image debian-12-x64',
        'Take debian-13-x64 or ubuntu-24-04-x64 (image in cluster.yaml).',
      ],
    ],
  },
  {
    run: 'bootstrap.mts --config range.yaml',
    given: () => box.file('range.yaml', 'network: {range: 10.42.16.0/20}'),
    code: 2,
    found: [
      [
        'network 10.42.16.0/20 meets the ranges of pods and services (10.42.0.0/16, 10.43.0.0/16)',
        'Choose another network.range in cluster.yaml, such as 10.110.0.0/20.',
      ],
    ],
  },
  {
    run: 'bootstrap.mts --config taken.yaml',
    given: async () => {
      box.file('taken.yaml', 'network: {range: 10.50.0.0/20}')
      await box.cloud('POST', '/v2/vpcs', { name: 'theirs', region: 'ams3', ip_range: '10.50.0.0/16' })
    },
    code: 1,
    found: [
      [
        'network 10.50.0.0/20 meets 10.50.0.0/16 of network theirs',
        'Choose another network.range for main-network in a --config file.',
      ],
    ],
  },
  {
    run: 'bootstrap.mts --config gone.yaml',
    given: () => box.file('gone.yaml', 'versions: {k3s: v9.9.9+k3s1}'),
    code: 1,
    found: [
      [
        `${mirror}/github.com/k3s-io/k3s/releases/download/v9.9.9%2Bk3s1/sha256sum-amd64.txt cannot be had: status 404`,
        'Check the network and versions in cluster.yaml, or name a mirror with REGROW_UPSTREAM_URL.',
      ],
    ],
  },
  {
    run: 'destroy.mts --yes',
    env: { REGROW_ANSWER: undefined },
    given: () =>
      box.cloud('POST', '/v2/projects', {
        name: 'regrow-main',
        purpose: 'mine',
        environment: 'Production',
      }),
    code: 2,
    says: ['nobody can be asked for the cluster’s name: this is no terminal', 'Add --confirm main.'],
  },
  {
    run: 'destroy.mts --yes --confirm mian',
    code: 2,
    says: ['“mian” is not main: nothing was removed', 'Give the name as it stands there: --confirm main.'],
  },
]

const github: Row[] = [
  {
    run: 'bootstrap.mts',
    behaviour: { githubScopes: 'read:user' },
    code: 1,
    found: [
      [
        'the GitHub token lacks the scope “repo” (it has: read:user)',
        'Make a classic token with “repo” at https://github.com/settings/tokens.',
      ],
    ],
  },
  {
    run: 'bootstrap.mts',
    behaviour: { githubMayCreate: false },
    code: 1,
    says: [
      'GitHub refused to create repository regrow-main: 403 Resource not accessible by personal access token',
      'Give the token the permission: classic “repo”, or fine-grained “Administration” and “Contents”, read and write (docs/setup.md).',
    ],
  },
  {
    run: 'bootstrap.mts --repo nobody/here',
    code: 1,
    says: [
      'GitHub refused to create repository nobody/here: 404 Not Found',
      'GitHub says so too where a token may not look: check the name, and the token’s permissions (docs/setup.md).',
    ],
  },
  {
    run: 'bootstrap.mts --repo bob/open',
    given: () => repository('open', {}, false),
    code: 1,
    found: [['repository bob/open is public', 'Make it private, or name another with --repo.']],
  },
  {
    run: 'bootstrap.mts --repo bob/blog',
    given: () => repository('blog', { 'index.html': '<p>' }),
    code: 1,
    found: [
      [
        'repository bob/blog holds something else (index.html)',
        'Name an empty one, or one that does not exist yet, with --repo.',
      ],
    ],
  },
  {
    run: 'bootstrap.mts --repo bob/torn',
    given: () => repository('torn', { 'clusters/main/cluster.yaml': 'region: [' }),
    code: 1,
    found: [
      [
        'bob/torn: clusters/main/cluster.yaml cannot be used: is no YAML: unexpected end of the stream within a flow collection (1:10)',
        keys,
      ],
    ],
  },
  {
    run: 'status.mts --repo bob/odd',
    given: () => repository('odd', { 'clusters/main/cluster.yaml': 'regoin: fra1\nnextNode: none' }),
    code: 1,
    found: [
      [
        'bob/odd: clusters/main/cluster.yaml cannot be used: nextNode “none” must be a number; has no key “regoin”, did you mean “region”?',
        keys,
      ],
    ],
  },
  {
    run: 'bootstrap.mts --repo bob/grown --region ams3 --size s-2vcpu-4gb',
    given: () => repository('grown', { 'clusters/main/cluster.yaml': 'region: fra1' }),
    code: 2,
    found: [
      [
        'cluster main is in fra1 and cannot move to ams3',
        'Bring a backup back in the other region: ./restore.mts --backup latest --as <name> --region …',
      ],
      ['cluster main has size s-1vcpu-2gb', './scale.mts --size s-2vcpu-4gb changes it.'],
    ],
  },
  {
    run: 'bootstrap.mts --repo bob/locked',
    given: locked,
    code: 1,
    says: [
      'bob/locked is locked by eve on far (bootstrap, process 7, since 2026-11-23T10:00:00Z)',
      'Wait for it. If that run is surely not going on any more: the same command with --steal-lock.',
    ],
  },
  {
    run: 'destroy.mts --repo bob/grown --with-repository',
    code: 1,
    found: [
      [
        'the GitHub token may not delete a repository: it lacks the scope “delete_repo” (it has: repo)',
        'Make a classic token with “repo” and “delete_repo”, or leave --with-repository away.',
      ],
    ],
  },
]

const stores = await otherStore()
const anotherStore: Row[] = [
  {
    run: 'bootstrap.mts --config b2.yaml',
    given: () => box.file('b2.yaml', other()),
    code: 2,
    found: [
      [
        'cluster.yaml names another store, and REGROW_STORE_KEY, REGROW_STORE_SECRET, REGROW_VELERO_KEY, REGROW_VELERO_SECRET are not set',
        'Two keys are needed there: yours for both buckets, the cluster’s for the backups’ bucket alone (docs/setup.md).',
      ],
    ],
  },
  {
    run: 'bootstrap.mts --config b3.yaml',
    given: () => box.file('b3.yaml', other().replace('my-kit', 'no-kit')),
    env: { ...stores.operator, ...stores.cluster },
    code: 1,
    found: [['bucket no-kit is not there', `Make it at ${store}.`]],
  },
  {
    run: 'bootstrap.mts --config b2.yaml',
    env: { ...stores.half, ...stores.cluster },
    code: 1,
    found: [
      [
        'the key in REGROW_STORE_KEY may not use bucket my-kit',
        `Give it to the key at ${store}, or name other buckets (store.velero, store.kit).`,
      ],
    ],
  },
  {
    run: 'bootstrap.mts --config b2.yaml',
    env: { ...stores.operator, ...stores.tooMuch },
    code: 1,
    found: [
      [
        'the key in REGROW_VELERO_KEY opens bucket my-kit too',
        `It will live in the cluster: make one at ${store} for my-velero alone.`,
      ],
    ],
  },
]

/** A text of cluster.yaml, and what is said of it. */
const descriptions: [string, string][] = [
  ['a: [', 'is no YAML: unexpected end of the stream within a flow collection (1:5)'],
  ['size: a\nsize: b', 'is no YAML: duplicated mapping key (2:1)'],
  ['- a\n- b', 'must be keys with values'],
  ['colour: red', 'has no key “colour”'],
  ['network: {rnage: 10.0.0.0/8}', 'network has no key “rnage”, did you mean “range”?'],
  ['nodes: [{nmae: main-1}]', 'nodes.0.name is missing; nodes.0 has no key “nmae”, did you mean “name”?'],
  ['cluster: 5', 'cluster “5” must be text'],
  [
    'cluster: Main',
    'cluster “Main” must start with a letter, have at most 20 of a-z, 0-9 and -, and not end with -',
  ],
  [
    'cluster: a12345678901234567890',
    'cluster “a12345678901234567890” must start with a letter, have at most 20 of a-z, 0-9 and -, and not end with -',
  ],
  ['region: frankfurt', 'region “frankfurt” is no region such as fra1'],
  ['size: S 1', 'size “S 1” is no size such as s-1vcpu-2gb'],
  ['image: Debian 13', 'image “Debian 13” is no image such as debian-13-x64'],
  ['datastore: mysql', 'datastore “mysql” must be one of sqlite, etcd'],
  ['nodes: main-1', 'nodes “main-1” must be a list'],
  ['nodes: [{name: main}]', 'nodes names main, which is not main-<a number below nextNode, 1>'],
  ['nodes: [{name: main-1, role: boss}]', 'nodes.0.role “boss” must be one of server, agent'],
  ['nextNode: 2\nnodes: [{name: main-1, role: agent}]', 'nodes begins with main-1, which is no server'],
  ['nextNode: 2\nnodes: [{name: main-1}, {name: main-1, role: agent}]', 'nodes names main-1 twice'],
  [
    'nextNode: 3\nnodes: [{name: main-1}, {name: main-2}]',
    'nodes has 2 servers; SQLite serves one, etcd several',
  ],
  ['nextNode: 0', 'nextNode “0” must be at least 1'],
  ['nextNode: 1.5', 'nextNode “1.5” must be a whole number'],
  ['network: {range: 10.0.0.0/33}', 'network.range “10.0.0.0/33” is no address range such as 203.0.113.7/32'],
  [
    'network: {range: 10.0.0.1/20}',
    'network.range “10.0.0.1/20” is no network: the address has bits beyond its prefix, or it is not IPv4',
  ],
  [
    'network: {range: 8.8.0.0/20}',
    'network.range “8.8.0.0/20” is not private: take one of 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16',
  ],
  [
    'network: {range: 10.0.0.0/8}',
    'network.range “10.0.0.0/8” has a size that DigitalOcean does not make: take /16 to /28',
  ],
  ['network: {adminCidrs: []}', 'network.adminCidrs must have at least 1'],
  [
    'network: {adminCidrs: [10.0.0.1]}',
    'network.adminCidrs.0 “10.0.0.1” is no address range such as 203.0.113.7/32',
  ],
  ['domain: localhost', 'domain “localhost” is no domain such as example.org'],
  ['email: me', 'email “me” is no e-mail address'],
  [
    'backups: {schedule: daily}',
    'backups.schedule “daily” is no cron schedule of five fields of numbers such as 17 3 * * *',
  ],
  [
    'backups: {schedule: 61 3 * * *}',
    'backups.schedule “61 3 * * *” is no cron schedule of five fields of numbers such as 17 3 * * *',
  ],
  [
    'backups: {schedule: 1 3 * * 7}',
    'backups.schedule “1 3 * * 7” is no cron schedule of five fields of numbers such as 17 3 * * *',
  ],
  ['backups: {keepDays: 0}', 'backups.keepDays “0” must be at least 1'],
  ['backups: {keepDays: 9999}', 'backups.keepDays “9999” must be at most 3650'],
  ['backups: {volumes: tape}', 'backups.volumes “tape” must be one of s3, snapshot'],
  [
    'backups: {volumes: snapshot, keepDays: 25}',
    'backups.keepDays “25” must be at most 24 with snapshots, less where several are taken a day: DigitalOcean keeps 25 a volume',
  ],
  [
    'store: {endpoint: "https://s3.example.org"}',
    'store needs region, velero and kit beside endpoint: you make the buckets there yourself',
  ],
  [
    'store: {endpoint: "ftp://x", region: eu-1, velero: one, kit: two}',
    'store.endpoint “ftp://x” is no address such as https://s3.example.org',
  ],
  [
    'store: {endpoint: "https://s3.example.org/a", region: eu-1, velero: one, kit: two}',
    'store.endpoint “https://s3.example.org/a” must have no path',
  ],
  ['store: {region: East One}', 'store.region “East One” is no region such as eu-central-1'],
  ['store: {velero: My_Bucket}', 'store.velero “My_Bucket” is no bucket’s name: 3 to 63 of a-z, 0-9 and -'],
  [
    'store: {velero: one, kit: one}',
    'store.kit “one” must be another bucket than velero: the cluster’s key may not open the kit',
  ],
  ['versions: {k3z: v1.2.3}', `versions.k3z “v1.2.3” is none of ${Object.keys(parts).join(', ')}`],
  ['versions: {k3s: latest}', 'versions.k3s “latest” is no exact version'],
  ['digests: {k3s: abc}', 'digests.k3s “abc” is no SHA-256: 64 of 0-9 and a-f'],
]

const described = descriptions.map(
  ([text, fault]): Row => ({
    run: 'bootstrap.mts --config wrong.yaml',
    given: () => box.file('wrong.yaml', text),
    code: 2,
    says: [`wrong.yaml cannot be used: ${fault}`, keys],
  }),
)

const rows = [
  ...commandLine,
  ...sealing,
  ...environment,
  ...digitalOcean,
  ...github,
  ...anotherStore,
  ...described,
]

/** What stderr ends with. */
function text({ says, found = [] }: Row): string {
  if (says) return `x ${says[0]}\n  → ${says[1]}\n`
  const head = `x ${found.length} problem${found.length === 1 ? '' : 's'} found\n`
  return head + found.map(([message, cure]) => `  • ${message}\n    → ${cure}\n`).join('')
}

/** A run in its own process, started beforehand where it waits long. */
async function apart({ run, env = {} }: Row) {
  const [script = '', ...words] = run.split(' ')
  const ended = await second.run(pathOf(script), words, { env })
  return { ...ended, code: ended.code ?? -1, changes: changesIn(ended.requests) }
}

const pathOf = (script: string) => (script === 'bootstrap.mts' ? script : `scripts/${script}`)

for (const row of rows.filter((one) => one.apart)) await row.given?.()
const started = new Map(rows.filter((one) => one.apart).map((row) => [row, apart(row)]))
for (const row of [...rows.filter((one) => !one.apart), ...started.keys()])
  await t.test(`${row.run}: ${(row.says ?? row.found?.[0])?.[0]}`, async (t) => {
    const [script = '', ...words] = row.run.split(' ')
    box.behave(row.behaviour ?? {})
    if (!row.apart) await row.given?.()
    const ended = (await started.get(row)) ?? (await attempt(box, pathOf(script), words, row.env))
    // Before it stands what was shown until then: a plan, or a step that only looked.
    t.equal(ended.err.slice(ended.err.search(/^x /m)), text(row))
    t.equal(ended.code, row.code)
    t.equal(ended.out, '')
    t.same(ended.changes, [])
  })

t.ok(rows.length >= 60, `${rows.length} rows`)

/** A repository of bob's with these files beside its README. */
async function repository(name: string, files: Record<string, string>, isPrivate = true): Promise<void> {
  await box.github('POST', '/user/repos', { name, private: isPrivate, auto_init: true })
  for (const [path, content] of Object.entries(files))
    await box.github('PUT', `/repos/bob/${name}/contents/${path}`, {
      message: 'Mine',
      content: Buffer.from(content).toString('base64'),
    })
}

/** A repository whose lock somebody has on another machine. */
async function locked(): Promise<void> {
  await repository('locked', { 'clusters/main/cluster.yaml': '' })
  const at = '/repos/bob/locked/git'
  const sha = z.object({ sha: z.string() })
  const { object } = z.object({ object: sha }).parse(await box.github('GET', `${at}/ref/heads/main`))
  const { tree } = z.object({ tree: sha }).parse(await box.github('GET', `${at}/commits/${object.sha}`))
  const process = { flow: 'bootstrap', who: 'eve', host: 'far', pid: 7, started: '1' }
  const holder = { state: 'held', ...process, at: '2026-11-23T10:00:00Z' }
  const message = `regrow lock\n\n${JSON.stringify(holder)}\n`
  const made = await box.github('POST', `${at}/commits`, { message, tree: tree.sha, parents: [] })
  await box.github('POST', `${at}/refs`, { ref: 'refs/regrow/lock', sha: sha.parse(made).sha })
}

function doctlOfAnotherAccount(): void {
  mkdirSync(join(box.dir, 'bin'))
  for (const name of ['doctl', 'kubectl', 'helm', 'velero'])
    chmodSync(box.file(`bin/${name}`, `#!/bin/sh\necho '{"team": {"uuid": "another"}}'\n`), 0o755)
}

/** Two buckets as a person makes them at another store, and keys of several reach. */
async function otherStore() {
  const keyFor = async (variables: [string, string], grants: [string, string][]) => {
    const made = await box.cloud('POST', '/v2/spaces/keys', {
      name: 'mine',
      grants: grants.map(([bucket, permission]) => ({ bucket, permission })),
    })
    const { key } = z
      .object({ key: z.object({ access_key: z.string(), secret_key: z.string() }) })
      .parse(made)
    return { [variables[0]]: key.access_key, [variables[1]]: key.secret_key }
  }
  const mine: [string, string] = ['REGROW_STORE_KEY', 'REGROW_STORE_SECRET']
  const clusters: [string, string] = ['REGROW_VELERO_KEY', 'REGROW_VELERO_SECRET']
  const whole = await keyFor(mine, [['', 'fullaccess']])
  const client = new S3Client({
    endpoint: store,
    region: 'eu-1',
    forcePathStyle: true,
    credentials: {
      accessKeyId: whole.REGROW_STORE_KEY ?? '',
      secretAccessKey: whole.REGROW_STORE_SECRET ?? '',
    },
  })
  for (const Bucket of ['my-velero', 'my-kit']) await client.send(new CreateBucketCommand({ Bucket }))
  client.destroy()
  const both: [string, string][] = [
    ['my-velero', 'readwrite'],
    ['my-kit', 'readwrite'],
  ]
  return {
    operator: await keyFor(mine, both),
    half: await keyFor(mine, both.slice(0, 1)),
    cluster: await keyFor(clusters, both.slice(0, 1)),
    tooMuch: await keyFor(clusters, both),
  }
}
