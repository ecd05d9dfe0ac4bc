import { Readable, Transform, type TransformCallback } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { extract } from 'tar-stream'
import { z } from 'zod'
import { keepHeapSmall } from '../base/heap.ts'
import { parseJson } from '../base/json.ts'
import { Problem } from '../base/problem.ts'
import type { Bucket } from '../clients/s3.ts'
import { Identities, placeOf } from './restore/identity.ts'

const texts = z.record(z.string(), z.string()).optional()

const manifest = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({
    name: z.string(),
    namespace: z.string().optional(),
    uid: z.string().optional(),
    labels: texts,
    annotations: texts,
    ownerReferences: z
      .array(
        z.looseObject({
          kind: z.string(),
          name: z.string(),
          uid: z.string().optional(),
          controller: z.boolean().optional(),
        }),
      )
      .optional(),
  }),
})
/** An object as a backup holds it, or as the API server shows it. */
export type Manifest = z.infer<typeof manifest>

/** Reads one object. @throws ZodError when it is not one */
export const asManifest = (value: unknown): Manifest => manifest.parse(value)

/** `namespace/name`, or the name alone. */
export const idOf = ({ metadata: { namespace, name } }: Manifest) =>
  namespace ? `${namespace}/${name}` : name

/** Bytes of one object as JSON: an API server takes no request beyond 3 MiB. */
const mostOfOne = 8 * 1024 ** 2
/** Objects of one backup, and bytes of all of them. */
const mostObjects = 200_000
const mostOfAll = 4 * 1024 ** 3

/**
 * Goes through all objects of a backup, as its tarball holds them: each is what the place says where it lies.
 * @param visit only keeps in mind what it sees: that something is wrong may be found last
 * @throws Problem when it cannot be read, or something in it is not what it seems
 */
export async function eachObject(
  bucket: Bucket,
  backup: string,
  visit: (resource: string, one: Manifest) => void,
): Promise<void> {
  keepHeapSmall()
  const key = `backups/${backup}/${backup}.tar.gz`
  const bytes = await bucket.get(key)
  if (!bytes) throw new Problem(`${bucket.name} has no ${key}`, { cure: 'Choose another backup.' })
  try {
    const identities = new Identities()
    const measure = new Measure()
    const tar = extract()
    // Opened as it is read: thousands of objects need not lie in memory at the same time.
    const opened = pipeline(Readable.from([bytes]), createGunzip(), measure, tar)
    opened.catch(() => {}) // the loop below throws the same
    for await (const entry of tar) {
      measure.next()
      const place = placeOf(entry.header.name)
      if (place) identities.path(place)
      const chunks: Buffer[] = []
      for await (const chunk of entry as AsyncIterable<Buffer>) if (place) chunks.push(chunk)
      measure.next()
      if (!place) continue
      const one = asManifest(parseJson(Buffer.concat(chunks).toString()))
      identities.object(place, one)
      visit(place.resource, one)
    }
    await opened
    identities.end()
  } catch (cause) {
    throw new Problem(`${key} in ${bucket.name} cannot be read: ${reasonOf(cause)}`, {
      cure: 'It was altered or is damaged. Choose another backup.',
      cause,
    })
  }
}

/** Why something is not an object, in one line. */
function reasonOf(cause: unknown): string {
  if (cause instanceof z.ZodError) return 'something in it is no object of Kubernetes'
  return cause instanceof Error ? cause.message : String(cause)
}

/** Counts what comes out of a tarball, so that a small file does not fill the memory. */
class Measure extends Transform {
  #all = 0
  #one = 0
  #objects = 0

  /** An object begins or has ended. @throws Error when there are too many */
  next(): void {
    this.#one = 0
    if (++this.#objects > 2 * mostObjects) throw new Error(`it holds more than ${mostObjects} objects`)
  }

  override _transform(chunk: Buffer, _: BufferEncoding, done: TransformCallback): void {
    this.#all += chunk.length
    this.#one += chunk.length
    if (this.#one > mostOfOne) done(new Error(`an object in it has more than ${mostOfOne / 1024 ** 2} MiB`))
    else if (this.#all > mostOfAll) done(new Error(`it holds more than ${mostOfAll / 1024 ** 3} GiB`))
    else done(null, chunk)
  }
}
