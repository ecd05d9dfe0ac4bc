import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import t from 'tap'
import { z } from 'zod'
import type { LogEntry } from '../../../sandbox/world.ts'
import { confirmed, openTestBox, withBucket } from '../../flows/box.ts'

// Whose a bucket is, in a SIMULATED world: whoever writes Git may name any bucket of the account, and may get no more by it.

t.setTimeout(600_000)
const box = await openTestBox(t)
box.behave({ githubScopes: 'repo, delete_repo' })
const grown = await box.run('bootstrap.mts')
if (grown.code !== 0) throw new Error(grown.err)
const [ownVelero, ownKit] = ['velero', 'kit'].map((use) => withBucket(box.dir, `<${use} of main>`)) as [
  string,
  string,
]
const spaces = join(box.dir, '.sandbox', 'spaces')

const s3 = new S3Client({
  endpoint: box.env.AWS_ENDPOINT_URL ?? '',
  region: 'us-east-1',
  forcePathStyle: true,
  credentials: {
    accessKeyId: box.env.AWS_ACCESS_KEY_ID ?? '',
    secretAccessKey: box.env.AWS_SECRET_ACCESS_KEY ?? '',
  },
})
t.teardown(() => s3.destroy())
async function make(bucket: string, ...keys: string[]) {
  await s3.send(new CreateBucketCommand({ Bucket: bucket }))
  for (const Key of keys) await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: `theirs: ${Key}` }))
}
/** All that lies in a bucket. */
const content = (bucket: string) =>
  readdirSync(join(spaces, bucket), { recursive: true, withFileTypes: true })
    .filter((one) => one.isFile())
    .map((one) => join(one.parentPath, one.name))
    .toSorted()

const path = '/repos/bob/regrow-main/contents/clusters/main/cluster.yaml'
/** Commits other buckets, as whoever may write to Git could. */
async function gitNames(store: string) {
  const { sha, content } = z
    .object({ sha: z.string(), content: z.string() })
    .parse(await box.github('GET', path))
  const text = Buffer.from(content, 'base64').toString()
  const next = text.replace(/^store:.*(\n {2}.*)*/m, `store: ${store}`)
  await box.github('PUT', path, { message: 'store', sha, content: Buffer.from(next).toString('base64') })
}

/** What a run changed in buckets, and the keys that it got for some that are foreign and that open more than reading. */
const changesIn = (requests: readonly LogEntry[], buckets: readonly string[]) =>
  requests
    .filter(({ service, method }) => service === 'spaces' && method !== 'GET' && method !== 'HEAD')
    .filter((one) => buckets.some((bucket) => one.path.startsWith(`/${bucket}`)))
    .map((one) => `${one.method} ${one.path}`)
const grants = async () =>
  z
    .object({
      keys: z.array(z.object({ name: z.string(), grants: z.array(z.object({ bucket: z.string() })) })),
    })
    .parse(await box.cloud('GET', '/v2/spaces/keys?per_page=200'))
    .keys.flatMap((key) => key.grants.map((one) => `${key.name} ${one.bucket}`))

const foreign = ['customer-invoices', 'empty-one', 'other-velero', 'other-kit', ownKit]
const flows = [
  ['bootstrap.mts'],
  ['scale.mts', '--add', '1'],
  ['scripts/backup.mts'],
  ['restore.mts', '--backup', 'latest', '--replace'],
  ['scripts/rehearse.mts'],
  ['scripts/destroy.mts', '--with-backups', ...confirmed()],
] as const

t.test('Git’s word alone opens no bucket, writes into none and empties none', async (t) => {
  await make('customer-invoices', 'inv1.pdf', 'backups/inv2.pdf')
  await make('empty-one')
  await make('other-velero', 'backups/x/velero-backup.json')
  await make('other-kit', 'kit.json')
  const before = foreign.map(content)
  const others = foreign.slice(0, 4)
  for (const store of [
    '{kit: customer-invoices}',
    '{velero: customer-invoices}',
    '{velero: empty-one}',
    '{velero: other-velero}',
    '{kit: other-kit}',
    `{velero: ${ownKit}, kit: customer-invoices}`,
  ]) {
    await gitNames(store)
    for (const [script, ...words] of flows) {
      const ended = await box.run(script, [...words, ...(script.includes('backup.mts') ? [] : ['--yes'])])
      t.not(ended.code, 0, `${script} with ${store}`)
      t.match(ended.err, /bucket \S+ is not the one of cluster main/, `${script} with ${store}: ${ended.err}`)
      t.same(changesIn(ended.requests, others), [], `${script} with ${store}`)
    }
    t.same(foreign.map(content), before, store)
    const opened = (await grants()).filter((one) => others.some((bucket) => one.endsWith(` ${bucket}`)))
    t.same(opened, [], 'no key is left that opens it')
  }
  await gitNames('{kit: not-there}')
  const second = await box.run('bootstrap.mts')
  t.equal(second.code, 1)
  t.match(
    second.err,
    'the kit of cluster main is gone: its bucket is not there, and droplet main-1 of the cluster is there',
  )
  t.notOk(existsSync(join(spaces, 'not-there')), 'no second kit is made beside the machines')
  await gitNames('{}')
  t.equal((await box.run('scripts/status.mts')).code, 0)
})

t.test(
  'a living cluster of an earlier regrow, whose buckets have no mark, goes on and gets them',
  async (t) => {
    const marks = [ownVelero, ownKit].flatMap((name) =>
      ['@', '@meta'].map((end) => join(spaces, name, `regrow.json${end}`)),
    )
    t.ok(marks.every((one) => existsSync(one)))
    for (const one of marks) rmSync(one)
    for (const script of ['scripts/status.mts', 'scripts/backups.mts', 'scripts/kubeconfig.mts']) {
      const ended = await box.run(script)
      t.equal(ended.code, 0, ended.err)
    }
    t.notOk(
      marks.some((one) => existsSync(one)),
      'who only reads marks nothing',
    )
    const ended = await box.run('bootstrap.mts')
    t.equal(ended.code, 0, ended.err)
    t.match(ended.err, `~ bucket ${ownKit}  marked as cluster main’s`)
    t.ok(marks.every((one) => existsSync(one)))
    t.notMatch((await box.run('bootstrap.mts')).err, 'marked')
  },
)

t.test('a kit moves by a copy', async (t) => {
  await make('moved-kit')
  await gitNames('{kit: moved-kit}')
  const early = await box.run('bootstrap.mts', ['--adopt-buckets', 'moved-kit'])
  t.equal(early.code, 1, 'not even a bucket that the operator names is one for a second kit')
  t.match(
    early.err,
    'the kit of cluster main is gone: bucket moved-kit holds none, and droplet main-1 of the cluster is there',
  )
  t.same(
    content('moved-kit').map((one) => one.split('/').at(-1)),
    ['@bucket'],
  )
  for (const name of readdirSync(join(spaces, ownKit)).filter((one) => one !== '@bucket'))
    cpSync(join(spaces, ownKit, name), join(spaces, 'moved-kit', name), { recursive: true })
  const copied = await box.run('bootstrap.mts')
  t.equal(copied.code, 1)
  t.match(copied.err, `its mark is a copy of that in ${ownKit}`)
  for (const end of ['@', '@meta']) rmSync(join(spaces, 'moved-kit', `regrow.json${end}`))
  const moved = await box.run('bootstrap.mts')
  t.equal(moved.code, 0, moved.err)
  t.match(moved.err, '~ bucket moved-kit  marked as cluster main’s')
  await gitNames('{}')
})

t.test('destroy asks for both names, and comes back to what a killed run left', async (t) => {
  const [, , , velero, , kit] = confirmed().map((word) => withBucket(box.dir, word))
  const wrong = await box.run('scripts/destroy.mts', [
    ...[
      '--with-backups',
      '--yes',
      '--confirm',
      'main',
      '--confirm-backups',
      velero ?? '',
      '--confirm-kit',
      'x',
    ],
  ])
  t.equal(wrong.code, 2)
  t.match(wrong.err, `“x” is not ${kit}: nothing was removed`)
  const kill = new AbortController()
  const gone = box.once(
    ({ method, path }) => method === 'DELETE' && path.startsWith(`/${ownKit}/kit.json`),
    async () => kill.abort(),
  )
  await box.run('scripts/destroy.mts', ['--with-backups', '--yes', ...confirmed()], { kill: kill.signal })
  await gone
  const again = await box.run('scripts/destroy.mts', [
    ...['--with-backups', '--yes', '--confirm', 'main'],
    ...['--confirm-backups', ownVelero, '--confirm-kit', ownKit],
  ])
  t.equal(again.code, 0, again.err)
  for (const one of [ownVelero, ownKit]) t.notOk(existsSync(join(spaces, one)), one)
})

t.test('a bucket of just the name that regrow gives, made by somebody else before', async (t) => {
  await make(ownVelero, 'photos/1.jpg')
  const before = content(ownVelero)
  const ended = await box.run('bootstrap.mts')
  t.equal(ended.code, 1)
  t.match(
    ended.err,
    `bucket ${ownVelero} is not the one of cluster main for its backups: regrow did not make it`,
  )
  t.same(content(ownVelero), before)
  t.same((await box.cloud('GET', '/v2/droplets')).droplets, [])
})

t.test('buckets that a person made: taken over once they are named', async (t) => {
  await make('mine-velero')
  await make('mine-kit')
  await gitNames('{velero: mine-velero, kit: mine-kit}')
  const unnamed = await box.run('bootstrap.mts')
  t.equal(unnamed.code, 1)
  t.match(unnamed.err, /--adopt-buckets mine-kit.* takes it over/)
  const named = await box.run('bootstrap.mts', ['--adopt-buckets', 'mine-velero,mine-kit'])
  t.equal(named.code, 0, named.err)
  const again = await box.run('bootstrap.mts')
  t.equal(again.code, 0, again.err)
  const status = await box.run('scripts/status.mts')
  t.equal(status.code, 0, status.err + status.out)
})
