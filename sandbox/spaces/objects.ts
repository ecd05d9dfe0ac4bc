import { type Call, empty, xml } from './call.ts'
import { Refusal } from './refusal.ts'
import type { Meta, Storage } from './storage.ts'
import { versionOf } from './versions.ts'
import { inside, textOf } from './xml.ts'

const kept =
  /^(content-(type|encoding|disposition|language)|cache-control|expires|x-amz-meta-.*|x-amz-storage-class)$/

/** The headers that an object keeps. */
export function keptHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  const entries = Object.entries(headers).filter(([name]) => kept.test(name))
  const framing = (value: string) => value.replace(/(^|,\s*)aws-chunked\s*,?\s*/, '')
  return Object.fromEntries(
    entries
      .map(([name, value]) => [name, name === 'content-encoding' ? framing(value) : value] as const)
      .filter(([, value]) => value),
  )
}

/** An object as it is, or as it was, and where it lies: without a version the current one. @throws Refusal */
function found(storage: Storage, bucket: string, key: string, version: string | undefined) {
  if (version !== undefined) return versionOf(storage, bucket, key, version)
  const meta = storage.meta(bucket, key)
  if (!meta) throw new Refusal('NoSuchKey')
  const place: [string, string] = [bucket, key]
  return { meta, place }
}

const versionHeader = ({ version }: Meta): Record<string, string> =>
  version ? { 'x-amz-version-id': version } : {}

/** GetObject and HeadObject, with ranges and conditions, of any version. */
export function getObject({ storage, method, bucket, key, query, headers }: Call): Response {
  const { meta, place } = found(storage, bucket, key, query.versionId)
  const shown = shownHeaders(meta, query)
  const etag = `"${meta.etag}"`
  if (headers['if-match'] && headers['if-match'] !== etag) throw new Refusal('PreconditionFailed')
  if (headers['if-none-match'] === etag) return empty(304, { etag })
  const range = rangeOf(headers.range, meta.size)
  const [from, to] = range ?? [0, meta.size - 1]
  const length = { 'content-length': String(to - from + 1) }
  const part = range ? { 'content-range': `bytes ${from}-${to}/${meta.size}` } : {}
  const body = method === 'HEAD' ? null : new Uint8Array(storage.part(...place, from, to))
  return new Response(body, { status: range ? 206 : 200, headers: { ...shown, ...length, ...part } })
}

function shownHeaders(meta: Meta, query: Record<string, string>): Record<string, string> {
  const overrides = Object.entries(query)
    .filter(([name]) => name.startsWith('response-'))
    .map(([name, value]) => [name.slice('response-'.length), value])
  return {
    'content-type': 'binary/octet-stream',
    ...meta.headers,
    ...Object.fromEntries(overrides),
    ...versionHeader(meta),
    etag: `"${meta.etag}"`,
    'last-modified': new Date(meta.at).toUTCString(),
    'accept-ranges': 'bytes',
  }
}

/** First and last byte of a `bytes=` range; undefined for none, or for several, which S3 does not know. */
function rangeOf(header: string | undefined, size: number): [number, number] | undefined {
  const read = /^bytes=(\d*)-(\d*)$/.exec(header ?? '')
  if (!read || (read[1] === '' && read[2] === '')) return undefined
  const [, first = '', last = ''] = read
  const from = first === '' ? Math.max(0, size - Number(last)) : Number(first)
  const to = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1)
  if (from > to) throw new Refusal('InvalidRange')
  return [from, to]
}

/** PutObject; `If-None-Match: *` refuses to replace. */
export function putObject(call: Call): Response {
  const { storage, bucket, key, headers, body } = call
  const before = storage.meta(bucket, key)
  const match = headers['if-match']
  if ((headers['if-none-match'] === '*' && before) || (match && `"${before?.etag}"` !== match))
    throw new Refusal('PreconditionFailed')
  call.countWrite(bucket, key)
  const meta = storage.put(bucket, key, body, keptHeaders(headers))
  return empty(200, { etag: `"${meta.etag}"`, ...versionHeader(meta) })
}

/** CopyObject within and between buckets, of any version. */
export function copyObject(call: Call): Response {
  const { storage, headers } = call
  const [source = '', version] = (headers['x-amz-copy-source'] ?? '').split('?versionId=')
  const [bucket = '', ...path] = decodeURIComponent(source).replace(/^\//, '').split('/')
  const key = path.join('/')
  call.demand(bucket, version === undefined ? 'read' : 'past')
  const { meta, place } = found(storage, bucket, key, version)
  call.countWrite(call.bucket, call.key)
  const kept = headers['x-amz-metadata-directive'] === 'REPLACE' ? keptHeaders(headers) : meta.headers
  const copy = storage.put(call.bucket, call.key, storage.bytes(...place), kept)
  return xml('CopyObjectResult', { ETag: `"${copy.etag}"`, LastModified: copy.at })
}

/** DeleteObject: that nothing is there is fine. */
export function deleteObject({ storage, bucket, key }: Call): Response {
  const marker = storage.remove(bucket, key)
  return empty(204, marker ? { 'x-amz-delete-marker': 'true', 'x-amz-version-id': marker } : {})
}

/** DeleteObjects: up to a thousand keys. */
export function deleteObjects({ storage, bucket, body }: Call): Response {
  const text = body.toString()
  const keys = inside(text, 'Object').map((object) => textOf(object, 'Key') ?? '')
  if (text.includes('<VersionId>'))
    throw new Refusal('NotImplemented', "The box's Spaces delete versions one at a time.")
  if (keys.length === 0 || keys.length > 1000 || keys.includes('')) throw new Refusal('MalformedXML')
  for (const key of keys) storage.remove(bucket, key)
  const quiet = textOf(text, 'Quiet') === 'true'
  return xml('DeleteResult', { Deleted: quiet ? [] : keys.map((Key) => ({ Key })) })
}
