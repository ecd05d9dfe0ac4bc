import { redact } from './secret.ts'

/**
 * What a terminal obeys or hides: control characters (C0, DEL, C1), what changes the direction of writing, what cannot be
 * seen. Lines and tabs are text, and so are the joiners within words and emoji.
 */
const obeyed = /(?![\n\t\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/**
 * What GitHub's runner obeys in the log of a workflow: `::set-env …` at the beginning of a line, behind blanks too, and the
 * older `##[…]` anywhere (`ActionCommand.cs` of github.com/actions/runner). Regrow itself gives it no commands.
 */
const commands = /(?<=^\s*):(?=:)|#(?=#\[)/gm

/**
 * A text as it may go onto a screen or into a log, whoever wrote it: secrets taken out, and what a terminal would obey
 * shown as `\x1b`, in a workflow also what its runner would. Whatever is printed passes here, before colours of our own are
 * put on.
 */
export const printable = (text: string): string => {
  const shown = redact(text).replaceAll('\r\n', '\n').replace(obeyed, escaped)
  return isWorkflow() ? shown.replace(commands, escaped) : shown
}

/** GitHub sets it in every step (docs.github.com, "Default environment variables"). */
const isWorkflow = () => process.env.GITHUB_ACTIONS === 'true'

/** The same for a text that stands in one step or row: no line of it begins where a step or row of ours begins. */
export const printableStep = (text: string): string => printable(text).replace(/\n(?=\S)/g, '\n    ')

/** A value as JSON for a screen, secrets taken out: JSON itself escapes C0 alone. */
export const printableJson = (value: unknown): string => {
  const shown = redact(JSON.stringify(value, null, 2)).replace(obeyed, inJson)
  // No line of JSON begins with a colon.
  return isWorkflow() ? shown.replace(/#(?=#\[)/g, inJson) : shown
}

const inJson = (one: string) =>
  one
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('')

function escaped(one: string): string {
  const code = (one.codePointAt(0) ?? 0).toString(16)
  return code.length <= 2 ? `\\x${code.padStart(2, '0')}` : `\\u{${code}}`
}
