import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { runIn } from '../flows/box.ts'

/** What every script says to `--help`, `-h` and `--version`: by its path in the project, by flag. */
export async function helps(): Promise<[script: string, said: Record<string, string>][]> {
  const ended = await runIn('.', fileURLToPath(new URL('helps.mts', import.meta.url)), [])
  if (ended.code !== 0) throw new Error(ended.err)
  return Object.entries(z.record(z.string(), z.record(z.string(), z.string())).parse(JSON.parse(ended.out)))
}

/** The flags that a help text lists. */
export const flagsIn = (help = ''): string[] =>
  [...help.matchAll(/^ {2}--([a-z][a-z0-9-]*)/gm)].map(([, flag = '']) => flag)
