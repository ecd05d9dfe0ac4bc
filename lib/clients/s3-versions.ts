import { createHash } from 'node:crypto'
import type {
  BucketLifecycleConfiguration,
  ListObjectVersionsCommandInput,
  ListObjectVersionsCommandOutput,
  PutBucketLifecycleConfigurationCommand,
} from '@aws-sdk/client-s3'
import { withEnd } from './object-sizes.ts'

/** A version of an object, or the mark that it was deleted. */
export interface Version {
  key: string
  /** `null` for one that was written before the bucket kept versions. */
  id: string
  /** When it was written, by the store's clock. */
  at: Date
  /** Of the bytes, but for those uploaded in parts; empty for a mark. */
  etag: string
  /** Bytes. */
  size: number
  isDeletion: boolean
  /** Whether it is what the bucket shows now; of a mark, that it shows nothing. */
  isLatest: boolean
}

/**
 * All versions, page by page: key by key, the newest first; or the first `most`, and what comes with them.
 * @param what whose they are
 * @param page asks for one page
 * @throws Problem when the list has no end
 */
export async function listVersions(
  what: string,
  page: (from: Partial<ListObjectVersionsCommandInput>) => Promise<ListObjectVersionsCommandOutput>,
  most = Number.POSITIVE_INFINITY,
): Promise<Version[]> {
  const found: Version[] = []
  const count = withEnd(what)
  for (let from: Partial<ListObjectVersionsCommandInput> = {}; ; ) {
    const { Versions = [], DeleteMarkers = [], ...answer } = await page(from)
    // A page may be empty, too.
    count([...Versions, ...DeleteMarkers].map(({ Key = '' }) => Key))
    const known = ({ Key = '', VersionId = 'null', LastModified = new Date(0), IsLatest = false }) => ({
      ...{ key: Key, id: VersionId, at: LastModified, isLatest: IsLatest },
    })
    for (const one of Versions)
      found.push({ ...known(one), etag: one.ETag ?? '', size: one.Size ?? 0, isDeletion: false })
    for (const one of DeleteMarkers) found.push({ ...known(one), etag: '', size: 0, isDeletion: true })
    if (!answer.IsTruncated || found.length >= most) return found.sort(newestFirst)
    from = {
      ...(answer.NextKeyMarker ? { KeyMarker: answer.NextKeyMarker } : {}),
      ...(answer.NextVersionIdMarker ? { VersionIdMarker: answer.NextVersionIdMarker } : {}),
    }
  }
}

/** Of two that were written in the same moment the one that is shown now comes first. */
function newestFirst(a: Version, b: Version): number {
  if (a.key !== b.key) return a.key < b.key ? -1 : 1
  return Number(b.isLatest) - Number(a.isLatest) || b.at.getTime() - a.at.getTime()
}

/** What is deleted or overwritten goes after so many days, a mark with the last version behind it, a half upload after seven. */
export const lifecycle = (days: number): BucketLifecycleConfiguration => ({
  Rules: [
    {
      ID: 'past',
      Status: 'Enabled',
      Filter: { Prefix: '' },
      NoncurrentVersionExpiration: { NoncurrentDays: days },
      Expiration: { ExpiredObjectDeleteMarker: true },
      AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 },
    },
  ],
})

/** Stores built on Ceph, as Spaces are, take no lifecycle rule without Content-MD5, which the SDK no longer sends. */
export function withMd5(command: PutBucketLifecycleConfigurationCommand): void {
  command.middlewareStack.add(
    (next) => (args) => {
      const { request } = args as { request: { body?: unknown; headers: Record<string, string> } }
      const digest = createHash('md5').update(String(request.body ?? ''))
      request.headers['content-md5'] = digest.digest('base64')
      return next(args)
    },
    { step: 'build', name: 'contentMd5', priority: 'low' },
  )
}
