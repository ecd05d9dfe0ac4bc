import { z } from 'zod'
import { type Answer, type Ask, looksEmpty, type Route } from './api.ts'
import { type Entry, readCommits, writeCommit, writeTree } from './commits.ts'
import { entries, git, line, objects, refOf } from './git.ts'
import { refuseWorkflows, swap } from './git-data.ts'
import { notFound, Refusal } from './refusal.ts'
import { author } from './repositories.ts'

/** Files by their path, the list of commits, and what lies between two of them. */
export function addContentsRoutes(route: Route): void {
  route('GET', '/contents', 'read', getContents)
  route('GET', '/contents/:path{.+}', 'read', getContents)
  route('PUT', '/contents/:path{.+}', 'admin', putFile)
  route('DELETE', '/contents/:path{.+}', 'write', async (ask) => {
    const wanted = z.object({ ...change, sha: z.string() }).parse(await ask.body())
    return [200, { content: null, commit: await write(ask, wanted, { sha: null }) }]
  })
  route('GET', '/commits', 'commits', async (ask) => {
    const paths = ask.query('path') ? ['--', ask.query('path') ?? ''] : []
    const limit = `--max-count=${Number(ask.query('per_page') ?? 30)}`
    return [200, await log(ask, [limit, await commitOf(ask, ask.query('sha')), ...paths])]
  })
  route('GET', '/compare/:span{.+}', 'commits', compare)
}

async function getContents(ask: Ask): Promise<Answer> {
  const path = ask.param('path').replace(/\/$/, '')
  const commit = (await looksEmpty(ask.world, ask.repo, ask.dir))
    ? undefined
    : await commitOf(ask, ask.query('ref'))
  const [found] = commit ? await objects(ask.dir, [`${commit}:${path}`]) : []
  if (!found) throw notFound()
  if (found.type === 'tree') {
    const list = await entries(ask.dir, found.sha)
    return [
      200,
      list.map((one) =>
        shown(ask, path ? `${path}/${one.path}` : one.path, one.sha, one.type, one.size ?? 0),
      ),
    ]
  }
  const content = found.bytes.toString('base64').replace(/.{60}/g, '$&\n')
  const file = shown(ask, path, found.sha, 'blob', found.bytes.length)
  return [200, { ...file, content, encoding: 'base64' }]
}

function shown({ url }: Ask, path: string, sha: string, type: string, size: number) {
  const name = path.split('/').at(-1) ?? ''
  return { type: type === 'tree' ? 'dir' : 'file', name, path, sha, size, url: `${url}/contents/${path}` }
}

const change = { message: z.string(), branch: z.string().optional(), sha: z.string().optional() }

async function putFile(ask: Ask): Promise<Answer> {
  const wanted = z.object({ ...change, content: z.string() }).parse(await ask.body())
  const bytes = Buffer.from(wanted.content, 'base64')
  const commit = await write(ask, wanted, { content: bytes })
  const [file] = await objects(ask.dir, [`${commit.sha}:${ask.param('path')}`])
  const content = shown(ask, ask.param('path'), file?.sha ?? '', 'blob', bytes.length)
  return [wanted.sha ? 200 : 201, { content, commit }]
}

async function write(
  { world, repo, dir, param }: Ask,
  wanted: { message: string; branch?: string | undefined; sha?: string | undefined },
  what: Pick<Entry, 'sha' | 'content'>,
) {
  const path = param('path')
  refuseWorkflows(world, [path])
  const ref = `refs/heads/${wanted.branch ?? repo.default_branch}`
  const head = await refOf(dir, ref)
  const [before] = head ? await objects(dir, [`${head.sha}:${path}`]) : []
  if (before && !wanted.sha) throw new Refusal(422, 'Invalid request.\n\n"sha" wasn\'t supplied.')
  if (wanted.sha && before?.sha !== wanted.sha) throw new Refusal(409, `${path} does not match ${wanted.sha}`)
  const tree = await writeTree(dir, head?.sha, [{ path, mode: '100644', ...what }])
  const parents = head ? [head.sha] : []
  const sha = await writeCommit(dir, { message: wanted.message, tree, parents, author: author(world) })
  await swap(dir, ref, sha, head?.sha ?? '0'.repeat(40), 'Reference cannot be updated')
  const [commit] = await readCommits(dir, [sha])
  if (!commit) throw notFound()
  return commit
}

async function compare(ask: Ask): Promise<Answer> {
  const [from, to] = ask.param('span').split('...')
  const [base, head] = [await commitOf(ask, from), await commitOf(ask, to)]
  const commits = (await log(ask, [`${base}..${head}`])).reverse()
  const behind_by = (await log(ask, [`${head}..${base}`])).length
  const ahead_by = commits.length
  const status = ahead_by && behind_by ? 'diverged' : ahead_by ? 'ahead' : behind_by ? 'behind' : 'identical'
  const changed = (await git(ask.dir, ['diff', '--name-only', '-z', `${base}...${head}`])).toString()
  const files = changed
    .split('\0')
    .filter(Boolean)
    .map((filename) => ({ filename }))
  return [200, { status, ahead_by, behind_by, total_commits: ahead_by, commits, files }]
}

async function log({ dir }: Ask, args: string[]) {
  const shas = (await git(dir, ['log', '--format=%H', ...args])).toString().split('\n').filter(Boolean)
  return (await readCommits(dir, shas)).map(({ sha, parents, ...commit }) => ({ sha, commit, parents }))
}

async function commitOf({ dir, repo }: Ask, name = repo.default_branch): Promise<string> {
  const found = await line(dir, 'rev-parse', '--verify', '--end-of-options', `${name}^{commit}`)
  if (!found) throw new Refusal(404, `No commit found for the ref ${name}`)
  return found
}
