import { keptHeaders } from './objects.ts'
import { type Call, empty, xml } from './operations.ts'
import { Refusal } from './refusal.ts'
import { md5 } from './storage.ts'
import { inside, textOf } from './xml.ts'

const smallestPart = 5 * 1024 * 1024

/** CreateMultipartUpload. */
export function startUpload({ storage, bucket, key, headers }: Call): Response {
  const UploadId = storage.startUpload({ bucket, key, headers: keptHeaders(headers) })
  return xml('InitiateMultipartUploadResult', { Bucket: bucket, Key: key, UploadId })
}

/** UploadPart. */
export function uploadPart({ storage, bucket, key, query, headers, body }: Call): Response {
  if (headers['x-amz-copy-source'])
    throw new Refusal('NotImplemented', "The box's Spaces do not know UploadPartCopy.")
  const id = query.uploadId ?? ''
  const number = Number(query.partNumber)
  storage.upload(bucket, key, id)
  if (!(Number.isInteger(number) && number >= 1 && number <= 10_000))
    throw new Refusal('InvalidArgument', 'Part number must be an integer between 1 and 10000, inclusive.')
  return empty(200, { etag: `"${storage.putPart(id, number, body)}"` })
}

/** ListParts, always whole. */
export function listParts({ storage, bucket, key, query }: Call): Response {
  const id = query.uploadId ?? ''
  storage.upload(bucket, key, id)
  const Part = storage.parts(id).map(({ number, bytes, etag, at }) => ({
    PartNumber: number,
    LastModified: at,
    ETag: `"${etag}"`,
    Size: bytes.length,
  }))
  return xml('ListPartsResult', { Bucket: bucket, Key: key, UploadId: id, IsTruncated: false, Part })
}

/** ListMultipartUploads, always whole. */
export function listUploads({ storage, bucket, query }: Call): Response {
  const Upload = storage
    .uploads(bucket)
    .filter(({ key }) => key.startsWith(query.prefix ?? ''))
    .map(({ id, key }) => ({ Key: key, UploadId: id }))
  return xml('ListMultipartUploadsResult', { Bucket: bucket, IsTruncated: false, Upload })
}

/** CompleteMultipartUpload: the parts named must be there, in order, and all but the last large enough. */
export function completeUpload(call: Call): Response {
  const { storage, bucket, key, query } = call
  const id = query.uploadId ?? ''
  const { headers } = storage.upload(bucket, key, id)
  const there = storage.parts(id)
  const named = inside(call.body.toString(), 'Part').map((part) => ({
    number: Number(textOf(part, 'PartNumber')),
    etag: textOf(part, 'ETag')?.replaceAll('"', ''),
  }))
  if (named.length === 0) throw new Refusal('MalformedXML', 'The XML you provided was not well-formed.')
  if (named.some((one, index) => index > 0 && one.number <= (named[index - 1]?.number ?? 0)))
    throw new Refusal('InvalidPartOrder', 'The list of parts was not in ascending order.')
  const parts = named.map((one, index) => {
    const part = there.find(({ number, etag }) => number === one.number && etag === one.etag)
    if (!part) throw new Refusal('InvalidPart', 'One or more of the specified parts could not be found.')
    if (index < named.length - 1 && part.bytes.length < smallestPart)
      throw new Refusal('EntityTooSmall', 'Your proposed upload is smaller than the minimum allowed size.')
    return part
  })
  call.countWrite(bucket, key)
  const etag = `${md5(Buffer.concat(parts.map((part) => Buffer.from(part.etag, 'hex'))))}-${parts.length}`
  storage.put(bucket, key, Buffer.concat(parts.map((part) => part.bytes)), headers, etag)
  storage.endUpload(id)
  return xml('CompleteMultipartUploadResult', { Bucket: bucket, Key: key, ETag: `"${etag}"` })
}

/** AbortMultipartUpload. */
export function abortUpload({ storage, bucket, key, query }: Call): Response {
  storage.upload(bucket, key, query.uploadId ?? '')
  storage.endUpload(query.uploadId ?? '')
  return empty(204)
}
