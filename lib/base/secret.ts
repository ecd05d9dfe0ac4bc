const known = new Set<string>()

/** A value that must never be printed: it shows as `[redacted]` wherever it is turned into text by accident. */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
    remember(value)
  }

  /** The value itself, for the one place that hands it on by stdin, environment or a 0600 file. */
  reveal(): string {
    return this.#value
  }

  toString(): string {
    return '[redacted]'
  }

  toJSON(): string {
    return '[redacted]'
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '[redacted]'
  }
}

/**
 * Registers a text (8 characters or more) that {@link redact} must take out from now on, in the forms it may appear
 * in: of several lines (a PEM file) each by itself, because logs are indented; in Base64 also where it is a part of
 * what was encoded.
 */
export function remember(value: string): void {
  if (value.length < 8) return
  const lines = value.split('\n').filter((line) => line.length >= 20 && !line.startsWith('-----'))
  if (value.includes('\n')) for (const line of lines) known.add(line)
  for (const part of encodedWithin(value)) known.add(part)
  for (const form of [
    value,
    encodeURIComponent(value),
    JSON.stringify(value).slice(1, -1),
    Buffer.from(value).toString('base64'),
    Buffer.from(value).toString('hex'),
  ])
    known.add(form)
}

/** The characters that Base64 makes of a text whatever stands around it, for each of its three alignments (RFC 4648). */
function encodedWithin(value: string): string[] {
  const bytes = Buffer.from(value)
  return [0, 1, 2].flatMap((before) => {
    const bits = Buffer.concat([Buffer.alloc(before), bytes])
    const whole = bits
      .toString('base64')
      .slice(Math.ceil((before * 8) / 6), Math.floor((bits.length * 8) / 6))
    return whole.length < 10 ? [] : [whole, whole.replaceAll('+', '-').replaceAll('/', '_')]
  })
}

/** The text with every registered secret replaced by `[redacted]`; signatures in signed URLs are taken out as well. */
export function redact(text: string): string {
  let clean = text
  for (const form of known) if (clean.includes(form)) clean = clean.replaceAll(form, '[redacted]')
  return clean.replace(/(X-Amz-Signature=)[0-9a-f]+/gi, '$1[redacted]')
}
