import { z } from 'zod'
import { type Grown, noAnswer, type Row } from './row.ts'

// Wrong input to what changes a cluster's shape.

export const beforeACluster: Row[] = [
  {
    run: 'scale.mts --add 0',
    code: 2,
    says: ['--add 0 is not a number of machines', 'Take a whole number from 1 to 256.'],
  },
  {
    run: 'scale.mts --add -1',
    code: 2,
    says: ['--add -1 is not a number of machines', 'Take a whole number from 1 to 256.'],
  },
  {
    run: 'scale.mts --add abc',
    code: 2,
    says: ['--add abc is not a number of machines', 'Take a whole number from 1 to 256.'],
  },
  {
    run: 'scale.mts --add 1.5',
    code: 2,
    says: ['--add 1.5 is not a number of machines', 'Take a whole number from 1 to 256.'],
  },
  {
    run: 'scale.mts --add 1e1',
    code: 2,
    says: ['--add 1e1 is not a number of machines', 'Take a whole number from 1 to 256.'],
  },
  {
    run: 'scale.mts --add 257',
    code: 2,
    says: ['--add 257 is not a number of machines', 'Take a whole number from 1 to 256.'],
  },
  {
    run: 'scale.mts --add',
    code: 2,
    says: ['--add needs a value: --add N', '--help lists what scale takes.'],
  },
  {
    run: 'scale.mts --ad 1',
    code: 2,
    says: ['--ad is not a flag of scale. Did you mean --add?', '--help lists what scale takes.'],
  },
  {
    run: 'scale.mts 3',
    code: 2,
    says: ['scale does not know what to do with “3”', '--help lists what scale takes.'],
  },
  {
    run: 'scale.mts --ha=yes',
    code: 2,
    says: ['--ha takes no value', '--help lists what scale takes.'],
  },
  {
    run: 'scale.mts --add 1 --remove main-2',
    code: 2,
    says: ['--add and --remove are two things', 'Do one after the other.'],
  },
  {
    run: 'scale.mts --replace main-2 --ha',
    code: 2,
    says: ['--replace and --ha are two things', 'Do one after the other.'],
  },
  {
    run: 'scale.mts --role agent',
    code: 2,
    says: ['--role belongs to --add', '--help lists what scale takes.'],
  },
  {
    run: 'scale.mts --add 1 --role boss',
    code: 2,
    says: ['“boss” is not a role', 'Take agent (runs pods) or server (takes part in etcd, too).'],
  },
  {
    run: 'scale.mts --ha --size s-2vcpu-4gb',
    code: 2,
    says: ['--size belongs to --add, or stands alone', '--help lists what scale takes.'],
  },
  {
    run: 'scale.mts --add 1 --node main-1',
    code: 2,
    says: ['--node belongs to --size', '--help lists what scale takes.'],
  },
  {
    run: 'scale.mts --size S-2VCPU',
    code: 2,
    says: ['“S-2VCPU” is not a size', 'Write one such as s-2vcpu-4gb.'],
  },
  {
    run: 'scale.mts --remove main-2,,main-3',
    code: 2,
    says: ['--remove names nothing', 'Write --remove NAME[,NAME].'],
  },
  {
    run: 'scale.mts --remove main-2,main-2',
    code: 2,
    says: ['--remove names main-2 twice', '--help lists what scale takes.'],
  },
  {
    run: 'scale.mts --drain-timeout 5',
    code: 2,
    says: ['“5” is not a time', 'Write 90s, 10m or 1h; a day at most.'],
  },
  {
    run: 'scale.mts --drain-timeout 25h',
    code: 2,
    says: ['“25h” is not a time', 'Write 90s, 10m or 1h; a day at most.'],
  },
  {
    run: 'scale.mts --add 1',
    code: 1,
    says: ['there are no buckets regrow-main-', 'bootstrap.mts --name main --sandbox grows it.'],
  },
]

const twin = {
  name: 'main-1',
  region: 'fra1',
  size: 's-1vcpu-2gb',
  image: 'debian-13-x64',
  tags: ['regrow:main'],
}

export function besideACluster({ cloud }: Grown): Row[] {
  let late = ''
  return [
    {
      run: 'scale.mts --remove main-9',
      code: 2,
      says: ['cluster main has no machine “main-9”', 'It has main-1.'],
    },
    {
      run: 'scale.mts --remove main-1',
      code: 2,
      says: ['main-1 would go, and a cluster needs a server', 'remove the whole cluster: '],
    },
    {
      run: 'scale.mts --replace main-1',
      code: 2,
      says: [
        'main-1 is the only server',
        'restore.mts --name main --backup latest --replace --sandbox grows a fresh one',
      ],
    },
    {
      run: 'scale.mts --size s-1vcpu-1gb',
      code: 2,
      says: [
        'size s-1vcpu-1gb has 1024 MB of memory; a server needs 2,048',
        'For example: s-1vcpu-2gb s-2vcpu-2gb s-2vcpu-4gb s-4vcpu-8gb.',
        'main-1 has a disk of 50 GiB and cannot become s-1vcpu-1gb, which has 25',
      ],
    },
    {
      run: 'scale.mts --size s-9vcpu-9gb',
      code: 2,
      says: [
        'DigitalOcean has no size s-9vcpu-9gb',
        'For example: s-1vcpu-2gb s-2vcpu-2gb s-2vcpu-4gb s-4vcpu-8gb.',
      ],
    },
    {
      run: 'scale.mts --size s-2vcpu-4gb --node main-9',
      code: 2,
      says: ['cluster main has no machine “main-9”', 'It has main-1.'],
    },
    {
      run: 'scale.mts --add 30',
      code: 1,
      says: [
        'droplets: the account may have 25 and has 1, and 30 more must fit',
        'Ask DigitalOcean to raise the limit',
      ],
    },
    {
      run: 'scale.mts --add 256',
      code: 2,
      says: [
        'a cluster has 256 machines at most: each takes a /24 of 10.42.0.0/16',
        'scale.mts --name main --add 255 --sandbox fills it',
      ],
    },
    {
      run: 'scale.mts --add 1 --role server',
      code: 2,
      says: [
        'this cluster keeps its objects in SQLite',
        'scale.mts --name main --ha --sandbox makes three servers with etcd of it',
      ],
    },
    {
      run: 'scale.mts --add 1 --size s-1vcpu-512mb-10gb',
      code: 2,
      says: [
        'size s-1vcpu-512mb-10gb has 512 MB of memory; an agent needs 1,024',
        'For example: s-1vcpu-2gb s-2vcpu-2gb s-2vcpu-4gb s-4vcpu-8gb.',
      ],
    },
    {
      run: 'scale.mts --add 1',
      code: 2,
      env: noAnswer,
      says: ['cannot ask for confirmation: not a terminal', 'Add --yes'],
    },
    {
      run: 'scale.mts --add 2',
      given: async () => {
        const { droplet } = await cloud('POST', '/v2/droplets', twin)
        late = z.object({ id: z.number().transform(String) }).parse(droplet).id
      },
      afterwards: () => cloud('DELETE', `/v2/droplets/${late}`),
      code: 1,
      says: [
        'x 1 problem found', // the one that is in use is not named as one to stop
        'there are 2 droplets named main-1, and only one is wanted',
        'No address leads to the other, and it has no volume. ',
        'doctl compute droplet-action shutdown 4',
      ],
    },
    {
      run: 'scale.mts --add 1 --repo bob/elsewhere',
      code: 1,
      says: ['bob/elsewhere does not describe a cluster “main”', 'Name its repository with --repo'],
    },
  ]
}
