import type { Bucket } from '../../lib/clients/s3.ts'
import type { Cluster } from '../../lib/cluster/cluster.ts'
import { type UpstreamFile, upstreamFiles, versionsOf } from '../../lib/cluster/versions.ts'
import { keptKey } from '../../lib/store/upstream.ts'

/** A bucket in memory: what it has by key, and which keys were written. */
export function memoryBucket(name = 'kit'): Bucket & { files: Map<string, Uint8Array>; written: string[] } {
  const files = new Map<string, Uint8Array>()
  const written: string[] = []
  const bucket: Partial<Bucket> = {
    name,
    get: async (key) => files.get(key),
    put: async (key, body) => {
      written.push(key)
      files.set(key, Buffer.from(body as Uint8Array))
    },
    exists: async (key) => files.has(key),
    list: async (prefix = '') =>
      [...files]
        .filter(([key]) => key.startsWith(prefix))
        .map(([key, bytes]) => ({ key, size: bytes.length, at: new Date(0) })),
    sign: async (method, key) => `https://${name}.example/${key}?signed=${method}`,
  }
  return Object.assign(bucket as Bucket, { files, written })
}

/** The file of upstream that has this name under `digests`. */
export function upstreamFile(name: string): UpstreamFile {
  const found = upstreamFiles(versionsOf()).find((one) => one.name === name)
  if (!found) throw new Error(`nothing of upstream is called ${name}`)
  return found
}

/** The key of a copy that must be recorded. */
export const keyOf = (cluster: Cluster, name: string): string => keptKey(cluster, upstreamFile(name)) ?? ''
