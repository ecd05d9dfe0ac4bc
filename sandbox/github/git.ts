import { spawn } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { inflateSync } from 'node:zlib'

/** Git ended with another exit code than 0; the message is what it said. */
export class GitFailure extends Error {}

const isolated = {
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
  // Nothing may go on in the background after the world ended.
  GIT_CONFIG_COUNT: '2',
  GIT_CONFIG_KEY_0: 'gc.auto',
  GIT_CONFIG_VALUE_0: '0',
  GIT_CONFIG_KEY_1: 'receive.autogc',
  GIT_CONFIG_VALUE_1: 'false',
}

/**
 * Runs git in a repository, without anybody's configuration or identity.
 * @returns its stdout
 * @throws GitFailure
 */
export function git(
  dir: string,
  args: readonly string[],
  input: string | Uint8Array = '',
  env: Record<string, string> = {},
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const child = spawn('git', args, {
      cwd: dir,
      env: { PATH: process.env.PATH, HOME: dir, ...isolated, ...env },
    })
    const [out, err]: Buffer[][] = [[], []]
    child.stdout.on('data', (piece: Buffer) => out?.push(piece))
    child.stderr.on('data', (piece: Buffer) => err?.push(piece))
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) resolve(Buffer.concat(out ?? []))
      else
        reject(
          new GitFailure(
            Buffer.concat(err ?? [])
              .toString()
              .trim() || `git ${args[0]} ended with ${code}`,
          ),
        )
    })
    // Git may end before it has read everything; its exit code tells then.
    child.stdin.on('error', () => {})
    child.stdin.end(input)
  })
}

/** Git's first line of output, or undefined when it failed. */
export async function line(dir: string, ...args: string[]): Promise<string | undefined> {
  try {
    return (await git(dir, args)).toString().trim()
  } catch (error) {
    if (error instanceof GitFailure) return undefined
    throw error
  }
}

/** An object of a repository. */
export interface GitObject {
  sha: string
  type: string
  bytes: Buffer
}

/** Objects by name (sha, `ref:path`, …): type and bytes, or undefined for what is not there. */
export async function objects(dir: string, names: readonly string[]): Promise<(GitObject | undefined)[]> {
  const loose = names.map((name) => looseObject(dir, name))
  if (loose.every(Boolean)) return loose
  const output = await git(dir, ['cat-file', '--batch'], names.map((name) => `${name}\n`).join(''))
  let at = 0
  return names.map(() => {
    const end = output.indexOf('\n', at)
    const [sha = '', type = '', size = ''] = output.toString('utf8', at, end).split(' ')
    at = end + 1
    if (!/^\d+$/.test(size)) return undefined
    const bytes = output.subarray(at, at + Number(size))
    at += bytes.length + 1
    return { sha, type, bytes }
  })
}

/** An object as git keeps it until it is packed, which starts no process: flows look at one commit many times. */
function looseObject(dir: string, sha: string): GitObject | undefined {
  const file = join(dir, 'objects', sha.slice(0, 2), sha.slice(2))
  if (!/^[0-9a-f]{40}$/.test(sha) || !existsSync(file)) return undefined
  const raw = inflateSync(readFileSync(file))
  const end = raw.indexOf(0)
  return { sha, type: raw.toString('utf8', 0, end).split(' ')[0] ?? '', bytes: raw.subarray(end + 1) }
}

/** What a tree holds; `deep` goes through its folders and names them too. */
export async function entries(dir: string, tree: string, deep = false) {
  const output = await git(dir, ['ls-tree', '-z', '--long', ...(deep ? ['-r', '-t'] : []), tree])
  return output
    .toString()
    .split('\0')
    .filter(Boolean)
    .map((text) => {
      const [head = '', path = ''] = text.split(/\t(.*)/s)
      const [mode = '', type = '', sha = '', size = ''] = head.split(/ +/)
      return { path, mode, type, sha, ...(size === '-' ? {} : { size: Number(size) }) }
    })
}

/** A ref by its full name, and what it points to. */
export interface Ref {
  ref: string
  sha: string
  type: string
}

/** One ref, exactly by its full name. Refs are files here, because nothing ever packs them. */
export async function refOf(dir: string, ref: string): Promise<Ref | undefined> {
  const file = join(dir, ref)
  if (!/^refs\/(?!.*\.\.)/.test(ref) || !statSync(file, { throwIfNoEntry: false })?.isFile()) return undefined
  const sha = readFileSync(file, 'utf8').trim()
  const [found] = await objects(dir, [sha])
  return found && { ref, sha, type: found.type }
}

/** All refs whose full names begin so. */
export async function refsUnder(dir: string, prefix: string): Promise<Ref[]> {
  const output = await git(dir, ['for-each-ref', '--format=%(refname) %(objectname) %(objecttype)'])
  const lines = output
    .toString()
    .split('\n')
    .filter((one) => one.startsWith(prefix))
  return lines.map((one) => {
    const [ref = '', sha = '', type = ''] = one.split(' ')
    return { ref, sha, type }
  })
}
