import { readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { z } from 'zod'
import { openTestBox } from '../../flows/box.ts'
import { attempt } from '../../input/attempt.ts'

// Wrong input to what brings back, what scales and what removes, one mistake a row, in a SIMULATED world: message, cure, exit code,
// and that nothing was changed.

t.setTimeout(600_000) // on a machine that may be busy
const box = await openTestBox(t)
const help = (command: string) => `--help lists what ${command} takes.`
const noAnswer = { REGROW_ANSWER: undefined }

interface Row {
  run: string
  code: 1 | 2
  /** The message, its cure, and what else. */
  says: string[]
  env?: Record<string, string | undefined>
  given?: () => unknown
  afterwards?: () => unknown
}

async function tell(rows: Row[]): Promise<void> {
  for (const row of rows)
    await t.test(row.run, async (t) => {
      await row.given?.()
      const [script = '', ...words] = row.run.split(' ')
      const ended = await attempt(box, script, words, row.env)
      await row.afterwards?.()
      t.equal(ended.code, row.code, ended.err)
      for (const said of row.says) t.ok(ended.err.includes(said), `${said}\n${ended.err}`)
      t.same(ended.changes, [])
    })
}

await tell([
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
    says: ['--replace and --as do not go together', 'Leave one of them away.'],
  },
  {
    run: 'restore.mts --with-apps',
    code: 2,
    says: [
      '--with-apps means something only with --as',
      'Without --as the cluster comes back as Git describes it',
    ],
  },
  {
    run: 'restore.mts --region nyc3',
    code: 2,
    says: [
      '--region means something only with --as',
      'Without --as the cluster comes back as Git describes it',
    ],
  },
  {
    run: 'scripts/rehearse.mts --replace',
    code: 2,
    says: ['--replace is not a flag of rehearse.', help('rehearse')],
  },
  {
    run: 'scripts/destroy.mts --confirm-backup x',
    code: 2,
    says: ['--confirm-backup is not a flag of destroy. Did you mean --confirm-backups?', help('destroy')],
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
  {
    run: 'scale.mts --add 0',
    code: 2,
    says: ['--add 0 is no number of machines', 'Take a whole number from 1 to 256.'],
  },
  {
    run: 'scale.mts --add -1',
    code: 2,
    says: ['--add -1 is no number of machines', 'Take a whole number from 1 to 256.'],
  },
  {
    run: 'scale.mts --add abc',
    code: 2,
    says: ['--add abc is no number of machines', 'Take a whole number from 1 to 256.'],
  },
  {
    run: 'scale.mts --add 1.5',
    code: 2,
    says: ['--add 1.5 is no number of machines', 'Take a whole number from 1 to 256.'],
  },
  {
    run: 'scale.mts --add 1e1',
    code: 2,
    says: ['--add 1e1 is no number of machines', 'Take a whole number from 1 to 256.'],
  },
  {
    run: 'scale.mts --add 257',
    code: 2,
    says: ['--add 257 is no number of machines', 'Take a whole number from 1 to 256.'],
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
    says: ['“boss” is no role', 'Take agent (runs pods) or server (takes part in etcd, too).'],
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
    says: ['“S-2VCPU” is no size', 'Write one such as s-2vcpu-4gb.'],
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
    says: ['“5” is no time', 'Write 90s, 10m or 1h; a day at most.'],
  },
  {
    run: 'scale.mts --drain-timeout 25h',
    code: 2,
    says: ['“25h” is no time', 'Write 90s, 10m or 1h; a day at most.'],
  },
  {
    run: 'scale.mts --add 1',
    code: 1,
    says: ['there are no buckets regrow-main-', './bootstrap.mts --name main grows it.'],
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
    says: ['--ttl month is no time to keep a backup', 'Write days or hours, such as 30d or 12h.'],
  },
  {
    run: 'scripts/backup.mts --volumes tape',
    code: 2,
    says: ['--volumes tape is not known', 'Take s3 (into the bucket) or snapshot (at DigitalOcean).'],
  },
])

const spaces = join(box.dir, '.sandbox', 'spaces')
let bucket = ''
await t.test('a cluster with a backup', async (t) => {
  const grown = await box.run('bootstrap.mts')
  t.equal(grown.code, 0, grown.err)
  bucket = readdirSync(spaces).find((name) => name.endsWith('-velero')) ?? ''
})
const twin = {
  name: 'main-1',
  region: 'fra1',
  size: 's-1vcpu-2gb',
  image: 'debian-13-x64',
  tags: ['regrow:main'],
}
let late = ''
const moved = (from: string, to: string) => renameSync(join(spaces, bucket, from), join(spaces, bucket, to))

await tell([
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
    says: ['nobody can be asked: this is no terminal', 'Add --yes'],
  },
  {
    run: 'restore.mts --backup latest --as main',
    code: 2,
    says: ['--as main is the name of the cluster itself', 'Give another name'],
  },
  {
    run: 'restore.mts --backup latest --as Copy',
    code: 2,
    says: ['“Copy” is no name for a cluster', 'Take a letter first'],
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
    says: ['the data of the volumes in hello is not in', 'Choose another backup'],
  },
  {
    run: 'scripts/rehearse.mts',
    env: noAnswer,
    code: 2,
    says: ['nobody can be asked: this is no terminal', 'Add --yes'],
  },
  {
    run: 'scripts/rehearse.mts --backup nightly',
    code: 2,
    says: ['there is no backup “nightly”', 'Name one of these with --backup.'],
  },
  {
    run: 'scripts/destroy.mts --with-backups --yes --confirm main',
    env: noAnswer,
    code: 2,
    says: [
      'nobody can be asked for the bucket’s name: this is no terminal',
      `Add --confirm-backups ${bucket}.`,
    ],
  },
  {
    run: 'scripts/destroy.mts --with-backups --yes --confirm main --confirm-backups main',
    env: noAnswer,
    code: 2,
    says: [`“main” is not ${bucket}: nothing was removed`, `--confirm-backups ${bucket}.`],
  },
  {
    run: 'scale.mts --remove main-9',
    code: 2,
    says: ['cluster main has no machine “main-9”', 'It has main-1.'],
  },
  {
    run: 'scale.mts --remove main-1',
    code: 2,
    says: [
      'main-1 would go, and a cluster needs a server',
      './scripts/destroy.mts removes the whole cluster.',
    ],
  },
  {
    run: 'scale.mts --replace main-1',
    code: 2,
    says: ['main-1 is the only server', './restore.mts --backup latest --replace grows a fresh one'],
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
      './scale.mts --add 255 fills it',
    ],
  },
  {
    run: 'scale.mts --add 1 --role server',
    code: 2,
    says: [
      'this cluster keeps its objects in SQLite',
      './scale.mts --ha makes three servers with etcd of it',
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
    says: ['nobody can be asked: this is no terminal', 'Add --yes'],
  },
  {
    run: 'scale.mts --add 2',
    given: async () => {
      const { droplet } = await box.cloud('POST', '/v2/droplets', twin)
      late = z.object({ id: z.number().transform(String) }).parse(droplet).id
    },
    afterwards: () => box.cloud('DELETE', `/v2/droplets/${late}`),
    code: 1,
    says: [
      'there are 2 droplets named main-1, and only one is wanted',
      'No address leads to the other, and it has no volume: doctl compute droplet delete 4',
    ],
  },
  {
    run: 'scale.mts --add 1 --repo bob/elsewhere',
    code: 1,
    says: ['bob/elsewhere does not describe a cluster “main”', 'Name its repository with --repo'],
  },
  {
    run: 'scripts/backup.mts --backup main-first --volumes snapshot',
    code: 2,
    says: ['there is a backup main-first already', 'Choose another name with --backup.'],
  },
])
