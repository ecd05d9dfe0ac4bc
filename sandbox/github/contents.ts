import { z } from 'zod'
import { type Answer, type Ask, looksEmpty, type Route } from './api.ts'
import { type Entry, listCommits, readCommits, writeCommit, writeTree } from './commits.ts'
import { entries, objects, refOf } from './git.ts'
import { refuseWorkflows, swap } from './git-data.ts'
import { notFound, Refusal } from './refusal.ts'
import { author } from './repositories.ts'
import { refuseProtected } from './rules.ts'

/** Files by their path (https://docs.github.com/rest/repos/contents). */
export function addContentsRoutes(route: Route): void {
  route('GET', '/contents', 'read', getContents)
  route('GET', '/contents/:path{.+}', 'read', getContents)
  route('GET', '/commits', 'commits', getCommits)
  route('PUT', '/contents/:path{.+}', 'admin', putFile)
  route('DELETE', '/contents/:path{.+}', 'write', async (ask) => {
    const wanted = z.object({ ...change, sha: z.string() }).parse(await ask.body())
    return [200, { content: null, commit: await write(ask, wanted, { sha: null }) }]
  })
}

async function getContents(ask: Ask): Promise<Answer> {
  const path = ask.param('path').replace(/\/$/, '')
  const rev = `${ask.query('ref') ?? ask.repo.default_branch}:${path}`
  const [found] = looksEmpty(ask.world, ask.repo, ask.dir) ? [] : await objects(ask.dir, [rev])
  if (!found) throw notFound()
  if (found.type === 'tree') {
    const prefix = path && `${path}/`
    const list = await entries(ask.dir, found.sha)
    return [200, list.map((one) => shown(ask, prefix + one.path, one.sha, one.type, one.size ?? 0))]
  }
  const content = found.bytes.toString('base64').replace(/.{60}/g, '$&\n')
  const file = shown(ask, path, found.sha, 'blob', found.bytes.length)
  // Of a file of more than 1 MB the answer has nothing (https://docs.github.com/rest/repos/contents).
  if (found.bytes.length > 1024 ** 2) return [200, { ...file, content: '', encoding: 'none' }]
  return [200, { ...file, content, encoding: 'base64' }]
}

/** `GET /commits` (https://docs.github.com/rest/commits/commits#list-commits). */
async function getCommits({ dir, repo, query }: Ask): Promise<Answer> {
  const at = z.iso.datetime({ offset: true }).optional()
  const wish = {
    path: query('path'),
    until: at.parse(query('until')),
    since: at.parse(query('since')),
    perPage: Math.min(100, Number(query('per_page') ?? 30)),
    page: Number(query('page') ?? 1),
  }
  return [200, await listCommits(dir, query('sha') ?? repo.default_branch, wish)]
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
  if (head) refuseProtected(world, repo, ref)
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
