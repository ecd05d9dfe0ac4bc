import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Refusal } from './refusal.ts'

/** What is known of a bucket. */
export interface Bucket {
  name: string
  /** ISO 8601. */
  at: string
}

/** What is known of an object besides its bytes; `headers` are those it was written with. */
export interface Meta {
  etag: string
  size: number
  /** ISO 8601. */
  at: string
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

  buckets(): Bucket[] {
    return existsSync(this.#root) ? readdirSync(this.#root).flatMap((name) => this.bucket(name) ?? []) : []
  }

  bucket(name: string): Bucket | undefined {
    if (!/^[a-z0-9][a-z0-9-]{2,62}$/.test(name)) return undefined
    return readJson<Bucket>(join(this.#root, name, '@bucket'))
  }

  createBucket(name: string): void {
    if (!/^[a-z0-9][a-z0-9-]{2,62}$/.test(name)) throw new Refusal('InvalidBucketName')
    write(join(this.#root, name, '@bucket'), JSON.stringify({ name, at: new Date().toISOString() }))
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

  put(bucket: string, key: string, bytes: Buffer, headers: Meta['headers'] = {}, etag = md5(bytes)): Meta {
    const file = this.#file(bucket, key)
    const meta: Meta = { etag, size: bytes.length, at: new Date().toISOString(), headers }
    write(file, bytes)
    write(`${file}meta`, JSON.stringify(meta))
    return meta
  }

  remove(bucket: string, key: string): void {
    for (const file of ['', 'meta']) rmSync(this.#file(bucket, key) + file, { force: true })
  }

  #file(bucket: string, key: string): string {
    if (Buffer.byteLength(key) > 1024) throw new Refusal('KeyTooLongError')
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
