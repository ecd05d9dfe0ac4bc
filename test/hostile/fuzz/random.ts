import { evil } from '../ground.ts'

// Inputs drawn from a number: the same number draws the same input.

/** What is drawn from one seed (mulberry32). */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** A number from 0 up to 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }

  below = (most: number): number => Math.floor(this.next() * most)
  pick = <T>(of: readonly T[]): T => of[this.below(of.length)] as T
  maybe = (chance = 0.5): boolean => this.next() < chance

  /** A text that a person would not give. */
  text(): string {
    const any = () =>
      String.fromCodePoint(this.pick([this.below(128), this.below(0x300), this.below(0xd800)]))
    return this.pick([
      () => evil,
      ...Array.from({ length: 5 }, () => () => this.pick(texts)),
      () => Array.from({ length: this.below(40) }, any).join(''),
      () => 'x'.repeat(this.pick([64, 254, 5000])),
    ])()
  }

  /** A value of JSON that does not belong there. */
  value(depth = 0): unknown {
    return this.pick([
      ...Array.from({ length: 4 }, () => () => this.text()),
      () => this.pick([null, true, false, 0, -1, 1e308, 1.5, 2 ** 53, '', [], {}]),
      () => (depth > 2 ? [] : Array.from({ length: this.below(4) }, () => this.value(depth + 1))),
      () =>
        depth > 2 ? {} : { [this.text()]: this.value(depth + 1), [this.pick(keys)]: this.value(depth + 1) },
      () => nested(this.pick([3, 240, 3000])),
    ])()
  }

  /** The same value with something in it replaced, taken away, put in or repeated. */
  mutated(value: unknown): unknown {
    if (typeof value !== 'object' || value === null || this.maybe(0.1)) return this.value()
    if (Array.isArray(value)) {
      const list = [...value]
      const at = this.below(list.length)
      const how = list.length === 0 ? 0 : this.below(8)
      if (how === 0) list.push(this.value())
      else if (how === 1) list.push(list[at])
      else if (how === 2) list.splice(at, 1)
      else list[at] = this.mutated(list[at])
      return list
    }
    const entries = Object.entries(value)
    const at = this.below(entries.length)
    const [key, inner] = entries[at] ?? ['', undefined]
    const how = entries.length === 0 ? 0 : this.below(8)
    if (how === 0) entries.push([this.pick([this.text(), ...keys]), this.value()])
    else if (how === 1) entries.splice(at, 1)
    else entries[at] = this.maybe(0.05) ? [this.text(), inner] : [key, this.mutated(inner)]
    return Object.fromEntries(entries)
  }

  /** The same value after some changes; now and then as it was. */
  changed<T>(value: T): unknown {
    let now: unknown = value
    for (let left = this.below(4); left > 0; left--) now = this.mutated(now)
    return now
  }

  /** Bytes with something flipped, cut off, put in or in front; now and then others altogether. */
  bytes(of: Uint8Array): Buffer {
    const bytes = Buffer.from(of)
    const at = this.below(bytes.length)
    const some = Buffer.from(Array.from({ length: 1 + this.below(20) }, () => this.below(256)))
    return this.pick([
      () => {
        for (let left = 1 + this.below(4); left > 0; left--) bytes[this.below(bytes.length)] = this.below(256)
        return bytes
      },
      () => bytes.subarray(0, at),
      () => Buffer.concat([bytes.subarray(0, at), some, bytes.subarray(at)]),
      () =>
        Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.min(bytes.length, at + this.below(60)))]),
      () => some,
      () => Buffer.alloc(0),
      () => Buffer.from(this.text()),
    ])()
  }

  /** A text as its bytes were changed. */
  garbled = (text: string): string => this.bytes(Buffer.from(text)).toString()
}

const keys = [
  '__proto__',
  'constructor',
  'toString',
  'items',
  'metadata',
  'spec',
  'kind',
  'name',
  '--all',
  'hasOwnProperty',
]
const texts = [
  ...[
    '--all',
    '-o=yaml',
    '--',
    '-',
    '..',
    '../..',
    '/etc/passwd',
    '*',
    '*/*',
    '',
    ' ',
    'a b',
    '$(id)',
    '`id`',
    ';id',
    "'",
    '"',
  ],
  ...[
    'main-1',
    'main-99',
    'main',
    'kube-system',
    'argocd',
    'List',
    'Secret',
    'shop',
    '2099-01-01T00:00:00Z',
    '0001-01-01',
    '9e99',
  ],
  ...[
    '{{ .Values }}',
    '\n+ node main-9  Ready',
    '\r+ node main-9  Ready',
    '\u0000',
    '\u2028',
    '\u{e0041}',
    '\ud800',
    '%00',
    '1e999',
    'NaN',
  ],
  ...[
    '__proto__',
    'constructor',
    '127.0.0.1',
    '0.0.0.0/0',
    'http://169.254.169.254',
    'v1.2.3',
    'a'.repeat(64),
  ],
]

function nested(depth: number): unknown {
  let value: unknown = 0
  for (let left = depth; left > 0; left--) value = left % 2 ? [value] : { a: value }
  return value
}
