import { createHash } from 'node:crypto'
import { Refusal } from './refusal.ts'

/**
 * The object's bytes in a request's body: compared with the digests that the headers state, and freed from
 * `aws-chunked` framing (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html). The signatures of
 * single chunks are not checked. A checksum behind the body is refused: stores built on Ceph, as Spaces are, kept such
 * framing as a part of the object (vmware-tanzu/velero#9951).
 * @param payload what the signature says about the body
 * @throws Refusal when bytes or length differ from what was stated
 */
export function readBody(raw: Buffer, headers: Readonly<Record<string, string>>, payload: string): Buffer {
  if (headers['x-amz-trailer'] || payload.endsWith('-TRAILER'))
    throw new Refusal('NotImplemented', 'A checksum behind the body (x-amz-trailer) is not known here.')
  const framed = payload.startsWith('STREAMING-') || /\baws-chunked\b/.test(headers['content-encoding'] ?? '')
  const body = framed ? unchunk(raw) : raw
  const digest = (algorithm: string, encoding: 'hex' | 'base64') =>
    createHash(algorithm).update(body).digest(encoding)
  if (/^[0-9a-f]{64}$/.test(payload) && digest('sha256', 'hex') !== payload)
    throw new Refusal('XAmzContentSHA256Mismatch')
  if (headers['content-md5'] && digest('md5', 'base64') !== headers['content-md5'])
    throw new Refusal('BadDigest')
  if (framed && Number(headers['x-amz-decoded-content-length'] ?? body.length) !== body.length)
    throw new Refusal('IncompleteBody')
  return body
}

function unchunk(raw: Buffer): Buffer {
  const pieces: Buffer[] = []
  for (let at = 0; ; ) {
    const line = raw.indexOf('\r\n', at)
    const size = Number.parseInt(raw.toString('latin1', at, line), 16)
    if (line < 0 || !(size >= 0)) throw new Refusal('IncompleteBody')
    if (size === 0) return Buffer.concat(pieces)
    pieces.push(raw.subarray(line + 2, line + 2 + size))
    at = line + 2 + size + 2
  }
}
