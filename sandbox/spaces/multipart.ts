import { randomBytes } from 'node:crypto'
import { type Call, empty, xml } from './call.ts'
import { keptHeaders } from './objects.ts'
import { Refusal } from './refusal.ts'
import { md5, waiting } from './storage.ts'
import { inside, textOf } from './xml.ts'

const smallestPart = 5 * 1024 * 1024

/** CreateMultipartUpload. */
export function startUpload({ storage, bucket, key, headers }: Call): Response {
  const UploadId = randomBytes(16).toString('hex')
  storage.put(waiting, UploadId, Buffer.from(`${bucket}/${key}`), keptHeaders(headers))
  return xml('InitiateMultipartUploadResult', { Bucket: bucket, Key: key, UploadId })
}

/** The id of an upload that goes on, and the headers of its object. @throws Refusal NoSuchUpload */
function uploadOf({ storage, bucket, key, query: { uploadId: id = '' } }: Call) {
  const found = storage.meta(waiting, id)
  if (!found || storage.bytes(waiting, id).toString() !== `${bucket}/${key}`)
    throw new Refusal('NoSuchUpload')
  return { id, headers: found.headers }
}

/** UploadPart. */
export function uploadPart(call: Call): Response {
  const { id } = uploadOf(call)
  const number = Number(call.query.partNumber)
  if (call.headers['x-amz-copy-source'])
    throw new Refusal('NotImplemented', "The box's Spaces do not know UploadPartCopy.")
  if (!(Number.isInteger(number) && number >= 1 && number <= 10_000))
    throw new Refusal('InvalidArgument', 'Part number must be an integer between 1 and 10000, inclusive.')
  return empty(200, { etag: `"${call.storage.put(waiting, `${id}/${number}`, call.body).etag}"` })
}

function partsOf({ storage }: Call, id: string) {
  const keys = storage.keys(waiting).filter((key) => key.startsWith(`${id}/`))
  const parts = keys.flatMap((key) => {
    const meta = storage.meta(waiting, key)
    return meta ? [{ ...meta, number: Number(key.slice(id.length + 1)) }] : []
  })
  return parts.sort((a, b) => a.number - b.number)
}

/** ListParts, always whole. */
export function listParts(call: Call): Response {
  const { id } = uploadOf(call)
  const Part = partsOf(call, id).map(({ number, size, etag, at }) => ({
    PartNumber: number,
    LastModified: at,
    ETag: `"${etag}"`,
    Size: size,
  }))
  return xml('ListPartsResult', {
    Bucket: call.bucket,
    Key: call.key,
    UploadId: id,
    IsTruncated: false,
    Part,
  })
}

/** CompleteMultipartUpload: the parts named must be there, in order, and all but the last large enough. */
export function completeUpload(call: Call): Response {
  const { storage, bucket, key } = call
  const { id, headers } = uploadOf(call)
  const there = partsOf(call, id)
  const named = inside(call.body.toString(), 'Part').map((part) => ({
    number: Number(textOf(part, 'PartNumber')),
    etag: textOf(part, 'ETag')?.replaceAll('"', ''),
  }))
  if (named.length === 0) throw new Refusal('MalformedXML')
  if (named.some((one, index) => index > 0 && one.number <= (named[index - 1]?.number ?? 0)))
    throw new Refusal('InvalidPartOrder')
  const parts = named.map((one, index) => {
    const part = there.find(({ number, etag }) => number === one.number && etag === one.etag)
    if (!part) throw new Refusal('InvalidPart')
    if (index < named.length - 1 && part.size < smallestPart) throw new Refusal('EntityTooSmall')
    return part
  })
  call.countWrite(bucket, key)
  const etag = `${md5(Buffer.concat(parts.map((part) => Buffer.from(part.etag, 'hex'))))}-${parts.length}`
  const bytes = Buffer.concat(parts.map(({ number }) => storage.bytes(waiting, `${id}/${number}`)))
  storage.put(bucket, key, bytes, headers, etag)
  abortUpload(call)
  return xml('CompleteMultipartUploadResult', { Bucket: bucket, Key: key, ETag: `"${etag}"` })
}

/** AbortMultipartUpload. */
export function abortUpload(call: Call): Response {
  const { id } = uploadOf(call)
  for (const { number } of partsOf(call, id)) call.storage.remove(waiting, `${id}/${number}`)
  call.storage.remove(waiting, id)
  return empty(204)
}
