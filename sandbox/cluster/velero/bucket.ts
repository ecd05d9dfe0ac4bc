import type { S3Client } from '@aws-sdk/client-s3'
import type { Cluster } from '../cluster.ts'
import { listAt, type Thing, textAt } from '../tree.ts'

/** The bucket of a storage location, reached as Velero would: with the key in the cluster's Secret. */
export interface Bucket {
  /** Keys below a prefix; with `folders`, only the first level, folders ending in `/`. */
  list(prefix: string, folders?: boolean): Promise<string[]>
  get(key: string): Promise<Buffer>
  put(key: string, bytes: Uint8Array | string): Promise<void>
  remove(key: string): Promise<void>
  /** A signed GET address, good for ten minutes. */
  sign(key: string): Promise<string>
}

/** @throws Error with Velero's words when the key is missing; the calls throw what the store answers */
export async function bucketOf(cluster: Cluster, location: Thing): Promise<Bucket> {
  const s3 = await import('@aws-sdk/client-s3')
  const client = clientFor(cluster, location, s3.S3Client)
  const Bucket = textAt(location, 'spec', 'objectStorage', 'bucket')
  const prefix = textAt(location, 'spec', 'objectStorage', 'prefix').replace(/(.)\/*$/, '$1/')
  const at = (key: string) => ({ Bucket, Key: prefix + key })
  return {
    list: async (below, folders = false) => {
      const found: string[] = []
      for (let token: string | undefined; ; ) {
        const page = { ContinuationToken: token, ...(folders ? { Delimiter: '/' } : {}) }
        const answer = await client.send(
          new s3.ListObjectsV2Command({ Bucket, Prefix: prefix + below, ...page }),
        )
        const keys = [
          ...(answer.Contents ?? []).map((one) => one.Key),
          ...(answer.CommonPrefixes ?? []).map((one) => one.Prefix),
        ]
        found.push(...keys.map((key) => (key ?? '').slice(prefix.length)))
        token = answer.NextContinuationToken
        if (!token) return found
      }
    },
    get: async (key) => {
      const { Body } = await client.send(new s3.GetObjectCommand(at(key)))
      return Buffer.from((await Body?.transformToByteArray()) ?? [])
    },
    put: async (key, bytes) => {
      await client.send(new s3.PutObjectCommand({ ...at(key), Body: bytes }))
    },
    remove: async (key) => {
      await client.send(new s3.DeleteObjectCommand(at(key)))
    },
    sign: async (key) => {
      const { getSignedUrl } = await import('@aws-sdk/s3-request-presigner')
      return getSignedUrl(client, new s3.GetObjectCommand(at(key)), { expiresIn: 600 })
    },
  }
}

function clientFor(cluster: Cluster, location: Thing, Client: typeof S3Client): S3Client {
  const { store, world } = cluster
  const mounted = listAt(store.find('Deployment', 'velero', 'velero'), 'spec', 'template', 'spec', 'volumes')
  const secretName =
    mounted.map((one) => textAt(one, 'secret', 'secretName')).find(Boolean) ?? 'velero-credentials'
  const name = textAt(location, 'spec', 'credential', 'name') || secretName
  const secret = store.find('Secret', 'velero', name)
  if (!secret) throw new Error(`unable to get credentials: secrets "${name}" not found`)
  const ini = Buffer.from(
    textAt(secret, 'data', textAt(location, 'spec', 'credential', 'key') || 'cloud'),
    'base64',
  ).toString()
  const entry = (key: string) => ini.match(new RegExp(`^\\s*${key}\\s*=\\s*(\\S+)`, 'm'))?.[1] ?? ''
  const { host, port } = world.addresses.spaces
  // Manifests carry the public address; in the box it is the simulated Spaces.
  const wanted = textAt(location, 'spec', 'config', 's3Url')
  const endpoint = /\.digitaloceanspaces\.com\/?$/.test(wanted) ? `http://${host}:${port}` : wanted
  return new Client({
    region: textAt(location, 'spec', 'config', 'region') || 'us-east-1',
    endpoint,
    forcePathStyle: true,
    maxAttempts: 2,
    credentials: { accessKeyId: entry('aws_access_key_id'), secretAccessKey: entry('aws_secret_access_key') },
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    customUserAgent: 'velero (paper)',
  })
}
