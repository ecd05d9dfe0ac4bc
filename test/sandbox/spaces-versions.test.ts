import {
  DeleteBucketCommand,
  GetObjectCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { Secret } from '../../lib/base/secret.ts'
import { connectStore, type Store } from '../../lib/clients/s3.ts'
import { listVersions } from '../../lib/clients/s3-versions.ts'
import { Faults } from '../../sandbox/faults.ts'
import { noMachines } from '../../sandbox/machines.ts'
import type { SpacesKey } from '../../sandbox/spaces/key.ts'
import { startSpaces } from '../../sandbox/spaces/start.ts'
import { openWorld } from '../../sandbox/world.ts'
import { key } from './spaces-ground.ts'

// The box's Spaces that keep versions, through our own client: SIMULATED.

const world = await openWorld(t.testdir(), { faults: new Faults(), machines: noMachines })
t.teardown(() => world.end())
const keys = {
  full: key('full', ['', 'fullaccess']),
  writer: key('writer', ['one', 'readwrite']),
  reader: key('reader', ['one', 'read']),
}
const { url } = await startSpaces(world, { keys: () => Object.values(keys) })
const as = ({ access_key, secret_key }: SpacesKey): Promise<Store> =>
  connectStore(url, 'fra1', { accessKey: access_key, secretKey: new Secret(secret_key) })
const [full, writer, reader] = await Promise.all([as(keys.full), as(keys.writer), as(keys.reader)])
const [one, seen] = [writer.bucket('one'), reader.bucket('one')]
const raw = new S3Client({
  endpoint: url,
  region: 'fra1',
  forcePathStyle: true,
  credentials: { accessKeyId: keys.full.access_key, secretAccessKey: keys.full.secret_key },
})
t.teardown(() => raw.destroy())
const textOf = async (name: string, version?: string) =>
  Buffer.from((await seen.get(name, version)) ?? '').toString()
const ages = async (prefix?: string) =>
  (await seen.versions(prefix)).map(
    ({ key: name, isDeletion, size }) => `${name} ${isDeletion ? 'deleted' : size}`,
  )
const refused = { code: 'AccessDenied', status: 403 }

await full.createBucket('one')
await one.put('before', 'old')

t.test('a key for one bucket may neither keep versions nor say for how long', async (t) => {
  for (const store of [writer, reader]) {
    await t.rejects(store.keepVersions('one'), refused)
    await t.rejects(store.expireVersions('one', 30), refused)
  }
  await one.put('gone', 'x')
  await one.remove('gone')
  t.strictSame(await ages(), ['before 3'], 'nothing is kept until it is asked for')
  await full.keepVersions('one')
  await full.expireVersions('one', 30)
})

t.test('what is deleted or overwritten stays behind it, and comes back by a copy on top', async (t) => {
  await one.put('before', 'newer')
  await one.put('a/b', 'first')
  await one.put('a/b', 'second one')
  await one.remove('a/b')
  t.equal(await one.get('a/b'), undefined)
  t.strictSame(await seen.list('a/'), [])
  t.strictSame(await ages(), ['a/b deleted', 'a/b 10', 'a/b 5', 'before 5', 'before 3'])
  const [mark, second, first] = await seen.versions('a/b')
  t.match(
    [mark, second],
    [
      { isLatest: true, isDeletion: true },
      { isLatest: false, isDeletion: false },
    ],
  )
  t.equal(await textOf('a/b', first?.id), 'first')
  await t.rejects(seen.get('a/b', mark?.id), /405/)
  t.equal(await textOf('before', 'null'), 'old', 'as it was before the bucket kept versions')
  await one.putBack('a/b', first?.id ?? '')
  t.equal(await textOf('a/b'), 'first')
  t.equal((await ages('a/b')).length, 4, 'nothing is lost by that')
  await t.rejects(seen.putBack('a/b', first?.id ?? ''), refused, 'a key that reads puts nothing back')
})

t.test('pages are put together', async (t) => {
  const page = (from: object) =>
    raw.send(new ListObjectVersionsCommand({ Bucket: 'one', MaxKeys: 2, ...from }))
  t.equal((await page({})).IsTruncated, true)
  t.strictSame(await listVersions('one', page), await seen.versions())
})

t.test('a version that is removed is gone; the newest of the others is the object again', async (t) => {
  const [newest, mark] = await seen.versions('a/b')
  await one.remove('a/b', newest?.id)
  t.equal(await one.get('a/b'), undefined, 'the mark counts again')
  await one.remove('a/b', mark?.id)
  t.equal(await textOf('a/b'), 'second one')
  await t.rejects(raw.send(new DeleteBucketCommand({ Bucket: 'one' })), { name: 'BucketNotEmpty' })
  const put = await raw.send(new PutObjectCommand({ Bucket: 'one', Key: 'named', Body: 'x' }))
  t.ok(put.VersionId)
  t.equal((await raw.send(new GetObjectCommand({ Bucket: 'one', Key: 'named' }))).VersionId, put.VersionId)
})

t.test('what a key for one bucket may do with versions is the world’s to say: nobody knows', async (t) => {
  const [, old] = await seen.versions('before')
  world.save('behaviour', { limitedKeyVersions: 'see' })
  await t.rejects(one.remove('before', old?.id), refused)
  t.equal(await textOf('before', old?.id), 'old')
  world.save('behaviour', { limitedKeyVersions: 'nothing' })
  for (const bucket of [one, seen]) await t.rejects(bucket.versions(), refused)
  await t.rejects(one.putBack('before', old?.id ?? ''), refused)
  world.save('behaviour', {})
  await t.rejects(seen.remove('before', old?.id), refused)
  await one.remove('before', old?.id)
})

t.test('they go when their time is over, and a mark with the last of them', async (t) => {
  await one.remove('a/b')
  const { now } = Date
  t.teardown(() => {
    Date.now = now
  })
  // A new client each time: the SDK follows the clock that answers show.
  const kept = async (days: number) => {
    Date.now = () => now() + days * 86_400_000
    return (await (await as(keys.reader)).bucket('one').versions('a/')).length
  }
  t.strictSame([await kept(0), await kept(29), await kept(31)], [3, 3, 0])
  Date.now = now
  t.equal(
    Buffer.from((await (await as(keys.reader)).bucket('one').get('before')) ?? '').toString(),
    'newer',
    'what is there now stays',
  )
})
