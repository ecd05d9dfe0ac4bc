import { createHash, randomBytes } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { Refusal } from './refusal.ts'

/** What is known of an object besides its bytes; `headers` are those it was written with. */
export interface Meta {
  etag: string
  size: number
  /** ISO 8601. */
  at: string
  headers: Record<string, string>
}

/** An upload in parts that was neither completed nor aborted. */
export interface Upload {
  bucket: string
  key: string
  headers: Record<string, string>
}

/**
 * Buckets as folders. An object is a file `<key>@` with its `<key>@meta` beside it: the `@`, which no encoded key
 * contains, keeps the object `a` apart from the folder of `a/b`.
 */
export class Storage {
  readonly #root: string

  constructor(root: string) {
    this.#root = root
  }

  buckets(): { name: string; region: string; at: string }[] {
    if (!existsSync(this.#root)) return []
    return readdirSync(this.#root)
      .filter((name) => !name.startsWith('.'))
      .flatMap((name) => this.bucket(name) ?? [])
  }

  bucket(name: string): { name: string; region: string; at: string } | undefined {
    if (!/^[a-z0-9][a-z0-9.-]{2,62}$/.test(name)) return undefined
    return readJson<{ name: string; region: string; at: string }>(join(this.#root, name, '@bucket'))
  }

  createBucket(name: string, region: string): void {
    if (!/^[a-z0-9][a-z0-9-]{2,62}$/.test(name))
      throw new Refusal('InvalidBucketName', 'The specified bucket is not valid.')
    write(join(this.#root, name, '@bucket'), JSON.stringify({ name, region, at: new Date().toISOString() }))
  }

  removeBucket(name: string): void {
    rmSync(join(this.#root, name), { recursive: true, force: true })
  }

  /** All keys of a bucket in the order of their UTF-8 bytes. */
  keys(bucket: string): string[] {
    const keys: string[] = []
    const walk = (folder: string, prefix: string) => {
      for (const entry of readdirSync(folder, { withFileTypes: true })) {
        if (entry.isDirectory()) walk(join(folder, entry.name), `${prefix}${decode(entry.name)}/`)
        else if (entry.name.endsWith('@')) keys.push(prefix + decode(entry.name.slice(0, -1)))
      }
    }
    walk(join(this.#root, bucket), '')
    return keys.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  }

  meta(bucket: string, key: string): Meta | undefined {
    return readJson<Meta>(`${this.#file(bucket, key)}meta`)
  }

  bytes(bucket: string, key: string): Buffer {
    return readFileSync(this.#file(bucket, key))
  }

  put(bucket: string, key: string, bytes: Buffer, headers: Record<string, string>, etag = md5(bytes)): Meta {
    const file = this.#file(bucket, key)
    const meta: Meta = { etag, size: bytes.length, at: new Date().toISOString(), headers }
    write(file, bytes)
    write(`${file}meta`, JSON.stringify(meta))
    return meta
  }

  remove(bucket: string, key: string): void {
    const file = this.#file(bucket, key)
    rmSync(file, { force: true })
    rmSync(`${file}meta`, { force: true })
  }

  startUpload(upload: Upload): string {
    const id = randomBytes(16).toString('hex')
    write(this.#part(id, 'upload'), JSON.stringify(upload))
    return id
  }

  upload(bucket: string, key: string, id: string): Upload {
    const upload = readJson<Upload>(this.#part(id, 'upload'))
    if (upload?.bucket !== bucket || upload.key !== key)
      throw new Refusal('NoSuchUpload', 'The specified multipart upload does not exist.')
    return upload
  }

  putPart(id: string, number: number, bytes: Buffer): string {
    write(this.#part(id, String(number)), bytes)
    return md5(bytes)
  }

  /** The parts that are there, by number. */
  parts(id: string): { number: number; bytes: Buffer; etag: string; at: string }[] {
    const names = readdirSync(dirname(this.#part(id, 'upload'))).filter((name) => /^\d+$/.test(name))
    return names
      .map((name) => {
        const bytes = readFileSync(this.#part(id, name))
        const at = statSync(this.#part(id, name)).mtime.toISOString()
        return { number: Number(name), bytes, etag: md5(bytes), at }
      })
      .sort((a, b) => a.number - b.number)
  }

  uploads(bucket: string): (Upload & { id: string })[] {
    const root = join(this.#root, '.uploads')
    if (!existsSync(root)) return []
    return readdirSync(root).flatMap((id) => {
      const upload = readJson<Upload>(this.#part(id, 'upload'))
      return upload?.bucket === bucket ? [{ ...upload, id }] : []
    })
  }

  endUpload(id: string): void {
    rmSync(dirname(this.#part(id, 'upload')), { recursive: true, force: true })
  }

  #part(id: string, name: string): string {
    return join(this.#root, '.uploads', id.replace(/[^0-9a-f]/g, 'x'), name)
  }

  #file(bucket: string, key: string): string {
    if (Buffer.byteLength(key) > 1024) throw new Refusal('KeyTooLongError', 'Your key is too long.')
    return `${join(this.#root, bucket, ...key.split('/').map(encode))}@`
  }
}

/** The MD5 in hex, which S3 calls an ETag. */
export const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex')

/** One part of a key as a file name: `%` stands for an empty one, and dots alone must not lead anywhere. */
function encode(part: string): string {
  if (part === '') return '%'
  return /^\.+$/.test(part) ? part.replaceAll('.', '%2E') : encodeURIComponent(part)
}

const decode = (name: string) => (name === '%' ? '' : decodeURIComponent(name))

function write(file: string, content: string | Uint8Array): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(`${file}.new`, content, { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

function readJson<T>(file: string): T | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as T
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}
