import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { box } from './boxes.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))

/** A command of a message, as a person pastes it in the box's folder. */
export const paste = (script: string, ...words: readonly string[]) =>
  [
    relative(box.dir, join(root, script)),
    ...words,
    ...(script.endsWith('tools.mts') ? [] : ['--sandbox']),
  ].join(' ')

/** A message and its cure. */
type Said = [message: string, cure: string]

/** One mistake: what is given, and what is said of it. */
export interface Row {
  /** The script and its words, parted by blanks. */
  run: string
  code: 1 | 2
  /** What is said. */
  says?: Said
  /** What preflight says, which tells all it finds. */
  found?: Said[]
  env?: Record<string, string | undefined>
  /** What the world is like meanwhile, as `behaviour.json` has it. */
  behaviour?: object
  /** Done before. */
  given?: () => unknown
  /** In a process of its own: a script that is no flow, or one that waits long. */
  apart?: true
}

/** The cure of whatever is wrong in cluster.yaml. */
export const keys = 'docs/cluster-yaml.md lists every key with its values.'
/** What `behaviour.json` says of DigitalOcean. */
export const cloud = (behaviour: object) => ({ digitalocean: behaviour })
/** The last words about a flag or word that a command does not take. */
export const help = (command: string) => `--help lists what ${command} takes.`
