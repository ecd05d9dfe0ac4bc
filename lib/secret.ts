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

/** Registers a text (8 characters or more) that {@link redact} must take out from now on, in the forms it may appear in. */
export function remember(value: string): void {
  if (value.length < 8) return
  for (const form of [
    value,
    encodeURIComponent(value),
    JSON.stringify(value).slice(1, -1),
    Buffer.from(value).toString('base64'),
    Buffer.from(value).toString('hex'),
  ])
    known.add(form)
}

/** The text with every registered secret replaced by `[redacted]`; signatures in signed URLs are taken out as well. */
export function redact(text: string): string {
  let clean = text
  for (const form of known) if (clean.includes(form)) clean = clean.replaceAll(form, '[redacted]')
  return clean.replace(/(X-Amz-Signature=)[0-9a-f]+/gi, '$1[redacted]')
}
