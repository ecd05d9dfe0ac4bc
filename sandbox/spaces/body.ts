import { createHash } from 'node:crypto'
import { Refusal } from './refusal.ts'
import type { Signer } from './signature.ts'

/**
 * The object's bytes in a request's body: checked against what was signed, and freed from `aws-chunked` framing
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html).
 * @throws Refusal when bytes, length or a chunk's signature differ from what the headers say
 */
export function readBody(raw: Buffer, headers: Readonly<Record<string, string>>, signer: Signer): Buffer {
  const streamed =
    signer.payload.startsWith('STREAMING-') || /\baws-chunked\b/.test(headers['content-encoding'] ?? '')
  const body = streamed ? unchunk(raw, signer.payload.startsWith('STREAMING-AWS4') ? signer : undefined) : raw
  if (/^[0-9a-f]{64}$/.test(signer.payload) && digest('sha256', body, 'hex') !== signer.payload)
    throw new Refusal(
      'XAmzContentSHA256Mismatch',
      'The provided x-amz-content-sha256 does not match what was computed.',
    )
  const stated = headers['x-amz-decoded-content-length']
  if (streamed && stated !== undefined && Number(stated) !== body.length)
    throw new Refusal('IncompleteBody', 'The body is not as long as x-amz-decoded-content-length says.')
  const md5 = headers['content-md5']
  if (md5 && digest('md5', body, 'base64') !== md5)
    throw new Refusal('BadDigest', 'The Content-MD5 you specified did not match what was received.')
  return body
}

function unchunk(raw: Buffer, signer: Signer | undefined): Buffer {
  const pieces: Buffer[] = []
  for (let at = 0; ; ) {
    const line = raw.indexOf('\r\n', at)
    const head =
      line < 0
        ? undefined
        : /^([0-9a-f]+)(?:;chunk-signature=([0-9a-f]{64}))?$/i.exec(raw.toString('latin1', at, line))
    if (!head) throw new Refusal('IncompleteBody', 'The chunked body ends or breaks before its last chunk.')
    const size = Number.parseInt(head[1] ?? '', 16)
    const piece = raw.subarray(line + 2, line + 2 + size)
    if (signer && signer.chunk(piece) !== head[2])
      throw new Refusal('SignatureDoesNotMatch', 'The signature of a chunk does not match.')
    if (size === 0) {
      if (signer?.payload.endsWith('-TRAILER')) checkTrailer(raw.toString('latin1', line + 2), signer)
      return Buffer.concat(pieces)
    }
    pieces.push(piece)
    at = line + 2 + size + 2
  }
}

function checkTrailer(text: string, signer: Signer): void {
  const lines = text.split('\r\n').filter(Boolean)
  const stated = lines.find((line) => line.startsWith('x-amz-trailer-signature:'))?.split(':')[1]
  const signed = lines
    .filter((line) => !line.startsWith('x-amz-trailer-signature:'))
    .map((line) => `${line}\n`)
  if (signer.chunk(Buffer.from(signed.join(''), 'latin1'), true) !== stated)
    throw new Refusal('SignatureDoesNotMatch', 'The signature of the trailer does not match.')
}

function digest(algorithm: string, data: Buffer, encoding: 'hex' | 'base64'): string {
  return createHash(algorithm).update(data).digest(encoding)
}
