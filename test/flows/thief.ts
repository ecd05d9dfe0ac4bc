import { gunzipSync, gzipSync } from 'node:zlib'
import { pack } from 'tar-stream'
import { Secret } from '../../lib/base/secret.ts'
import { type Bucket, connectStore } from '../../lib/clients/s3.ts'
import { confirmed, type TestBox, withBucket } from './box.ts'
import type { Shop } from './shop.ts'

// Whoever has the key that lies in a SIMULATED cluster, and what they can do with it.

/** The backups' bucket, opened with what a thief finds in the cluster. */
export async function asThief(box: TestBox, shop: Shop): Promise<Bucket> {
  const text = await shop.kubectl('get secret velero-credentials -n velero -o jsonpath={.data.cloud}')
  const ini = Buffer.from(text, 'base64').toString()
  const entry = (name: string) => new RegExp(`${name}\\s*=\\s*(\\S+)`).exec(ini)?.[1] ?? ''
  const key = { accessKey: entry('aws_access_key_id'), secretKey: new Secret(entry('aws_secret_access_key')) }
  const endpoint = box.env.REGROW_SPACES_URL?.replace('{region}', 'fra1') ?? ''
  return (await connectStore(endpoint, 'fra1', key)).bucket(withBucket(box.dir, confirmed()[3] ?? ''))
}

/** An object in a tarball: its path below `resources/`, and what lies there. */
export type Planted = readonly [path: string, object: object]

/** A tarball as Velero writes it. */
export async function tarballOf(objects: readonly Planted[]): Promise<Buffer> {
  const tar = pack()
  for (const [path, one] of objects) tar.entry({ name: `resources/${path}` }, JSON.stringify(one))
  tar.finalize()
  const pieces: Buffer[] = []
  for await (const piece of tar) pieces.push(piece as Buffer)
  return gzipSync(Buffer.concat(pieces))
}

/** Changes a file of a backup that is compressed JSON. */
export async function rewrite(bucket: Bucket, key: string, change: (text: string) => string): Promise<void> {
  const text = gunzipSync((await bucket.get(key)) ?? '').toString()
  await bucket.put(key, gzipSync(change(text)))
}

/** Puts a whole backup into the bucket that no cluster made: the description of another, with objects of one's own. */
export async function plant(
  bucket: Bucket,
  { name, like, start }: { name: string; like: string; start: string },
  objects: readonly Planted[],
): Promise<void> {
  const file = JSON.parse(
    Buffer.from((await bucket.get(`backups/${like}/velero-backup.json`)) ?? '').toString(),
  )
  file.metadata.name = name
  file.status = { ...file.status, startTimestamp: start, completionTimestamp: start }
  await bucket.put(`backups/${name}/${name}.tar.gz`, await tarballOf(objects))
  await bucket.put(`backups/${name}/${name}-volumeinfo.json.gz`, gzipSync('[]'))
  await bucket.put(`backups/${name}/${name}-resource-list.json.gz`, gzipSync('{}'))
  await bucket.put(`backups/${name}/velero-backup.json`, JSON.stringify(file))
}

/** Copies a backup under another name, file by file, as it is. */
export async function copyBackup(bucket: Bucket, from: string, to: string): Promise<void> {
  for (const { key } of await bucket.list(`backups/${from}/`)) {
    const file = key.slice(`backups/${from}/`.length)
    const bytes = (await bucket.get(key)) ?? ''
    const isOwn = file === 'velero-backup.json'
    const text = isOwn ? Buffer.from(bytes).toString().replaceAll(`"${from}"`, `"${to}"`) : bytes
    await bucket.put(`backups/${to}/${file.replace(from, to)}`, text)
  }
}
