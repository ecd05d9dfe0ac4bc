import { readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openTestBox } from '../flows/box.ts'
import { attempt } from './attempt.ts'

// Wrong input to what brings back and what removes, one mistake a row, in a SIMULATED world: message, cure, exit code,
// and that nothing was changed.

t.setTimeout(600_000) // on a machine that may be busy
const box = await openTestBox(t)
const help = (command: string) => `--help lists what ${command} takes.`
const noAnswer = { REGROW_ANSWER: undefined }

interface Row {
  run: string
  code: 1 | 2
  says: [message: string, cure: string]
  env?: Record<string, string | undefined>
  given?: () => void
  afterwards?: () => void
}

async function tell(rows: Row[]): Promise<void> {
  for (const row of rows)
    await t.test(row.run, async (t) => {
      row.given?.()
      const [script = '', ...words] = row.run.split(' ')
      const ended = await attempt(box, script, words, row.env)
      row.afterwards?.()
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
])

const spaces = join(box.dir, '.sandbox', 'spaces')
let bucket = ''
await t.test('a cluster with a backup', async (t) => {
  const grown = await box.run('bootstrap.mts')
  t.equal(grown.code, 0, grown.err)
  bucket = readdirSync(spaces).find((name) => name.endsWith('-velero')) ?? ''
})
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
])
