import type { Readable } from 'node:stream'
import type { S3Client } from '@aws-sdk/client-s3'
import { networkCure } from '../base/environment.ts'
import { Problem } from '../base/problem.ts'
import { withRetry } from '../base/retry.ts'
import type { Secret } from '../base/secret.ts'
import { mostBytesOf, readWhole, withEnd } from './object-sizes.ts'
import { lifecycle, listVersions, type Version, withMd5 } from './s3-versions.ts'
import { slowest } from './steady-fetch.ts'

export type { Version }

/** A key pair of an S3 store. */
export interface StoreKey {
  accessKey: string
  secretKey: Secret
}

/** An object as its store lists it: what it says of size and time no writer chooses. */
export interface Listed {
  key: string
  /** Bytes. */
  size: number
  /** When it was last written, by the store's clock. */
  at: Date
  /** Of the bytes, where the store tells one. */
  etag?: string
}

/** One bucket of an S3 store, as the flows use it; names of objects are keys without a leading slash. */
export interface Bucket {
  readonly name: string
  /** An object's bytes, or those of an earlier version; undefined when there is none. @throws TooLarge */
  get(key: string, version?: string): Promise<Uint8Array | undefined>
  /** Writes an object whole. `once` leaves one that is there as it is: read it back. @throws Problem */
  put(key: string, body: Uint8Array | string, options?: { once?: boolean; type?: string }): Promise<void>
  exists(key: string): Promise<boolean>
  /** All keys under a prefix, or the first `most`. @throws Problem when the list has no end */
  list(prefix?: string, most?: number): Promise<Listed[]>
  /**
   * All versions under a prefix, key by key, the newest of each first; or the first `most`, and what comes with them.
   * @throws Problem when the list has no end
   */
  versions(prefix?: string, most?: number): Promise<Version[]>
  /** Makes an earlier version the newest again, by a copy of it; nothing is lost by that. */
  putBack(key: string, version: string): Promise<void>
  /** Removes an object; with a version that alone, for good. */
  remove(key: string, version?: string): Promise<void>
  /** A URL that allows one method on one key, for at most seven days (604,800 s). */
  sign(method: 'GET' | 'PUT' | 'DELETE', key: string, seconds: number): Promise<string>
}

/** A store with one key: what the key may do there decides what succeeds. */
export interface Store {
  bucket(name: string): Bucket
  /** `missing` (404), `ours` when this key may use it, `foreign` when it exists and is somebody else's (403, 301). */
  look(bucket: string): Promise<'missing' | 'ours' | 'foreign'>
  /** What lies at the top of a bucket: folders, with `/` at the end, and objects; the first thousand. */
  top(bucket: string): Promise<string[]>
  /** @returns false where the store says that there is one of this name, and shows none */
  createBucket(bucket: string): Promise<boolean>
  removeBucket(bucket: string): Promise<void>
  /** Lets a bucket keep what is deleted or overwritten from now on. */
  keepVersions(bucket: string): Promise<void>
  /** Lets what it keeps so go after so many days, and what was half uploaded after seven. */
  expireVersions(bucket: string, days: number): Promise<void>
}

/** A refusal by the object store, with its S3 error code. */
export class StoreRefusal extends Problem {
  readonly status: number | undefined
  readonly code: string

  constructor(what: string, status: number | undefined, code: string, cause: unknown) {
    super(
      status === undefined
        ? `the object store did not answer when asked to ${what}: ${code}`
        : `the object store refused to ${what}: ${status} ${code}`,
      { cause, ...(status === undefined ? { cure: networkCure() } : {}) },
    )
    this.status = status
    this.code = code
  }
}

/**
 * Connects to an S3 store; nothing is sent yet.
 * @param clockOffset the store's clock minus ours in ms: signed URLs are judged by the store's clock, not by ours.
 */
export async function connectStore(
  endpoint: string,
  region: string,
  key: StoreKey,
  clockOffset = 0,
): Promise<Store> {
  // The SDK warns on stderr that its releases of 2027 want Node 22; the one that is pinned here runs on 20.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true'
  const sdk = await import('@aws-sdk/client-s3')
  const connected = (where: string): S3Client =>
    new sdk.S3Client({
      endpoint,
      region: where,
      credentials: { accessKeyId: key.accessKey, secretAccessKey: key.secretKey.reveal() },
      forcePathStyle: true,
      maxAttempts: 1,
      requestHandler: { connectionTimeout: 10_000, requestTimeout: 60_000, throwOnRequestTimeout: true },
      systemClockOffset: clockOffset,
      // Stores other than Amazon's reject or store the newer checksums.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    })
  const client = connected(region)
  const ask = <T>(what: string, work: () => Promise<T>): Promise<T> => attempt(what, work)

  const bucket = (name: string): Bucket => ({
    name,
    get: async (key, version) => {
      try {
        const answer = await ask(`read ${name}/${key}`, async () => {
          const at = { Bucket: name, Key: key, ...(version ? { VersionId: version } : {}) }
          const { Body, ContentLength } = await client.send(new sdk.GetObjectCommand(at))
          if (!Body) return undefined
          const whole = { what: `${name}/${key}`, told: ContentLength, limit: mostBytesOf(key) }
          return readWhole(Body as Readable, whole).finally(() => (Body as Readable).destroy())
        })
        return answer
      } catch (error) {
        if (error instanceof StoreRefusal && error.status === 404) return undefined
        throw error
      }
    },
    put: async (key, body, { once = false, type = 'application/octet-stream' } = {}) => {
      const bytes = typeof body === 'string' ? Buffer.from(body) : body
      const write = (only: { IfNoneMatch?: string }) =>
        ask(`write ${name}/${key}`, async () => {
          await client.send(
            new sdk.PutObjectCommand({ Bucket: name, Key: key, Body: bytes, ContentType: type, ...only }),
            // A slow line may take a while for what is large.
            { requestTimeout: Math.max(60_000, (bytes.length / slowest) * 1000) },
          )
        })
      if (!once) return write({})
      try {
        await write({ IfNoneMatch: '*' })
      } catch (error) {
        // A first attempt whose answer was lost may have written it: the caller reads what is there.
        if (error instanceof StoreRefusal && error.status === 412) return
        // Not every store knows conditional writes; whoever writes once has looked under the lock before.
        if (!(error instanceof StoreRefusal) || error.status !== 501) throw error
        await write({})
      }
    },
    exists: async (key) => {
      try {
        await ask(`look at ${name}/${key}`, () =>
          client.send(new sdk.HeadObjectCommand({ Bucket: name, Key: key })),
        )
        return true
      } catch (error) {
        if (error instanceof StoreRefusal && error.status === 404) return false
        throw error
      }
    },
    list: async (prefix = '', most = Number.POSITIVE_INFINITY) => {
      const found: Listed[] = []
      let token: string | undefined
      const count = withEnd(`${name}/${prefix}`)
      do {
        const page = await ask(`list ${name}/${prefix}`, () =>
          client.send(
            new sdk.ListObjectsV2Command({
              Bucket: name,
              Prefix: prefix,
              ...(most < 1000 ? { MaxKeys: most } : {}),
              ...(token ? { ContinuationToken: token } : {}),
            }),
          ),
        )
        count((page.Contents ?? []).map(({ Key = '' }) => Key))
        for (const { Key = '', Size = 0, LastModified = new Date(0), ETag } of page.Contents ?? [])
          found.push({ key: Key, size: Size, at: LastModified, ...(ETag ? { etag: ETag } : {}) })
        token = page.IsTruncated ? page.NextContinuationToken : undefined
      } while (token && found.length < most)
      return found
    },
    versions: (prefix = '', most) =>
      listVersions(
        `versions of ${name}/${prefix}`,
        (from) =>
          ask(`list the versions of ${name}/${prefix}`, () =>
            client.send(new sdk.ListObjectVersionsCommand({ Bucket: name, Prefix: prefix, ...from })),
          ),
        most,
      ),
    putBack: async (key, version) => {
      const source = `${name}/${key}`.split('/').map(encodeURIComponent).join('/')
      const at = { Bucket: name, Key: key, CopySource: `${source}?versionId=${version}` }
      await ask(`bring back ${name}/${key}`, () => client.send(new sdk.CopyObjectCommand(at)))
    },
    remove: async (key, version) => {
      const at = { Bucket: name, Key: key, ...(version ? { VersionId: version } : {}) }
      await ask(`remove ${name}/${key}`, () => client.send(new sdk.DeleteObjectCommand(at)))
    },
    sign: async (method, key, seconds) => {
      const { getSignedUrl } = await import('@aws-sdk/s3-request-presigner')
      const at = { Bucket: name, Key: key }
      const options = { expiresIn: seconds, signingDate: new Date(Date.now() + clockOffset) }
      if (method === 'GET') return getSignedUrl(client, new sdk.GetObjectCommand(at), options)
      if (method === 'PUT') return getSignedUrl(client, new sdk.PutObjectCommand(at), options)
      return getSignedUrl(client, new sdk.DeleteObjectCommand(at), options)
    },
  })

  const look: Store['look'] = async (name) => {
    try {
      await ask(`look at bucket ${name}`, () => client.send(new sdk.HeadBucketCommand({ Bucket: name })))
      return 'ours'
    } catch (error) {
      if (error instanceof StoreRefusal && error.status === 404) return 'missing'
      if (error instanceof StoreRefusal && (error.status === 403 || error.status === 301)) return 'foreign'
      throw error
    }
  }

  return {
    bucket,
    look,
    top: async (name) => {
      const page = await ask(`list ${name}`, () =>
        client.send(new sdk.ListObjectsV2Command({ Bucket: name, Delimiter: '/' })),
      )
      const folders = (page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix ?? '')
      return [...folders, ...(page.Contents ?? []).map(({ Key }) => Key ?? '')]
    },
    createBucket: async (name) => {
      try {
        // In every other region the SDK sends the region along, which Spaces refuse: their address says it (“must be
        // "us-east-1" when creating new Spaces”, https://docs.digitalocean.com/products/spaces/how-to/use-aws-sdks).
        const nowhere = connected('us-east-1')
        await ask(`create bucket ${name}`, () => nowhere.send(new sdk.CreateBucketCommand({ Bucket: name })))
        return true
      } catch (error) {
        // A first attempt whose answer was lost had made it. Stores tell so in two ways, one the same as for a
        // stranger's bucket (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html#API_CreateBucket_Errors).
        if (!(error instanceof StoreRefusal) || error.status !== 409) throw error
        const seen = await look(name)
        if (seen === 'foreign') throw error
        return seen === 'ours'
      }
    },
    removeBucket: async (name) => {
      try {
        await ask(`remove bucket ${name}`, () => client.send(new sdk.DeleteBucketCommand({ Bucket: name })))
      } catch (error) {
        // So had one that removed it.
        if (!(error instanceof StoreRefusal) || error.status !== 404) throw error
      }
    },
    keepVersions: async (name) => {
      const wanted = { Bucket: name, VersioningConfiguration: { Status: 'Enabled' as const } }
      await ask(`keep versions in ${name}`, () => client.send(new sdk.PutBucketVersioningCommand(wanted)))
    },
    expireVersions: async (name, days) => {
      const command = new sdk.PutBucketLifecycleConfigurationCommand({
        Bucket: name,
        LifecycleConfiguration: lifecycle(days),
      })
      withMd5(command)
      await ask(`set how long ${name} keeps versions`, () => client.send(command))
    },
  }
}

async function attempt<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await withRetry(work, (error) => {
      if (error instanceof Problem) return undefined
      const { status } = readError(error)
      return status === undefined ? {} : { status }
    })
  } catch (error) {
    if (error instanceof Problem) throw error
    const { status, code } = readError(error)
    throw new StoreRefusal(what, status, code, error instanceof Error ? new Error(error.message) : error)
  }
}

function readError(error: unknown): { status: number | undefined; code: string } {
  if (!(error instanceof Error)) return { status: undefined, code: String(error) }
  const meta = (error as { $metadata?: { httpStatusCode?: number } }).$metadata
  return { status: meta?.httpStatusCode, code: error.name === 'Unknown' ? error.message : error.name }
}
