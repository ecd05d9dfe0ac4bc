import { type Call, empty, xml, xmlText } from './call.ts'
import { Refusal } from './refusal.ts'
import { type Meta, past, type Storage, waiting } from './storage.ts'
import { document, inside, textOf, type Xml } from './xml.ts'

/** One version of an object, or a delete marker. */
interface Version extends Meta {
  key: string
  version: string
  isLatest: boolean
}

/** All versions of a bucket's objects: keys in the order of their bytes, the newest version first. */
export function versionsIn(storage: Storage, bucket: string, prefix = ''): Version[] {
  const found = new Map<string, Version[]>()
  const add = (key: string, meta: Meta | undefined) => {
    if (!meta || !key.startsWith(prefix)) return
    const version = meta.version ?? 'null'
    found.set(key, [...(found.get(key) ?? []), { ...meta, key, version, isLatest: false }])
  }
  for (const key of storage.keys(bucket)) add(key, storage.meta(bucket, key))
  for (const place of storage.keys(past))
    if (place.startsWith(`${bucket}/`))
      add(place.slice(bucket.length + 1, place.lastIndexOf('/')), storage.meta(past, place))
  const age = ({ version }: Version) => (version === 'null' ? '' : version)
  return [...found.keys()]
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .flatMap((key) =>
      (found.get(key) ?? [])
        .sort((a, b) => (age(a) < age(b) ? 1 : -1))
        .map((one, index) => ({ ...one, isLatest: index === 0 })),
    )
}

/** One version, and where it lies. @throws Refusal NoSuchVersion, or MethodNotAllowed for a delete marker */
export function versionOf(storage: Storage, bucket: string, key: string, version: string) {
  expire(storage, bucket)
  const current = storage.meta(bucket, key)
  const isCurrent = current && (current.version ?? 'null') === version
  const place: [string, string] = isCurrent ? [bucket, key] : [past, `${bucket}/${key}/${version}`]
  const meta = storage.meta(...place)
  if (!meta) throw new Refusal('NoSuchVersion')
  if (meta.marker) throw new Refusal('MethodNotAllowed')
  return { meta, place }
}

/** DeleteObject with a version: it is gone for good, and the newest of the others is the object again. */
export function deleteVersion({ storage, bucket, key, query }: Call): Response {
  eraseVersion(storage, bucket, key, query.versionId ?? '')
  return empty(204)
}

function eraseVersion(storage: Storage, bucket: string, key: string, version: string): void {
  if ((storage.meta(bucket, key)?.version ?? 'null') === version) storage.erase(bucket, key)
  storage.erase(past, `${bucket}/${key}/${version}`)
  const next = versionsIn(storage, bucket, key).find((one) => one.key === key)
  if (!next || next.marker || storage.meta(bucket, key)) return
  const place = `${bucket}/${key}/${next.version}`
  const meta = storage.meta(past, place)
  if (meta) storage.restore(bucket, key, storage.bytes(past, place), meta)
  storage.erase(past, place)
}

/** ListObjectVersions, without folders. */
export function listVersions({ storage, bucket, query }: Call): Response {
  expire(storage, bucket)
  const { prefix = '', 'key-marker': after, 'version-id-marker': version } = query
  if (query.delimiter) throw new Refusal('NotImplemented', "The box's Spaces list versions without folders.")
  const max = Math.min(Number(query['max-keys'] ?? 1000), 1000)
  if (!(max > 0)) throw new Refusal('InvalidArgument', 'max-keys is not a number above 0.')
  const all = versionsIn(storage, bucket, prefix)
  const from = after === undefined ? 0 : all.findLastIndex((one) => isBefore(one, after, version)) + 1
  const page = all.slice(from, from + max)
  const rest = from + max < all.length ? page.at(-1) : undefined
  const show = (text: string) =>
    query['encoding-type'] === 'url' ? encodeURIComponent(text).replaceAll('%2F', '/') : text
  const shown = (one: Version): Xml => ({
    Key: show(one.key),
    VersionId: one.version,
    IsLatest: one.isLatest,
    LastModified: one.at,
    ...(one.marker ? {} : { ETag: `"${one.etag}"`, Size: one.size, StorageClass: 'STANDARD' }),
  })
  return xmlText(
    document('ListVersionsResult', {
      Name: bucket,
      Prefix: show(prefix),
      MaxKeys: max,
      EncodingType: query['encoding-type'],
      IsTruncated: rest !== undefined,
      NextKeyMarker: rest && show(rest.key),
      NextVersionIdMarker: rest?.version,
      Version: page.filter((one) => !one.marker).map(shown),
      DeleteMarker: page.filter((one) => one.marker).map(shown),
    }),
  )
}

function isBefore(one: Version, key: string, version: string | undefined): boolean {
  if (one.key === key) return version === undefined || one.version === version || one.version > version
  return Buffer.compare(Buffer.from(one.key), Buffer.from(key)) < 0
}

/** PutBucketVersioning; once it is on it can only be suspended, which nobody needs here. */
export function putVersioning({ storage, bucket, body }: Call): Response {
  if (textOf(body.toString(), 'Status') !== 'Enabled')
    throw new Refusal('NotImplemented', "The box's Spaces do not know suspended versioning.")
  storage.configure(bucket, { versioned: true })
  return empty(200)
}

/** GetBucketVersioning. */
export function getVersioning({ storage, bucket }: Call): Response {
  return xml('VersioningConfiguration', storage.bucket(bucket)?.versioned ? { Status: 'Enabled' } : {})
}

/**
 * PutBucketLifecycleConfiguration: one rule for the whole bucket. Ceph asks for Content-MD5 and knows no other checksum
 * in its place (`RGWPutLC`), so this one does.
 */
export function putLifecycle({ storage, bucket, body, headers }: Call): Response {
  if (!headers['content-md5'])
    throw new Refusal('InvalidRequest', 'Missing required header for this request: Content-MD5')
  const [rule, ...others] = inside(body.toString(), 'Rule')
  if (rule === undefined) throw new Refusal('MalformedXML')
  const days = (name: string) => Number(textOf(rule, name)) || undefined
  const [noncurrentDays, uploadDays] = [days('NoncurrentDays'), days('DaysAfterInitiation')]
  if (others.length > 0 || textOf(rule, 'Days') || textOf(rule, 'Prefix'))
    throw new Refusal('NotImplemented', "The box's Spaces know one rule for the whole bucket's past.")
  storage.configure(bucket, {
    lifecycle: {
      ...(noncurrentDays ? { noncurrentDays } : {}),
      ...(uploadDays ? { uploadDays } : {}),
      expiredMarkers: textOf(rule, 'ExpiredObjectDeleteMarker') === 'true',
    },
  })
  return empty(200)
}

/** GetBucketLifecycleConfiguration. */
export function getLifecycle({ storage, bucket }: Call): Response {
  const set = storage.bucket(bucket)?.lifecycle
  if (!set) throw new Refusal('NoSuchLifecycleConfiguration')
  const { noncurrentDays, uploadDays, expiredMarkers } = set
  return xml('LifecycleConfiguration', {
    Rule: {
      ID: 'past',
      Filter: { Prefix: '' },
      Status: 'Enabled',
      Expiration: expiredMarkers ? { ExpiredObjectDeleteMarker: true } : undefined,
      NoncurrentVersionExpiration: noncurrentDays ? { NoncurrentDays: noncurrentDays } : undefined,
      AbortIncompleteMultipartUpload: uploadDays ? { DaysAfterInitiation: uploadDays } : undefined,
    },
  })
}

const day = 86_400_000

/** Carries the lifecycle rule out, to the second: real stores take up to a day longer. */
function expire(storage: Storage, bucket: string): void {
  const rule = storage.bucket(bucket)?.lifecycle
  if (!rule) return
  const isOver = (at: string | undefined, days: number | undefined) =>
    at !== undefined && days !== undefined && Date.parse(at) + days * day < Date.now()
  const all = versionsIn(storage, bucket)
  for (const [index, one] of all.entries())
    if (!one.isLatest && isOver(all[index - 1]?.at, rule.noncurrentDays))
      storage.erase(past, `${bucket}/${one.key}/${one.version}`)
  for (const upload of storage.keys(waiting)) {
    const id = upload.split('/')[0] ?? ''
    const isOurs = storage.meta(waiting, id) && storage.bytes(waiting, id).toString().startsWith(`${bucket}/`)
    if (isOurs && isOver(storage.meta(waiting, id)?.at, rule.uploadDays))
      for (const part of storage.keys(waiting).filter((one) => one.split('/')[0] === id))
        storage.erase(waiting, part)
  }
  if (!rule.expiredMarkers) return
  const left = versionsIn(storage, bucket)
  for (const one of left)
    if (one.marker && one.isLatest && left.filter(({ key }) => key === one.key).length === 1)
      storage.erase(past, `${bucket}/${one.key}/${one.version}`)
}
