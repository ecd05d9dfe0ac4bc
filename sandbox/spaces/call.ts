import type { Need } from './key.ts'
import type { Storage } from './storage.ts'
import { document, type Xml } from './xml.ts'

/** One request whose signature was found good. */
export interface Call {
  storage: Storage
  method: string
  /** Empty when the request names no bucket, or no key. */
  bucket: string
  key: string
  query: Record<string, string>
  headers: Readonly<Record<string, string>>
  body: Buffer
  region: string
  /** Checks that the caller's key may do this in another bucket too. @throws Refusal */
  demand(bucket: string, need: Need): void
  /** Counts a write of one object. @throws Refusal SlowDown when it is written too often */
  countWrite(bucket: string, key: string): void
}

/** An answer in XML. */
export const xml = (root: string, content: Xml, status = 200) => xmlText(document(root, content), status)

/** An answer without a body. */
export const empty = (status: number, headers: Record<string, string> = {}) =>
  new Response(null, { status, headers })

/** An answer whose XML is there already. */
export function xmlText(text: string, status = 200): Response {
  return new Response(text, { status, headers: { 'content-type': 'application/xml' } })
}
