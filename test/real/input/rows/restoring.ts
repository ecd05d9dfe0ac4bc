import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { help } from '../../../input/rows/row.ts'
import { type Grown, noAnswer, type Row } from './row.ts'

// Wrong input to what brings a backup back.

export const beforeACluster: Row[] = [
  {
    run: 'restore.mts --bakcup latest',
    code: 2,
    says: ['--bakcup is not a flag of restore. Did you mean --backup?', help('restore')],
  },
  { run: 'restore.mts --backup', code: 2, says: ['--backup needs a value: --backup NAME', help('restore')] },
  { run: 'restore.mts --replace=yes', code: 2, says: ['--replace takes no value', help('restore')] },
  {
    run: 'restore.mts latest',
    code: 2,
    says: ['restore does not know what to do with “latest”', help('restore')],
  },
  {
    run: 'restore.mts --as copy --replace',
    code: 2,
    says: ['--replace and --as do not go together', 'Omit one of them.'],
  },
  {
    run: 'restore.mts --with-apps',
    code: 2,
    says: ['--with-apps works only with --as', 'Without --as the cluster comes back as Git describes it'],
  },
  {
    run: 'restore.mts --region nyc3',
    code: 2,
    says: ['--region works only with --as', 'Without --as the cluster comes back as Git describes it'],
  },
  {
    run: 'scripts/rehearse.mts --replace',
    code: 2,
    says: ['--replace is not a flag of rehearse.', help('rehearse')],
  },
  {
    run: 'restore.mts --backup latest',
    code: 1,
    says: ['there are no buckets regrow-main-', 'Nothing can be brought back without them.'],
  },
  {
    run: 'scripts/rehearse.mts',
    code: 1,
    says: ['there are no buckets regrow-main-', 'Nothing can be brought back without them.'],
  },
]

export function besideACluster({ spaces, bucket }: Grown): Row[] {
  const moved = (from: string, to: string) => renameSync(join(spaces, bucket, from), join(spaces, bucket, to))
  return [
    {
      run: 'restore.mts',
      code: 2,
      says: ['which backup?\n    main-first', 'Name it with --backup NAME'],
    },
    {
      run: 'restore.mts --backup hourly',
      code: 2,
      says: ['there is no backup “hourly”', 'Name one of these with --backup.'],
    },
    {
      run: 'restore.mts --backup 2020-02-30',
      code: 2,
      says: ['there is no backup of 2020-02-30', 'Name one of these with --backup.'],
    },
    {
      run: 'restore.mts --backup latest',
      code: 1,
      says: ['cluster main is alive: droplet main-1 is active', '--replace powers it off first'],
    },
    {
      run: 'restore.mts --backup latest --replace --yes --repo bob/elsewhere',
      code: 1,
      says: ['bob/elsewhere does not describe a cluster “main”', 'A restore needs the GitOps repository'],
    },
    {
      run: 'restore.mts --backup latest --replace',
      env: noAnswer,
      code: 2,
      says: ['cannot ask for confirmation: not a terminal', 'Add --yes'],
    },
    {
      run: 'restore.mts --backup latest --as main',
      code: 2,
      says: ['--as main is the name of the cluster itself', 'Give another name'],
    },
    {
      run: 'restore.mts --backup latest --as Copy',
      code: 2,
      says: ['“Copy” is not a name for a cluster', 'Take a letter first'],
    },
    {
      run: 'restore.mts --backup latest --as copy --region fra9',
      code: 2,
      says: ['DigitalOcean has no region fra9', 'Take one of ams3'],
    },
    {
      run: 'restore.mts --backup main-f --replace',
      given: () => moved('kopia/hello', 'kopia/elsewhere'),
      afterwards: () => moved('kopia/elsewhere', 'kopia/hello'),
      code: 1,
      says: [
        'claim hello/hello: its bytes are gone: kopia/hello/ in',
        'If the cluster still answers, take a whole one: ',
      ],
    },
    {
      run: 'scripts/rehearse.mts',
      env: noAnswer,
      code: 2,
      says: ['cannot ask for confirmation: not a terminal', 'Add --yes'],
    },
    {
      run: 'scripts/rehearse.mts --backup nightly',
      code: 2,
      says: ['there is no backup “nightly”', 'Name one of these with --backup.'],
    },
  ]
}
