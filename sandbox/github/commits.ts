import { randomUUID } from 'node:crypto'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { GitFailure, git, objects } from './git.ts'
import { Refusal } from './refusal.ts'

/** One entry of a tree to write: `sha` null removes the path, `content` makes the blob on the way. */
export interface Entry {
  path: string
  mode: string
  sha?: string | null | undefined
  content?: string | Uint8Array | undefined
}

const nothing = '0'.repeat(40)

/** Writes a tree through an index of its own. @returns its sha @throws Refusal 422 */
export async function writeTree(
  dir: string,
  base: string | undefined,
  list: readonly Entry[],
): Promise<string> {
  const scratch = join(dir, `scratch-${randomUUID()}`)
  mkdirSync(scratch)
  const env = { GIT_INDEX_FILE: join(scratch, 'index') }
  try {
    if (base) await git(dir, ['read-tree', base], '', env).catch(refuse('base_tree is not a valid tree oid.'))
    const made = await writeBlobs(dir, scratch, list)
    const named = list.map(({ sha }) => sha).filter((sha) => typeof sha === 'string')
    if ((await objects(dir, named)).some((one) => one?.type !== 'blob'))
      throw new Refusal(422, 'tree.sha is not a valid blob')
    const gone = list.filter((one) => one.sha === null).map((one) => one.path)
    const known = gone.length > 0 ? (await git(dir, ['ls-files', '-z'], '', env)).toString().split('\0') : []
    if (gone.some((path) => !known.includes(path))) throw new Refusal(422, 'GitRPC::BadObjectState')
    const lines = list.map((one) => {
      const sha = made.get(one) ?? one.sha
      return sha ? `${one.mode} ${sha}\t${one.path}\0` : `0 ${nothing}\t${one.path}\0`
    })
    await git(dir, ['update-index', '--add', '--replace', '-z', '--index-info'], lines.join(''), env).catch(
      refuse('tree.path contains a malformed path component'),
    )
    return (await git(dir, ['write-tree'], '', env)).toString().trim()
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

async function writeBlobs(dir: string, scratch: string, list: readonly Entry[]): Promise<Map<Entry, string>> {
  const fresh = list.filter((one) => one.content !== undefined)
  if (fresh.length === 0) return new Map()
  const files = fresh.map(({ content = '' }, index) => {
    const file = join(scratch, String(index))
    writeFileSync(file, content)
    return `${file}\n`
  })
  const shas = (await git(dir, ['hash-object', '-w', '--no-filters', '--stdin-paths'], files.join('')))
    .toString()
    .split('\n')
  return new Map(fresh.map((one, index) => [one, shas[index] ?? '']))
}

/** Writes a commit with exactly this message, made now. @returns its sha @throws Refusal 422 */
export async function writeCommit(
  dir: string,
  made: {
    message: string
    tree: string
    parents: readonly string[]
    author: { name: string; email: string }
  },
): Promise<string> {
  const [tree, ...parents] = await objects(dir, [made.tree, ...made.parents])
  if (tree?.type !== 'tree') throw new Refusal(422, 'Tree SHA does not exist')
  if (parents.some((one) => one?.type !== 'commit'))
    throw new Refusal(422, 'Parent SHA does not exist or is not a commit object')
  const person = `${made.author.name} <${made.author.email}> ${Math.floor(Date.now() / 1000)} +0000`
  const head = [`tree ${made.tree}`, ...made.parents.map((parent) => `parent ${parent}`)]
  const text = [...head, `author ${person}`, `committer ${person}`, '', made.message].join('\n')
  return (await git(dir, ['hash-object', '-t', 'commit', '-w', '--stdin'], text)).toString().trim()
}

/** A commit as the Git Data API shows it. @throws Refusal 404 */
export async function readCommits(dir: string, names: readonly string[]) {
  return (await objects(dir, names)).map((found) => {
    if (found?.type !== 'commit') throw new Refusal(404, 'Not Found')
    const text = found.bytes.toString()
    const [head = '', message = ''] = text.split(/\n\n(.*)/s)
    const all = (name: string) =>
      [...head.matchAll(new RegExp(`^${name} (.*)$`, 'gm'))].map(([, value = '']) => value)
    return {
      sha: found.sha,
      message,
      tree: { sha: all('tree')[0] ?? '' },
      parents: all('parent').map((sha) => ({ sha })),
      author: readPerson(all('author')[0] ?? ''),
      committer: readPerson(all('committer')[0] ?? ''),
      verification: { verified: false, reason: 'unsigned', signature: null, payload: null },
    }
  })
}

/** Commits of a history, newest first, that changed a path, made at `until` or before. @throws Refusal 404 */
export async function listCommits(
  dir: string,
  from: string,
  wish: {
    path?: string | undefined
    until?: string | undefined
    since?: string | undefined
    perPage: number
    page: number
  },
) {
  const words = [
    ...(wish.until ? [`--until=${wish.until}`] : []),
    ...(wish.since ? [`--since=${wish.since}`] : []),
    `--max-count=${wish.perPage}`,
    `--skip=${(wish.page - 1) * wish.perPage}`,
  ]
  const output = await git(dir, [
    'log',
    '--format=%H',
    ...words,
    '--end-of-options',
    from,
    '--',
    ...(wish.path ? [wish.path] : []),
  ]).catch((error: unknown) => {
    throw error instanceof GitFailure ? new Refusal(404, 'Not Found') : error
  })
  const shas = output.toString().split('\n').filter(Boolean)
  return (await readCommits(dir, shas)).map(({ sha, parents, ...commit }) => ({
    sha,
    commit: { ...commit, comment_count: 0 },
    parents,
    author: null,
    committer: null,
  }))
}

function readPerson(text: string) {
  const [, name = '', email = '', seconds = '0'] = /^(.*) <(.*)> (\d+) /.exec(text) ?? []
  return { name, email, date: new Date(Number(seconds) * 1000).toISOString().replace('.000', '') }
}

function refuse(message: string): (error: unknown) => never {
  return (error) => {
    throw error instanceof GitFailure ? new Refusal(422, message) : error
  }
}
