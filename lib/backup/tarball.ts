import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { extract } from 'tar-stream'
import { z } from 'zod'
import type { Bucket } from '../clients/s3.ts'
import { keepHeapSmall } from '../heap.ts'
import { Problem } from '../problem.ts'

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

/** Goes through all objects of a backup, as its tarball holds them. @throws Problem when it cannot be read */
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
    const tar = extract()
    // Opened as it is read: thousands of objects need not lie in memory at the same time.
    const opened = pipeline(Readable.from([bytes]), createGunzip(), tar)
    opened.catch(() => {}) // the loop below throws the same
    for await (const entry of tar) {
      // Each object stands there once more below `<version>-preferredversion`.
      const [, resource] =
        entry.header.name.match(/^resources\/([^/]+)\/(?:namespaces|cluster)\/.*\.json$/) ?? []
      const chunks: Buffer[] = []
      for await (const chunk of entry as AsyncIterable<Buffer>) if (resource) chunks.push(chunk)
      if (resource) visit(resource, asManifest(JSON.parse(Buffer.concat(chunks).toString())))
    }
    await opened
  } catch (cause) {
    throw new Problem(
      `${key} in ${bucket.name} cannot be read: ${cause instanceof Error ? cause.message : cause}`,
      {
        cure: 'It was altered or is damaged. Choose another backup.',
        cause,
      },
    )
  }
}
