import { spawn, spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { Faults } from '../../../sandbox/faults.ts'
import { noMachines } from '../../../sandbox/machines.ts'
import type { SpacesKey } from '../../../sandbox/spaces/key.ts'
import { startSpaces } from '../../../sandbox/spaces/start.ts'
import { openWorld } from '../../../sandbox/world.ts'
import { key } from '../../sandbox/spaces-ground.ts'
import { run } from '../../sandbox/tools-ground.ts'

// REAL: rclone, whose S3 client is another than the one regrow uses, against the box's Spaces.

const found = spawnSync('which', ['rclone'], { encoding: 'utf8' }).stdout.trim()
const skip = found === '' && 'NOT WITNESSED: rclone is not installed here'
t.setTimeout(300_000)

const folder = t.testdir({ world: {} })
const world = await openWorld(join(folder, 'world'), { faults: new Faults(), machines: noMachines })
t.teardown(() => world.end())
const full = key('full', ['', 'fullaccess'])
const writer = key('writer', ['one', 'readwrite'])
const reader = key('reader', ['one', 'read'])
const { url } = await startSpaces(world, { keys: () => [full, writer, reader] })

/** rclone with one key and no attempts but the first. */
function rclone(one: SpacesKey, ...words: string[]) {
  const env = {
    HOME: folder,
    RCLONE_CONFIG: '/dev/null',
    RCLONE_CONFIG_BOX_TYPE: 's3',
    // As DigitalOcean it would put the bucket before the host's name, which here is an address.
    RCLONE_CONFIG_BOX_PROVIDER: 'Minio',
    RCLONE_CONFIG_BOX_ENDPOINT: url,
    RCLONE_CONFIG_BOX_ACCESS_KEY_ID: one.access_key,
    RCLONE_CONFIG_BOX_SECRET_ACCESS_KEY: one.secret_key,
    // A key for one bucket may not try to make it.
    RCLONE_CONFIG_BOX_NO_CHECK_BUCKET: String(one !== full),
    RCLONE_RETRIES: '1',
    RCLONE_LOW_LEVEL_RETRIES: '1',
  }
  return run(join(found, '..'), ['rclone', ...words], env, { cwd: folder })
}
const requests = () => readFileSync(join(folder, 'world', 'requests.jsonl'), 'utf8')
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

t.test('buckets, files, copies on the server, moves and deletions', { skip }, async (t) => {
  for (const bucket of ['one', 'two']) t.equal((await rclone(full, 'mkdir', `box:${bucket}`)).code, 0)
  writeFileSync(join(folder, 'ü +(1)&.txt'), 'hello')
  t.match(await rclone(writer, 'copy', 'ü +(1)&.txt', 'box:one/a b'), { code: 0, err: '' })
  t.equal((await rclone(writer, 'cat', 'box:one/a b/ü +(1)&.txt')).out, 'hello')
  t.match(await rclone(writer, 'check', 'ü +(1)&.txt', 'box:one/a b'), { code: 0 }, 'the same MD5')
  t.match(await rclone(writer, 'copyto', 'box:one/a b/ü +(1)&.txt', 'box:one/copy'), { code: 0, err: '' })
  t.match(await rclone(writer, 'moveto', 'box:one/copy', 'box:one/moved'), { code: 0, err: '' })
  t.equal((await rclone(writer, 'lsf', 'box:one')).out, 'a b/\nmoved\n')
  t.match(await rclone(writer, 'delete', 'box:one'), { code: 0, err: '' })
  t.equal((await rclone(writer, 'lsf', '-R', '--files-only', 'box:one')).out, '')
})

t.test('a file in parts, and ranges of it', { skip }, async (t) => {
  const bytes = randomBytes(12 * 1024 * 1024 + 7)
  writeFileSync(join(folder, 'big'), bytes)
  const parts = ['--s3-upload-cutoff', '5M', '--s3-chunk-size', '5M']
  t.match(await rclone(writer, 'copyto', ...parts, 'big', 'box:one/big'), { code: 0, err: '' })
  const numbers = [...requests().matchAll(/one\/big\?[^"]*partNumber=(\d+)/g)].map(([, number]) => number)
  t.same(numbers.sort(), ['1', '2', '3'])
  t.equal((await rclone(writer, 'copyto', 'box:one/big', 'back')).code, 0)
  t.equal(sha256(readFileSync(join(folder, 'back'))), sha256(bytes))
  const end = bytes.subarray(-5).toString('base64')
  writeFileSync(join(folder, 'text'), '0123456789')
  await rclone(writer, 'copyto', 'text', 'box:one/text')
  t.equal((await rclone(writer, 'cat', 'box:one/text', '--offset', '2', '--count', '3')).out, '234')
  t.equal((await rclone(writer, 'cat', 'box:one/text', '--tail', '2')).out, '89')
  const piped = await rclone(writer, 'copyto', 'box:one/big', 'streams', '--multi-thread-cutoff', '1M')
  t.equal(piped.code, 0, 'in several streams, each a range')
  t.equal(readFileSync(join(folder, 'streams')).subarray(-5).toString('base64'), end)
})

t.test('a listing of several pages', { skip }, async (t) => {
  const names = Array.from({ length: 7 }, (_, n) => `l/${n % 2}/${n}`)
  for (const name of names) await rclone(writer, 'copyto', 'text', `box:one/${name}`)
  const listed = await rclone(
    writer,
    'lsf',
    '-R',
    '--files-only',
    '--fast-list',
    '--s3-list-chunk',
    '2',
    'box:one/l',
  )
  t.same(listed.out.trim().split('\n').sort(), names.map((name) => name.slice(2)).sort())
  const pages = [...requests().matchAll(/max-keys=2/g)].length
  t.ok(pages >= 4, `${pages} pages`)
})

t.test(
  'a wrong secret, a wrong grant and a key that is none are refused, each by its name',
  { skip },
  async (t) => {
    const refused = async (one: SpacesKey, words: string[], code: RegExp) => {
      const said = await rclone(one, ...words)
      t.not(said.code, 0)
      t.match(said.err, code)
    }
    await refused({ ...writer, secret_key: 'wrong' }, ['cat', 'box:one/text'], /403|Forbidden/)
    await refused({ ...writer, secret_key: 'wrong' }, ['lsf', 'box:one'], /SignatureDoesNotMatch/)
    await refused(key('nobody'), ['lsf', 'box:one'], /InvalidAccessKeyId/)
    await refused(writer, ['lsf', 'box:two'], /AccessDenied/)
    await refused(reader, ['copyto', 'text', 'box:one/mine'], /AccessDenied/)
    await refused(reader, ['deletefile', 'box:one/text'], /AccessDenied/)
    t.equal((await rclone(reader, 'cat', 'box:one/text')).out, '0123456789')
  },
)

t.test('a signed URL opens one object for a time', { skip }, async (t) => {
  const link = async (seconds: number) =>
    (await rclone(writer, 'link', 'box:one/text', '--expire', `${seconds}s`)).out.trim()
  const [long, short] = await Promise.all([link(600), link(1)])
  t.match(long, /X-Amz-Expires=600/)
  t.equal(await (await fetch(long)).text(), '0123456789')
  t.equal((await fetch(long.replace('/text?', '/big?'))).status, 403)
  await sleep(2100)
  const late = await fetch(short)
  t.equal(late.status, 403)
  t.match(await late.text(), 'Request has expired')
})

// The AWS command line uses a third client (botocore); it is tried where it happens to be installed.
const aws = spawnSync('which', ['aws'], { encoding: 'utf8' }).stdout.trim()
t.test(
  'aws s3 lists, copies and is refused',
  { skip: aws === '' && 'NOT WITNESSED: aws is not installed here' },
  async (t) => {
    const ask = (one: SpacesKey, words: string[]) =>
      new Promise<{ code: number | null; said: string }>((done) => {
        const env = {
          PATH: process.env.PATH,
          HOME: process.env.HOME,
          AWS_ENDPOINT_URL: url,
          AWS_ACCESS_KEY_ID: one.access_key,
          AWS_SECRET_ACCESS_KEY: one.secret_key,
          AWS_DEFAULT_REGION: 'fra1',
          AWS_MAX_ATTEMPTS: '1',
        }
        const child = spawn(aws, words, { cwd: folder, env })
        let said = ''
        for (const pipe of [child.stdout, child.stderr]) pipe.on('data', (chunk) => (said += chunk))
        child.once('close', (code) => done({ code, said }))
      })
    t.match(await ask(full, ['s3', 'ls']), { code: 0, said: / one\n.* two\n/ })
    t.match(await ask(writer, ['s3', 'cp', 'text', 's3://one/by-aws']), { code: 0 })
    t.match(await ask(writer, ['s3', 'ls', 's3://one/']), { code: 0, said: / 10 by-aws\n/ })
    t.match(await ask(writer, ['s3', 'ls', 's3://two/']), { code: /25[45]/, said: /AccessDenied/ })
  },
)
