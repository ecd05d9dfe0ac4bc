import { spawn } from 'node:child_process'

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

/** Objects by name (sha, `ref:path`, …) in one call: type and bytes, or undefined for what is not there. */
export async function objects(
  dir: string,
  names: readonly string[],
): Promise<({ sha: string; type: string; bytes: Buffer } | undefined)[]> {
  if (names.length === 0) return []
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

/** One ref, exactly by its full name. */
export async function refOf(dir: string, ref: string): Promise<Ref | undefined> {
  return (await refsUnder(dir, ref)).find((one) => one.ref === ref)
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
