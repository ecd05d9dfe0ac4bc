import { box } from './boxes.ts'
import { cloud, type Row } from './row.ts'

const { REGROW_UPSTREAM_URL: mirror } = box.env
const sizes = 'For example: s-1vcpu-2gb s-2vcpu-2gb s-2vcpu-4gb s-4vcpu-8gb.'
const regions = 'Take one of ams3 blr1 fra1 lon1 nyc3 sfo2 sfo3 sgp1 syd1 tor1.'
const raise = 'Ask DigitalOcean to raise the limit.'

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

/** What the token may read, what the account allows and offers, and what stands in it already. */
export const digitalOcean: Row[] = [
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
    found: [['droplets: the account may have 1 and has 1, and 1 more must fit', raise]],
  },
  {
    run: 'bootstrap.mts',
    behaviour: cloud({ limits: { volumes: 1 } }),
    given: () => box.cloud('POST', '/v2/volumes', { name: 'photos', region: 'fra1', size_gigabytes: 3 }),
    code: 1,
    found: [['volumes: the account may have 1 and has 1, and 1 more must fit', raise]],
  },
  {
    run: 'bootstrap.mts',
    behaviour: cloud({ limits: { reservedIps: 1 } }),
    given: () => box.cloud('POST', '/v2/reserved_ips', { region: 'fra1' }),
    code: 1,
    found: [['reserved IPs: the account may have 1 and has 1, and 1 more must fit', raise]],
  },
  {
    run: 'bootstrap.mts',
    behaviour: cloud({ soldOut: ['s-1vcpu-2gb'] }),
    code: 1,
    found: [['size s-1vcpu-2gb is not available in fra1 now', sizes.replace(' s-1vcpu-2gb', '')]],
  },
  { run: 'bootstrap.mts --region xyz1', code: 2, found: [['DigitalOcean has no region xyz1', regions]] },
  { run: 'bootstrap.mts --region nyc1', code: 2, found: [['region nyc1 has no Spaces', regions]] },
  {
    run: 'bootstrap.mts --size s-8vcpu-640kb',
    code: 2,
    found: [['DigitalOcean has no size s-8vcpu-640kb', sizes]],
  },
  {
    run: 'bootstrap.mts --size s-2vcpu-4g',
    code: 2,
    found: [['DigitalOcean has no size s-2vcpu-4g', `Did you mean s-2vcpu-4gb? ${sizes}`]],
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
        `${mirror}/github.com/k3s-io/k3s/releases/download/v9.9.9%2Bk3s1/sha256sum-amd64.txt could not be fetched: status 404`,
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
        description: 'Grown by regrow: cluster main',
        purpose: 'mine',
        environment: 'Production',
      }),
    code: 2,
    says: ['cannot ask for the cluster’s name: not a terminal', 'Add --confirm main.'],
  },
  {
    run: 'destroy.mts --yes --confirm mian',
    code: 2,
    says: ['“mian” is not main: nothing was removed', 'Give the name as it stands there: --confirm main.'],
  },
]
