import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createGzip } from 'node:zlib'
import { volumeEntries } from '../../lib/backup/backed.ts'
import { backedObjects } from '../../lib/backup/objects.ts'
import { Secret } from '../../lib/base/secret.ts'
import { connectStore } from '../../lib/clients/s3.ts'
import { steadyFetch } from '../../lib/clients/steady-fetch.ts'
import { readReport } from '../../lib/store/nodes.ts'

// Reads something that is small where it lies and large where it is opened, or has no end, from a store that serves it: in a
// process of its own, whose memory is measured. `read-bomb.mts WHAT` prints what came of it, and the most memory in MiB.

const [what = ''] = process.argv.slice(2)
const mib = 1024 ** 2
const blanks = Buffer.alloc(mib, 0x20)

/** A beginning, so many MiB of blanks and an ending, packed. */
async function packed(begin: string | Buffer, count: number, end: string): Promise<Buffer> {
  const zip = createGzip({ level: 9 })
  const pieces: Buffer[] = []
  zip.on('data', (piece: Buffer) => pieces.push(piece))
  const done = new Promise((resolve) => zip.once('end', resolve))
  zip.write(begin)
  for (let n = 0; n < count; n++)
    if (!zip.write(blanks)) await new Promise((resolve) => zip.once('drain', resolve))
  zip.end(end)
  await done
  return Buffer.concat(pieces)
}

/** The header of a tar's entry, whatever its size and type. `L` is the name of the next one. */
function header(name: string, bytes: number, type: string): Buffer {
  const head = Buffer.alloc(512)
  head.write(name, 0)
  head.write('0000644\0', 100)
  head.write(`${bytes.toString(8).padStart(11, '0')}\0`, 124)
  head.write(type, 156)
  head.write('ustar  \0', 257)
  head.fill(' ', 148, 156)
  const sum = head.reduce((all, byte) => all + byte, 0)
  head.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return head
}

const object = 'resources/configmaps/namespaces/x/y.json'
const made: Record<string, () => Promise<Buffer>> = {
  volumes: () => packed('', 400, '[]'),
  values: () => packed(`[${'{},'.repeat(2.6 * mib)}{}]`, 0, ''),
  object: () => packed(header(object, 400 * mib, '0'), 400, ''),
  name: () => packed(header('././@LongLink', 400 * mib, 'L'), 400, ''),
}
const served = await made[what]?.()

/** A page of a list behind which there is always another; `blank` ones have nothing in them, `long` ones long names. */
function pageOf(kind: 'ListBucketResult' | 'ListVersionsResult'): string {
  const isVersions = kind === 'ListVersionsResult'
  const entry = (n: number) => {
    const at = `<Key>backups/${'x'.repeat(what === 'long' ? 900 : 50)}${n}</Key><Size>1</Size><LastModified>2026-11-30T10:00:00Z</LastModified>`
    return isVersions ? `<Version>${at}<VersionId>v</VersionId></Version>` : `<Contents>${at}</Contents>`
  }
  const entries = what === 'blank' ? '' : Array.from({ length: 1000 }, (_, n) => entry(n)).join('')
  const next = isVersions
    ? '<NextKeyMarker>a</NextKeyMarker>'
    : '<NextContinuationToken>a</NextContinuationToken>'
  return `<?xml version="1.0"?><${kind}><IsTruncated>true</IsTruncated>${next}${entries}</${kind}>`
}
const pages: Record<string, string> = {
  list: pageOf('ListBucketResult'),
  versions: pageOf('ListVersionsResult'),
  blank: pageOf('ListVersionsResult'),
  long: pageOf('ListVersionsResult'),
}

const server = createServer(async (_request, response) => {
  const page = pages[what]
  if (page !== undefined) {
    response.writeHead(200, { 'content-type': 'application/xml', 'content-length': page.length })
    return void response.end(page)
  }
  response.writeHead(200, served ? { 'content-length': served.length } : {})
  if (served) return void response.end(served)
  response.on('error', () => {})
  // Without an end, and without a length.
  for (let n = 0; n < 600 && !response.destroyed; n++)
    if (!response.write(blanks))
      await new Promise((resolve) => response.once('drain', resolve).once('close', resolve))
  response.end()
})
await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
const key = { accessKey: 'a', secretKey: new Secret('secret-of-nobody') }
const bucket = (await connectStore(url, 'us-east-1', key)).bucket('kept')

const read: Record<string, () => Promise<unknown>> = {
  volumes: () => volumeEntries(bucket, 'evil'),
  values: () => volumeEntries(bucket, 'evil'),
  object: () => backedObjects(bucket, 'evil'),
  name: () => backedObjects(bucket, 'evil'),
  report: async () => (await readReport(bucket, 'main-1', 'k3s')) ?? 'no report',
  endless: () => backedObjects(bucket, 'evil'),
  answer: () => steadyFetch(url),
  list: () => bucket.list('nodes/'),
  versions: () => bucket.versions('backups/'),
  blank: () => bucket.versions('backups/'),
  long: () => bucket.versions('backups/'),
}
const came = await (read[what] ?? (() => Promise.reject(new Error('what?'))))().catch(
  (error: Error) => error.message,
)
process.stdout.write(`${JSON.stringify({ came, mib: Math.round(process.resourceUsage().maxRSS / 1024) })}\n`)
process.exit()
