import { Refusal } from './refusal.ts'
import type { Tree } from './tree.ts'

// Field numbers of k8s.io/api/core/v1/generated.proto: what `kubectl create` sends that way since 1.33. Values are
// texts (t), maps of texts (m) or maps of bytes (b).
const kinds: Record<string, Record<number, [name: string, type: 't' | 'm' | 'b']>> = {
  Namespace: {},
  ServiceAccount: {},
  ConfigMap: { 2: ['data', 'm'], 3: ['binaryData', 'b'] },
  Secret: { 2: ['data', 'b'], 3: ['type', 't'], 4: ['stringData', 'm'] },
}
const metadata = {
  1: ['name', 't'],
  2: ['generateName', 't'],
  3: ['namespace', 't'],
  11: ['labels', 'm'],
  12: ['annotations', 'm'],
} as const

/** Reads the few kinds above from Kubernetes' protobuf. @throws Refusal 415 for any other */
export function fromProtobuf(bytes: Buffer): Tree {
  const [type, raw] = [1, 2].map(
    (number) => parts(bytes.subarray(4)).find((one) => one.number === number)?.value,
  )
  const [apiVersion, kind = ''] = parts(type ?? Buffer.of()).map((one) => one.value.toString())
  const shape = kinds[kind]
  if (!shape || !raw)
    throw new Refusal(
      415,
      'UnsupportedMediaType',
      `paper cluster: it reads no ${kind} in protobuf, only JSON`,
    )
  const meta = parts(raw).find((one) => one.number === 1)?.value ?? Buffer.of()
  return { apiVersion, kind, metadata: decoded(meta, metadata), ...decoded(raw, shape) }
}

function decoded(bytes: Buffer, shape: Record<number, readonly [string, 't' | 'm' | 'b']>): Tree {
  const tree: Tree = {}
  for (const { number, value } of parts(bytes)) {
    const [name, type] = shape[number] ?? []
    if (!name) continue
    if (type === 't') {
      if (value.length > 0) tree[name] = value.toString()
      continue
    }
    const [key, entry] = [1, 2].map(
      (one) => parts(value).find((part) => part.number === one)?.value ?? Buffer.of(),
    )
    tree[name] = {
      ...(tree[name] as Tree | undefined),
      [String(key)]: entry?.toString(type === 'b' ? 'base64' : 'utf8'),
    }
  }
  return tree
}

/** The length-delimited fields of a message; numbers are passed over. */
function parts(bytes: Buffer): { number: number; value: Buffer }[] {
  const found: { number: number; value: Buffer }[] = []
  let at = 0
  const varint = () => {
    for (let value = 0, shift = 0; ; shift += 7) {
      const byte = bytes[at++] ?? 0
      value |= (byte & 127) << shift
      if (byte < 128) return value
    }
  }
  while (at < bytes.length) {
    const tag = varint()
    const length = varint()
    if ((tag & 7) !== 2) continue
    found.push({ number: tag >> 3, value: bytes.subarray(at, at + length) })
    at += length
  }
  return found
}
