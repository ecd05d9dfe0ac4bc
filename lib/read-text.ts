import { readFileSync } from 'node:fs'
import { load } from 'js-yaml'
import { Problem } from './problem.ts'

/** A file's text. @throws Problem (exit code 2) when it cannot be read */
export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new Problem(`${file} cannot be read`, { cure: 'Name a file that is there.', exitCode: 2, cause })
  }
}

/** A file's YAML, or that of standard input. @throws Problem (exit code 2) when it cannot be read or is none */
export function readYaml(file: string | undefined): unknown {
  const text = file === undefined ? readFileSync(0, 'utf8') : readText(file)
  try {
    return load(text)
  } catch (cause) {
    // The message's first line tells the place; what follows would print the text, which may be secret.
    const why = cause instanceof Error ? cause.message.split('\n')[0] : String(cause)
    throw new Problem(`${file ?? 'standard input'} is no YAML: ${why}`, {
      cure: 'Give one document of YAML or JSON.',
      exitCode: 2,
    })
  }
}
