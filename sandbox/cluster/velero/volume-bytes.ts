import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { gunzipSync, gzipSync } from 'node:zlib'
import { extract, pack } from 'tar-stream'
import type { Cluster } from '../cluster.ts'
import { whole } from '../tar.ts'
import { textAt } from '../tree.ts'

/** What is moved is locked with the repository's password, as kopia would (though in another format). */
function repositoryKey({ store }: Cluster): Buffer {
  const secret = store.get('Secret', 'velero', 'velero-repo-credentials')
  return createHash('sha256')
    .update(textAt(secret, 'data', 'repository-password'))
    .digest()
}

/** A volume's folder as an archive. */
export async function packed(folder: string): Promise<Buffer> {
  const tar = pack()
  const names = existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort() : []
  for (const name of names.filter((one) => statSync(join(folder, one)).isFile()))
    tar.entry({ name, mtime: new Date(0) }, readFileSync(join(folder, name)))
  tar.finalize()
  return gzipSync(await whole(tar))
}

/** Makes a volume's folder what an archive holds. */
export async function unpack(folder: string, bytes: Buffer): Promise<void> {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const entries = extract()
  Readable.from(gunzipSync(bytes)).pipe(entries)
  for await (const entry of entries) {
    const file = join(folder, entry.header.name)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, await whole(entry))
  }
}

/** The same bytes, locked for the key they are put under: kopia, too, opens a content only as what its name says. */
export function encrypted(cluster: Cluster, key: string, bytes: Buffer): Buffer {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', repositoryKey(cluster), nonce).setAAD(Buffer.from(key))
  const locked = Buffer.concat([cipher.update(bytes), cipher.final()])
  return Buffer.concat([nonce, cipher.getAuthTag(), locked])
}

/** @throws Error when it was altered, lies elsewhere, or is locked with another repository's password */
export function opened(cluster: Cluster, key: string, locked: Buffer): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', repositoryKey(cluster), locked.subarray(0, 12))
  decipher.setAAD(Buffer.from(key))
  decipher.setAuthTag(locked.subarray(12, 28))
  return Buffer.concat([decipher.update(locked.subarray(28)), decipher.final()])
}
