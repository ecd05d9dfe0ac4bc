import { createHash } from 'node:crypto'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { Refusal } from './refusal.ts'

/** What is known of a bucket. */
export interface Bucket {
  name: string
  /** ISO 8601. */
  at: string
  /** Whether earlier versions of its objects are kept. */
  versioned?: true
  lifecycle?: Lifecycle
}

/** What a bucket's lifecycle rule removes, in days; a delete marker goes with the last version behind it. */
interface Lifecycle {
  noncurrentDays?: number
  uploadDays?: number
  expiredMarkers: boolean
}

/** What is known of an object besides its bytes; `headers` are those it was written with. */
export interface Meta {
  etag: string
  size: number
  /** ISO 8601. */
  at: string
  headers: Record<string, string>
  /** Of an object written to a bucket that keeps versions. */
  version?: string
  /** Nothing is there since: a delete marker. */
  marker?: true
}

/** Where earlier versions and delete markers lie, as `<bucket>/<key>/<version>`, beside the buckets: no bucket's name. */
export const past = '.past'

/** Where uploads in parts wait: no bucket's name either. The upload's own object keeps the headers it began with. */
export const waiting = '.uploads'

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

  /** Changes what is set for a bucket. */
  configure(name: string, settings: Partial<Bucket>): void {
    write(join(this.#root, name, '@bucket'), JSON.stringify({ ...this.bucket(name), ...settings }))
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
    const folder = this.#folder(bucket)
    if (existsSync(folder)) walk(folder, '')
    return keys.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  }

  meta(bucket: string, key: string): Meta | undefined {
    return readJson<Meta>(`${this.#file(bucket, key)}meta`)
  }

  bytes(bucket: string, key: string): Buffer {
    return readFileSync(this.#file(bucket, key))
  }

  /** Bytes of an object from a first to a last one, without reading the others: kopia asks for some of 20 MB. */
  part(bucket: string, key: string, from: number, to: number): Buffer {
    const file = openSync(this.#file(bucket, key), 'r')
    try {
      const part = Buffer.alloc(to - from + 1)
      return part.subarray(0, readSync(file, part, 0, part.length, from))
    } finally {
      closeSync(file)
    }
  }

  put(bucket: string, key: string, bytes: Buffer, headers: Meta['headers'] = {}, etag = md5(bytes)): Meta {
    const version = this.bucket(bucket)?.versioned ? this.#retire(bucket, key) : undefined
    const meta: Meta = { etag, size: bytes.length, at: new Date().toISOString(), headers }
    return this.restore(bucket, key, bytes, version ? { ...meta, version } : meta)
  }

  /** Writes an object with what is known of it, as it was. */
  restore(bucket: string, key: string, bytes: Buffer, meta: Meta): Meta {
    const file = this.#file(bucket, key)
    write(file, bytes)
    write(`${file}meta`, JSON.stringify(meta))
    return meta
  }

  /** Removes an object; where versions are kept, a delete marker takes its place. @returns the marker's version */
  remove(bucket: string, key: string): string | undefined {
    if (!this.bucket(bucket)?.versioned) {
      this.erase(bucket, key)
      return undefined
    }
    const version = this.#retire(bucket, key)
    const meta: Meta = { etag: '', size: 0, at: new Date().toISOString(), headers: {}, version, marker: true }
    this.restore(past, `${bucket}/${key}/${version}`, Buffer.alloc(0), meta)
    return version
  }

  /** Removes an object for good. */
  erase(bucket: string, key: string): void {
    for (const file of ['', 'meta']) rmSync(this.#file(bucket, key) + file, { force: true })
  }

  /** Moves the current object, if there is one, to the earlier versions. @returns the next version's name */
  #retire(bucket: string, key: string): string {
    const meta = this.meta(bucket, key)
    if (meta) {
      this.restore(past, `${bucket}/${key}/${meta.version ?? 'null'}`, this.bytes(bucket, key), meta)
      this.erase(bucket, key)
    }
    return nextVersion()
  }

  #file(bucket: string, key: string): string {
    if (Buffer.byteLength(key) > 1024) throw new Refusal('KeyTooLongError')
    return `${join(this.#folder(bucket), ...key.split('/').map(encode))}@`
  }

  #folder = (bucket: string) => (bucket === past ? `${this.#root}-past` : join(this.#root, bucket))
}

let last = 0

/** Names of versions sort by their age, also over restarts. */
function nextVersion(): string {
  last = Math.max(Date.now() * 1000, last + 1)
  return last.toString(36).padStart(12, '0')
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
