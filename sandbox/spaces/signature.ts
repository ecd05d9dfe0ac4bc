import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { SpacesKey } from './key.ts'
import { Refusal } from './refusal.ts'

/** A request as it came over the wire: nothing decoded, because the signature covers it as written. */
export interface Signed {
  method: string
  path: string
  /** The query's names and values, decoded, in their order. */
  pairs: readonly (readonly [string, string])[]
  headers: Readonly<Record<string, string>>
}

/** Who signed, and what the signature says about the body. */
export interface Signer {
  key: SpacesKey
  region: string
  payload: string
}

const minute = 60_000

/**
 * Checks a request's AWS Signature Version 4, in the header or in the URL
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html).
 * @returns undefined when the request is not signed at all
 * @throws Refusal when key, time or signature are wrong
 */
export function checkSignature(
  request: Signed,
  keyOf: (accessKey: string) => SpacesKey | undefined,
  now = Date.now(),
): Signer | undefined {
  const query = Object.fromEntries(request.pairs)
  const inUrl = 'X-Amz-Signature' in query
  const stated = inUrl ? fromUrl(query) : fromHeader(request.headers)
  if (!stated) return undefined
  const [accessKey = '', day = '', region = '', service = '', end = ''] = stated.credential.split('/')
  const key = keyOf(accessKey)
  if (!key) throw new Refusal('InvalidAccessKeyId')
  if (inUrl) checkWindow(stated.date, Number(query['X-Amz-Expires']), now)
  else if (!(Math.abs(parseDate(stated.date) - now) <= 15 * minute)) throw new Refusal('RequestTimeTooSkewed')
  const secret = [day, region, service, end].reduce<string | Buffer>(hmac, `AWS4${key.secret_key}`)
  const scope = [day, region, service, end].join('/')
  const sign = (text: string) => hmac(secret, text).toString('hex')
  const canonical = canonicalRequest(request, stated)
  const signature = sign(['AWS4-HMAC-SHA256', stated.date, scope, sha256(canonical)].join('\n'))
  if (service !== 's3' || !stated.date.startsWith(day) || !same(signature, stated.signature))
    throw new Refusal('SignatureDoesNotMatch')
  return { key, region, payload: stated.payload }
}

interface Stated {
  credential: string
  signedHeaders: string
  signature: string
  date: string
  payload: string
}

function fromHeader(headers: Signed['headers']): Stated | undefined {
  const { authorization, 'x-amz-content-sha256': payload, 'x-amz-date': date = '' } = headers
  if (!authorization) return undefined
  const read = /^AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=(\w+)$/.exec(
    authorization,
  )
  if (!read) throw new Refusal('NotImplemented')
  if (!payload) throw new Refusal('InvalidRequest')
  const [, credential = '', signedHeaders = '', signature = ''] = read
  return { credential, signedHeaders, signature, date, payload }
}

function fromUrl(query: Record<string, string>): Stated {
  const [credential = '', signedHeaders = '', signature = '', date = ''] = [
    'Credential',
    'SignedHeaders',
    'Signature',
    'Date',
  ].map((name) => query[`X-Amz-${name}`])
  return { credential, signedHeaders, signature, date, payload: 'UNSIGNED-PAYLOAD' }
}

function checkWindow(date: string, seconds: number, now: number): void {
  const from = parseDate(date)
  if (!(seconds >= 1 && seconds <= 604_800)) throw new Refusal('AuthorizationQueryParametersError')
  if (!(from - now <= 15 * minute)) throw new Refusal('AccessDenied', 'Request is not yet valid')
  if (now > from + seconds * 1000) throw new Refusal('AccessDenied', 'Request has expired')
}

function canonicalRequest(request: Signed, { signedHeaders, payload }: Stated): string {
  const query = request.pairs
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map((pair) => pair.map(encode))
    .sort((a, b) => compare(a[0], b[0]) || compare(a[1], b[1]))
    .map((pair) => pair.join('='))
    .join('&')
  const headers = signedHeaders
    .split(';')
    .map((name) => `${name}:${(request.headers[name] ?? '').trim().replace(/ +/g, ' ')}\n`)
  return [request.method, request.path, query, headers.join(''), signedHeaders, payload].join('\n')
}

/** As Signature Version 4 encodes: everything but letters, digits and `-_.~`. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

function parseDate(date: string): number {
  return Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
}

const compare = (a = '', b = '') => (a < b ? -1 : a > b ? 1 : 0)
const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest()
const sha256 = (data: string | Uint8Array) => createHash('sha256').update(data).digest('hex')
const same = (a: string, b: string) =>
  a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))
