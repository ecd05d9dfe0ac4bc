import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { loadAll } from 'js-yaml'
import { Problem } from './problem.ts'

/** Fills a template with values; throws a Problem naming the template when a value is missing. */
export type Template<Values extends object> = (values: Values) => string

/**
 * Makes a template of a Handlebars text: nothing is HTML-escaped, a missing value is an error, and besides the
 * built-in block helpers only two are known: `{{yaml x}}` writes a value as JSON, which is YAML too, and `{{sh x}}`
 * writes a text as one word of a shell.
 * @param name what messages call it, such as its file name
 */
export function template<Values extends object>(name: string, source: string): Template<Values> {
  const compiled = engine().compile<Values>(source, {
    noEscape: true,
    strict: true,
    knownHelpers: { yaml: true, sh: true },
    knownHelpersOnly: true,
  })
  return (values) => {
    try {
      return compiled(values)
    } catch (error) {
      throw new Problem(`the template ${name} cannot be filled: ${firstLine(error)}`, {
        cure: 'give every value that it names',
        cause: error,
      })
    }
  }
}

/** Hands the text back when each of its documents is YAML; throws a Problem naming `what` otherwise. */
export function checkedYaml(what: string, text: string): string {
  try {
    loadAll(text)
  } catch (error) {
    throw new Problem(`${what} is not valid YAML: ${firstLine(error)}`, {
      cure: 'correct the values, or the template',
      cause: error,
    })
  }
  return text
}

/** The text as one single-quoted word of a POSIX shell. Throws a Problem for a NUL byte, which no shell can hold. */
export function shellWord(text: string): string {
  if (text.includes('\0')) throw new Problem('a shell cannot hold a NUL byte', { cure: 'take it out' })
  return `'${text.replaceAll("'", `'\\''`)}'`
}

/** Reads a file of the package's `cloud-init/` folder, in the repository as well as when installed. */
export function cloudInitFile(name: string): string {
  const known = files.get(name)
  if (known !== undefined) return known
  const text = readFileSync(new URL(name, folder), 'utf8')
  files.set(name, text)
  return text
}

const files = new Map<string, string>()

// This file is in src/ of the project and in dist/ of the package: beside both are the files of a node.
const folder = new URL('../', import.meta.url)

let made: typeof import('handlebars') | undefined

// Loaded with the first template, by require: Handlebars is CommonJS and takes its time.
function engine(): typeof import('handlebars') {
  if (made) return made
  const handlebars: typeof import('handlebars') = createRequire(import.meta.url)('handlebars')
  made = handlebars.create()
  // Strict mode lets a missing value through when it is a helper's argument, so the helpers look themselves.
  made.registerHelper('yaml', (value: unknown) => {
    const text = JSON.stringify(value)
    if (text === undefined) throw new Error('a value given to {{yaml}} is missing')
    return text
  })
  made.registerHelper('sh', (value: unknown) => {
    if (typeof value !== 'string') throw new Error('a text given to {{sh}} is missing')
    return shellWord(value)
  })
  return made
}

function firstLine(error: unknown): string {
  const [line = ''] = String(error instanceof Error ? error.message : error).split('\n')
  return line
}
