import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { loadAll } from 'js-yaml'
import { Problem } from './problem.ts'

/** A file's text. @throws Problem (exit code 2) when it cannot be read */
export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new Problem(`${file} cannot be read`, { cure: 'Name a file that is there.', exitCode: 2, cause })
  }
}

/** A file's YAML. @throws Problem (exit code 2) when it cannot be read, or is not one document */
export function readYaml(file: string): unknown {
  const documents = parsed(readText(file), file)
  if (documents.length === 1) return documents[0]
  throw new Problem(`${file} holds ${documents.length} documents instead of one`, {
    cure: 'Leave one in it.',
    exitCode: 2,
  })
}

/**
 * The YAML documents of a file, or of standard input to its end, however long that takes; empty ones are passed over.
 * @throws Problem (exit code 2) when they cannot be read, or there are none
 */
export async function readDocuments(file: string | undefined): Promise<unknown[]> {
  const where = file ?? 'standard input'
  const documents = parsed(file === undefined ? await text(process.stdin) : readText(file), where)
  if (documents.length > 0) return documents
  throw new Problem(`${where} is empty`, {
    cure: 'Name a file with at least one Secret, or pipe one in.',
    exitCode: 2,
  })
}

function parsed(content: string, where: string): unknown[] {
  try {
    const documents: unknown[] = []
    loadAll(content, (one) => {
      if (one !== null && one !== undefined) documents.push(one)
    })
    return documents
  } catch (cause) {
    // The message's first line tells the place; what follows would print the text, which may be secret.
    const why = cause instanceof Error ? cause.message.split('\n')[0] : String(cause)
    throw new Problem(`${where} is not valid YAML: ${why}`, {
      cure: 'Fix it there: YAML and JSON are both taken.',
      exitCode: 2,
    })
  }
}
