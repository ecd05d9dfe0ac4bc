import { Refusal } from './refusal.ts'
import type { Storage } from './storage.ts'
import { document, type Xml } from './xml.ts'

const owner = { ID: 'regrow-sandbox', DisplayName: 'regrow-sandbox' }

/** The answer of ListObjects (V1) and ListObjectsV2 over a bucket's keys. */
export function listObjects(storage: Storage, bucket: string, query: Record<string, string>): string {
  const v2 = query['list-type'] === '2'
  const { prefix = '', delimiter = '' } = query
  const after = v2 ? (fromToken(query['continuation-token']) ?? query['start-after']) : query.marker
  const max = Math.min(Number(query['max-keys'] ?? 1000), 1000)
  if (!(max >= 0)) throw new Refusal('InvalidArgument', 'max-keys is not a number.')
  const page = pageOf(storage.keys(bucket), { prefix, delimiter, after: after ?? '', max })
  const show = (text: string) =>
    query['encoding-type'] === 'url' ? encodeURIComponent(text).replaceAll('%2F', '/') : text
  const content = (key: string): Xml => {
    const meta = storage.meta(bucket, key)
    if (!meta) return undefined
    return {
      Key: show(key),
      LastModified: meta.at,
      ETag: `"${meta.etag}"`,
      Size: meta.size,
      StorageClass: 'STANDARD',
      Owner: !v2 || query['fetch-owner'] === 'true' ? owner : undefined,
    }
  }
  return document('ListBucketResult', {
    Name: bucket,
    Prefix: show(prefix),
    Delimiter: delimiter ? show(delimiter) : undefined,
    MaxKeys: max,
    EncodingType: query['encoding-type'],
    IsTruncated: page.next !== undefined,
    ...(v2
      ? {
          KeyCount: page.keys.length + page.folders.length,
          ContinuationToken: query['continuation-token'],
          StartAfter: query['start-after'],
          NextContinuationToken: page.next === undefined ? undefined : toToken(page.next),
        }
      : {
          Marker: show(query.marker ?? ''),
          NextMarker: page.next === undefined ? undefined : show(page.next),
        }),
    Contents: page.keys.map(content),
    CommonPrefixes: page.folders.map((folder) => ({ Prefix: show(folder) })),
  })
}

/** One page: keys and folders after `after`; `next` is the last of them when there are more. */
function pageOf(all: string[], want: { prefix: string; delimiter: string; after: string; max: number }) {
  const keys: string[] = []
  const folders: string[] = []
  let last: string | undefined
  for (const key of all) {
    if (!key.startsWith(want.prefix) || !isAfter(key, want.after, want.delimiter)) continue
    const cut = want.delimiter ? key.indexOf(want.delimiter, want.prefix.length) : -1
    const folder = cut < 0 ? undefined : key.slice(0, cut + want.delimiter.length)
    if (folder !== undefined && folder === folders.at(-1)) continue
    if (keys.length + folders.length >= want.max)
      return { keys, folders, next: want.max > 0 ? last : undefined }
    if (folder === undefined) keys.push(key)
    else folders.push(folder)
    last = folder ?? key
  }
  return { keys, folders, next: undefined }
}

function isAfter(key: string, after: string, delimiter: string): boolean {
  if (delimiter && after.endsWith(delimiter) && key.startsWith(after)) return false
  return Buffer.compare(Buffer.from(key), Buffer.from(after)) > 0
}

const toToken = (key: string) => Buffer.from(key).toString('base64')
const fromToken = (token: string | undefined) =>
  token === undefined ? undefined : Buffer.from(token, 'base64').toString()
