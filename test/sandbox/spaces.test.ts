import { createHash } from 'node:crypto'
import { request } from 'node:http'
import { Readable } from 'node:stream'
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketCorsCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketLocationCommand,
  GetBucketPolicyCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import t from 'tap'
import { Faults } from '../../sandbox/faults.ts'
import { noMachines } from '../../sandbox/machines.ts'
import { readBody } from '../../sandbox/spaces/body.ts'
import type { SpacesKey } from '../../sandbox/spaces/key.ts'
import { startSpaces } from '../../sandbox/spaces/start.ts'
import { openWorld } from '../../sandbox/world.ts'
import { key } from './spaces-ground.ts'

const world = await openWorld(t.testdir(), { faults: new Faults(), machines: noMachines })
t.teardown(() => world.end())

const full = key('full', ['', 'fullaccess'])
const writer = key('writer', ['one', 'readwrite'])
const reader = key('reader', ['one', 'read'])
const other = key('other', ['two', 'readwrite'])
const keys = [full, writer, reader, other]
const { url } = await startSpaces(world, { keys: () => keys })

function client(one: SpacesKey, config: S3ClientConfig = {}): S3Client {
  const made = new S3Client({
    endpoint: url,
    region: 'fra1',
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: { accessKeyId: one.access_key, secretAccessKey: one.secret_key },
    ...config,
  })
  t.teardown(() => made.destroy())
  return made
}
const s3 = client(writer)
const at = { Bucket: 'one' }

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work
    return 'no error'
  } catch (error) {
    const { name, $metadata } = error as { name: string; $metadata?: { httpStatusCode?: number } }
    return `${$metadata?.httpStatusCode} ${name}`
  }
}
const text = async (one: S3Client, Key: string, more: { Range?: string } = {}) =>
  (await one.send(new GetObjectCommand({ ...at, Key, ...more }))).Body?.transformToString()

const maker = client(full, { region: 'us-east-1' })
await maker.send(new CreateBucketCommand({ Bucket: 'one' }))
await maker.send(new CreateBucketCommand({ Bucket: 'two' }))

t.test('objects are put, read, looked at, copied and removed', async (t) => {
  const Key = 'a b/ü+(1)&.txt'
  const put = await s3.send(
    new PutObjectCommand({ ...at, Key, Body: 'hello', ContentType: 'text/x', Metadata: { who: 'me' } }),
  )
  t.equal(put.ETag, `"${createHash('md5').update('hello').digest('hex')}"`)
  t.equal(await text(s3, Key), 'hello')
  const head = await s3.send(new HeadObjectCommand({ ...at, Key }))
  t.match(head, { ContentLength: 5, ContentType: 'text/x', ETag: put.ETag, Metadata: { who: 'me' } })
  const CopySource = encodeURIComponent(`one/${Key}`)
  await s3.send(new CopyObjectCommand({ ...at, Key: 'copy', CopySource }))
  t.equal(await text(s3, 'copy'), 'hello')
  t.match(await s3.send(new HeadObjectCommand({ ...at, Key: 'copy' })), { ContentType: 'text/x' })
  await s3.send(new DeleteObjectCommand({ ...at, Key }))
  t.equal(await codeOf(text(s3, Key)), '404 NoSuchKey')
  t.equal(await codeOf(s3.send(new HeadObjectCommand({ ...at, Key }))), '404 NotFound')
})

t.test('an object and a folder may have the same name', async (t) => {
  await s3.send(new PutObjectCommand({ ...at, Key: 'same', Body: 'file' }))
  await s3.send(new PutObjectCommand({ ...at, Key: 'same/../deep', Body: 'below' }))
  t.equal(await text(s3, 'same'), 'file')
  const { Contents } = await s3.send(new ListObjectsV2Command({ ...at, Prefix: 'same' }))
  t.strictSame(
    Contents?.map((one) => one.Key),
    ['same', 'same/../deep'],
  )
})

t.test('ranges and conditions', async (t) => {
  const put = await s3.send(new PutObjectCommand({ ...at, Key: 'ten', Body: '0123456789' }))
  t.equal(await text(s3, 'ten', { Range: 'bytes=2-4' }), '234')
  t.equal(await text(s3, 'ten', { Range: 'bytes=7-' }), '789')
  t.equal(await text(s3, 'ten', { Range: 'bytes=-2' }), '89')
  t.equal(await codeOf(text(s3, 'ten', { Range: 'bytes=10-' })), '416 InvalidRange')
  const got = await s3.send(new GetObjectCommand({ ...at, Key: 'ten', Range: 'bytes=0-99' }))
  t.match(got, { ContentRange: 'bytes 0-9/10', ContentLength: 10 })
  const again = new GetObjectCommand({ ...at, Key: 'ten', IfNoneMatch: put.ETag })
  t.match(await codeOf(s3.send(again)), /^304 /)
  const once = new PutObjectCommand({ ...at, Key: 'ten', Body: 'x', IfNoneMatch: '*' })
  t.equal(await codeOf(s3.send(once)), '412 PreconditionFailed')
})

t.test('listing pages, with and without folders', async (t) => {
  const names = ['l/a', 'l/b/1', 'l/b/2', 'l/c/1', 'l/d']
  for (const Key of names) await s3.send(new PutObjectCommand({ ...at, Key, Body: '' }))
  const seen: string[] = []
  let ContinuationToken: string | undefined
  do {
    const page = await s3.send(
      new ListObjectsV2Command({
        ...at,
        Prefix: 'l/',
        Delimiter: '/',
        MaxKeys: 1,
        ...(ContinuationToken ? { ContinuationToken } : {}),
      }),
    )
    t.equal(page.KeyCount, 1)
    seen.push(
      ...[
        ...(page.Contents ?? []).map((one) => one.Key),
        ...(page.CommonPrefixes ?? []).map((one) => one.Prefix),
      ].map(String),
    )
    ContinuationToken = page.NextContinuationToken
  } while (ContinuationToken)
  t.strictSame(seen, ['l/a', 'l/b/', 'l/c/', 'l/d'])
  const v1 = await s3.send(new ListObjectsCommand({ ...at, Prefix: 'l/', Marker: 'l/b/1', MaxKeys: 2 }))
  t.strictSame([v1.Contents?.map((one) => one.Key), v1.IsTruncated], [['l/b/2', 'l/c/1'], true])
  await s3.send(new DeleteObjectsCommand({ ...at, Delete: { Objects: names.map((Key) => ({ Key })) } }))
  t.equal((await s3.send(new ListObjectsV2Command({ ...at, Prefix: 'l/' }))).KeyCount, 0)
})

t.test('an upload in parts', async (t) => {
  const Key = 'parts'
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ ...at, Key }))
  const part = async (PartNumber: number, Body: Buffer) => {
    const { ETag } = await s3.send(new UploadPartCommand({ ...at, Key, UploadId, PartNumber, Body }))
    return { PartNumber, ETag }
  }
  const first = await part(1, Buffer.alloc(5 * 1024 * 1024, 'a'))
  const last = await part(2, Buffer.from('end'))
  const listed = await s3.send(new ListPartsCommand({ ...at, Key, UploadId }))
  t.strictSame(
    listed.Parts?.map((one) => [one.PartNumber, one.Size]),
    [
      [1, 5 * 1024 * 1024],
      [2, 3],
    ],
  )
  const complete = (Parts: { PartNumber: number; ETag: string | undefined }[]) =>
    s3.send(
      new CompleteMultipartUploadCommand({
        ...at,
        Key,
        UploadId,
        MultipartUpload: {
          Parts: Parts.map((one) => ({ PartNumber: one.PartNumber, ETag: one.ETag ?? '' })),
        },
      }),
    )
  t.equal(await codeOf(complete([last, first])), '400 InvalidPartOrder')
  t.equal(await codeOf(complete([{ ...first, ETag: last.ETag }])), '400 InvalidPart')
  t.match((await complete([first, last])).ETag, /-2"$/)
  t.equal(await text(s3, Key, { Range: 'bytes=5242879-' }), 'aend')
  t.equal(await codeOf(complete([first, last])), '404 NoSuchUpload')
})

t.test('streamed bodies are stored without their framing, and refused when cut off', async (t) => {
  const streamed = () => ({
    ...at,
    Key: 'stream',
    Body: Readable.from([Buffer.from('stre'), Buffer.from('amed')]),
    ContentLength: 8,
  })
  // As every SDK of Amazon's does of itself since 2025: with a checksum behind the body.
  t.equal(await codeOf(s3.send(new PutObjectCommand(streamed()))), '501 NotImplemented')
  const plain = client(writer, { requestChecksumCalculation: 'WHEN_REQUIRED' })
  await plain.send(new PutObjectCommand(streamed()))
  t.equal(await text(s3, 'stream'), 'streamed')
  const signed = `6;chunk-signature=${'a'.repeat(64)}\r\nsigned\r\n0;chunk-signature=${'b'.repeat(64)}\r\n\r\n`
  const read = (body: string, length: number) =>
    readBody(
      Buffer.from(body),
      { 'x-amz-decoded-content-length': String(length) },
      'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
    ).toString()
  t.equal(read(signed, 6), 'signed')
  t.throws(() => read(signed.slice(0, 90), 6), { code: 'IncompleteBody' })
  t.throws(() => read(signed, 7), { code: 'IncompleteBody' })
})

t.test('who may do what', async (t) => {
  const put = (one: S3Client) => codeOf(one.send(new PutObjectCommand({ ...at, Key: 'mine', Body: 'x' })))
  t.equal(await put(s3), 'no error')
  t.equal(await put(client(reader)), '403 AccessDenied')
  t.equal(await text(client(reader), 'mine'), 'x')
  t.equal(await codeOf(text(client(other), 'mine')), '403 AccessDenied')
  t.equal(await codeOf(text(client(other), 'missing')), '403 AccessDenied', 'not even that it is missing')
  t.equal(await codeOf(text(client({ ...writer, secret_key: 'wrong' }), 'mine')), '403 SignatureDoesNotMatch')
  t.equal(await codeOf(text(client(key('stranger')), 'mine')), '403 InvalidAccessKeyId')
  t.equal(await codeOf(s3.send(new ListBucketsCommand({}))), '403 AccessDenied')
  t.equal(await codeOf(s3.send(new CreateBucketCommand({ Bucket: 'three' }))), '403 AccessDenied')
  t.equal(await codeOf(s3.send(new HeadBucketCommand({ Bucket: 'nowhere' }))), '404 NotFound')
  const mine = new CopyObjectCommand({ Bucket: 'two', Key: 'stolen', CopySource: 'one/mine' })
  t.equal(await codeOf(client(other).send(mine)), '403 AccessDenied')
  t.equal((await fetch(`${url}/one`, { method: 'HEAD' })).status, 403)
  t.equal((await fetch(`${url}/nowhere`, { method: 'HEAD' })).status, 404)
  const late = client(writer, { systemClockOffset: -20 * 60_000 })
  t.equal(await codeOf(text(late, 'mine')), '403 RequestTimeTooSkewed')
})

t.test('a fresh key is not known at once when the world says so', async (t) => {
  const fresh = key('fresh', ['one', 'read'])
  keys.push(fresh)
  world.save('behaviour', { keyPropagationMs: 60_000 })
  t.equal(await codeOf(text(client(fresh), 'mine')), '403 InvalidAccessKeyId')
  world.save('behaviour', {})
  t.equal(await text(client(fresh), 'mine'), 'x')
})

t.test('signed URLs: one method, one key, a time', async (t) => {
  const to = { ...at, Key: 'signed' }
  const sign = (command: GetObjectCommand | PutObjectCommand | DeleteObjectCommand, more = {}) =>
    getSignedUrl(
      client(writer, { requestChecksumCalculation: 'WHEN_REQUIRED' }),
      command as GetObjectCommand,
      { expiresIn: 60, ...more },
    )
  const get = await sign(new GetObjectCommand(to))
  const put = await sign(new PutObjectCommand(to))
  const answer = async (address: string, method: string, body?: string) => {
    const got = await fetch(address, { method, ...(body ? { body } : {}) })
    return `${got.status} ${/<Code>(.*)<\/Code><Message>(.*)<\/Message>/.exec(await got.text())?.slice(1) ?? ''}`
  }
  t.equal(await answer(put, 'PUT', 'signed bytes'), '200 ')
  t.equal(await (await fetch(get)).text(), 'signed bytes')
  t.match(await answer(get, 'PUT', 'x'), '403 SignatureDoesNotMatch')
  t.match(await answer(get, 'HEAD'), '403 ')
  t.match(await answer(put, 'DELETE'), '403 SignatureDoesNotMatch')
  t.match(await answer(get.replace('/signed?', '/mine?'), 'GET'), '403 SignatureDoesNotMatch')
  const old = await sign(new GetObjectCommand(to), { signingDate: new Date(Date.now() - 120_000) })
  t.equal(await answer(old, 'GET'), '403 AccessDenied,Request has expired')
  const early = await sign(new GetObjectCommand(to), { signingDate: new Date(Date.now() + 20 * 60_000) })
  t.equal(await answer(early, 'GET'), '403 AccessDenied,Request is not yet valid')
  t.match(await answer(get.replace('X-Amz-Expires=60', 'X-Amz-Expires=604801'), 'GET'), '400 Authorization')
  t.equal(await answer(await sign(new DeleteObjectCommand(to)), 'DELETE'), '204 ')
  t.match(await answer(get, 'GET'), '404 NoSuchKey')
})

t.test('the sixth write of one key in five minutes is told to slow down', async (t) => {
  const put = () => codeOf(s3.send(new PutObjectCommand({ ...at, Key: 'busy', Body: 'x' })))
  for (let time = 1; time <= 5; time++) t.equal(await put(), 'no error')
  t.equal(await put(), '503 SlowDown')
})

t.test('buckets and what is not configured', async (t) => {
  const all = client(full)
  const { Buckets } = await all.send(new ListBucketsCommand({}))
  t.strictSame(
    Buckets?.map((one) => one.Name),
    ['one', 'two'],
  )
  t.equal(await codeOf(all.send(new CreateBucketCommand({ Bucket: 'one' }))), '409 BucketAlreadyExists')
  t.equal(
    await codeOf(all.send(new CreateBucketCommand({ Bucket: 'three' }))),
    '400 InvalidLocationConstraint',
    'a client of a region sends that along',
  )
  t.equal(await codeOf(all.send(new DeleteBucketCommand({ Bucket: 'one' }))), '409 BucketNotEmpty')
  t.equal(await codeOf(all.send(new DeleteBucketCommand({ Bucket: 'two' }))), 'no error')
  t.equal((await all.send(new GetBucketLocationCommand(at))).LocationConstraint, 'fra1')
  t.equal((await all.send(new GetBucketVersioningCommand(at))).Status, undefined)
  t.equal(
    await codeOf(all.send(new GetBucketLifecycleConfigurationCommand(at))),
    '404 NoSuchLifecycleConfiguration',
  )
  t.equal(await codeOf(all.send(new GetBucketCorsCommand(at))), '404 NoSuchCORSConfiguration')
  t.equal(await codeOf(all.send(new GetBucketPolicyCommand(at))), '501 NotImplemented')
})

t.test('the bucket may be in the host name', async (t) => {
  const { host, port } = world.addresses.spaces
  const status = await new Promise((resolve, reject) => {
    const headers = { host: `one.fra1.digitaloceanspaces.com` }
    request({ host, port, method: 'HEAD', path: '/', headers }, (answer) => resolve(answer.statusCode))
      .on('error', reject)
      .end()
  })
  t.equal(status, 403)
})
