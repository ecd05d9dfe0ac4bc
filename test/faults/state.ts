import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Json, nameOf, normal, type Thing, tidy } from './normaliser.ts'

/**
 * All that a world holds as sorted lines, normalised: DigitalOcean's things without the history of actions, files and
 * refs of the repositories, keys of objects in the buckets, objects of the clusters by name.
 */
export function stateOf(home: string): string[] {
  const cloud = read(home, 'digitalocean')
  const lines: string[] = []
  for (const [kind, things] of Object.entries(cloud))
    if (Array.isArray(things) && kind !== 'actions')
      for (const thing of things as Json[]) lines.push(`${kind} ${normal(JSON.stringify(tidy(thing)))}`)
  for (const repo of (read(home, 'github').repositories ?? []) as Json[]) {
    const keys = (repo.keys as Json[]).map((key) => `${key.title} ${key.read_only}`)
    lines.push(`repository ${repo.owner}/${repo.name} ${repo.private} ${keys}`)
    lines.push(...refsOf(join(home, 'github', `${repo.owner}`, `${repo.name}.git`)))
  }
  for (const file of filesBelow(join(home, 'spaces'))) lines.push(`object ${normal(`${file}"`)}`)
  for (const file of filesBelow(join(home, 'clusters')))
    lines.push(...objectsIn(join(home, 'clusters', file)))
  return lines.sort()
}

const read = (home: string, name: string): Json =>
  existsSync(join(home, `${name}.json`))
    ? (JSON.parse(readFileSync(join(home, `${name}.json`), 'utf8')) as Json)
    : {}

function refsOf(dir: string): string[] {
  const git = (...words: string[]) => spawnSync('git', ['-C', dir, ...words], { encoding: 'utf8' }).stdout
  const refs = git('for-each-ref', '--format=%(refname)').split('\n').filter(Boolean)
  return refs.flatMap((ref) => {
    if (ref === 'refs/regrow/lock') return [`lock ${git('log', '-1', '--format=%s', ref).split(' by ')[0]}`]
    const files = git('ls-tree', '-r', '--name-only', ref).split('\n').filter(Boolean)
    return files.map((file) => `${ref} ${file} ${digest(normal(git('show', `${ref}:${file}`)))}`)
  })
}

/** The commit at which the GitOps repository's branch stands; empty where there is no repository. */
export const headOf = (home: string): string => {
  const dir = join(home, 'github', 'bob', 'regrow-main.git')
  return spawnSync('git', ['-C', dir, 'rev-parse', 'main'], { encoding: 'utf8' }).stdout
}

/** The objects of a cluster, as far as they are compared. */
function objectsIn(file: string): string[] {
  const { store } = JSON.parse(readFileSync(file, 'utf8')) as { store: { things: Thing[] } }
  return store.things.flatMap((thing) => nameOf(thing) ?? [])
}

function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((one) => one.isFile() && !one.name.endsWith('@meta'))
    .map((one) => join(one.parentPath, one.name).slice(folder.length + 1))
}

const digest = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 12)

/** Lines that only one of two states has: `-` the expected, `+` the actual. */
export function differences(expected: readonly string[], actual: readonly string[]): string[] {
  const left = [...actual]
  const missing = expected.filter((line) => {
    const at = left.indexOf(line)
    if (at >= 0) left.splice(at, 1)
    return at < 0
  })
  return [...missing.map((line) => `- ${line}`), ...left.map((line) => `+ ${line}`)]
}

/**
 * The recovery kit of the cluster as it lies in its bucket, undefined before it was made: never made twice. A decoy's is
 * another, and so is a drill's, which is thrown away with it.
 */
export function kitOf(home: string): string | undefined {
  const file = filesBelow(join(home, 'spaces')).find(
    (one) => /^regrow-main-[0-9a-f]{10}-kit\/kit\.json/.test(one) && !one.includes('-0123456789-'),
  )
  return file && readFileSync(join(home, 'spaces', file), 'utf8')
}
