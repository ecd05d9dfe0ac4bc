import { help } from '../../../input/rows/row.ts'
import { type Grown, noAnswer, type Row } from './row.ts'

// Wrong input to what takes backups, lists them and removes a cluster.

export const beforeACluster: Row[] = [
  {
    run: 'scripts/destroy.mts --confirm-backup x',
    code: 2,
    says: ['--confirm-backup is not a flag of destroy. Did you mean --confirm-backups?', help('destroy')],
  },
  {
    run: 'scripts/backups.mts --all',
    code: 2,
    says: ['--all is not a flag of backups.', help('backups')],
  },
  {
    run: 'scripts/backups.mts',
    code: 1,
    says: ['there are no buckets regrow-main-', 'Nothing can be brought back without them.'],
  },
  {
    run: 'scripts/backup.mts --ttl month',
    code: 2,
    says: ['--ttl month is not a time to keep a backup', 'Write days or hours, such as 30d or 12h.'],
  },
  {
    run: 'scripts/backup.mts --volumes tape',
    code: 2,
    says: ['--volumes tape is not known', 'Take s3 (into the bucket) or snapshot (at DigitalOcean).'],
  },
]

export const besideACluster = ({ bucket }: Grown): Row[] => [
  {
    run: 'scripts/destroy.mts --with-backups --yes --confirm main',
    env: noAnswer,
    code: 2,
    says: ['cannot ask for the bucket’s name: not a terminal', `Add --confirm-backups ${bucket}.`],
  },
  {
    run: 'scripts/destroy.mts --with-backups --yes --confirm main --confirm-backups main',
    env: noAnswer,
    code: 2,
    says: [`“main” is not ${bucket}: nothing was removed`, `--confirm-backups ${bucket}.`],
  },
  {
    run: 'scripts/backup.mts --backup main-first --volumes snapshot',
    code: 2,
    says: ['there is a backup main-first already', 'Choose another name with --backup.'],
  },
]
