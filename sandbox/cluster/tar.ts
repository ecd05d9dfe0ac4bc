import { Readable } from 'node:stream'
import { gunzipSync } from 'node:zlib'
import { extract } from 'tar-stream'

/** The texts of a tar.gz by their path. */
export async function untar(bytes: Buffer): Promise<Map<string, string>> {
  const entries = extract()
  Readable.from(gunzipSync(bytes)).pipe(entries)
  const files = new Map<string, string>()
  for await (const entry of entries) {
    const text = (await whole(entry)).toString()
    if (entry.header.type === 'file') files.set(entry.header.name, text)
  }
  return files
}

/** All bytes of a stream. */
export async function whole(stream: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
