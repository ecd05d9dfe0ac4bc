import { z } from 'zod'
import { behaviourOf } from '../behaviour.ts'
import type { Answer, Ask, Route } from './api.ts'
import { readCommits, writeCommit, writeTree } from './commits.ts'
import { entries, GitFailure, git, line, objects, type Ref, refOf, refsUnder } from './git.ts'
import { notFound, Refusal } from './refusal.ts'
import { author } from './repositories.ts'
import { refuseProtected } from './rules.ts'

/** The Git Data API: blobs, trees, commits and refs (https://docs.github.com/rest/git). */
export function addGitDataRoutes(route: Route): void {
  route('POST', '/git/blobs', 'write', postBlob)
  route('GET', '/git/blobs/:sha', 'commits', getBlob)
  route('POST', '/git/trees', 'write', postTree)
  route('GET', '/git/trees/:sha', 'commits', getTree)
  route('POST', '/git/commits', 'write', postCommit)
  route('GET', '/git/commits/:sha', 'commits', async ({ dir, param, url }) => {
    const [commit] = await readCommits(dir, [param('sha')])
    return [200, { ...commit, url: `${url}/git/commits/${commit?.sha}` }]
  })
  route('GET', '/git/ref/:ref{.+}', 'commits', async ({ dir, param, url }) => {
    const found = await refOf(dir, `refs/${param('ref')}`)
    if (!found) throw notFound()
    return [200, shown(found, url)]
  })
  route('GET', '/git/matching-refs/:ref{.*}', 'commits', async ({ dir, param, url }) => {
    return [200, (await refsUnder(dir, `refs/${param('ref')}`)).map((one) => shown(one, url))]
  })
  route('POST', '/git/refs', 'write', postRef)
  route('PATCH', '/git/refs/:ref{.+}', 'write', patchRef)
  route('DELETE', '/git/refs/:ref{.+}', 'write', async ({ world, repo, dir, param }) => {
    const ref = `refs/${param('ref')}`
    refuseProtected(world, repo, ref)
    if (!(await refOf(dir, ref))) throw noReference()
    await git(dir, ['update-ref', '-d', ref])
    return [204]
  })
}

const sha = z.string().regex(/^[0-9a-f]{40}$/)
const noReference = () => new Refusal(422, 'Reference does not exist')
const shown = ({ ref, sha, type }: Ref, url: string) => ({
  ref,
  node_id: `REF_${ref}`,
  url: `${url}/git/${ref}`,
  object: { sha, type, url: `${url}/git/${type}s/${sha}` },
})

async function postBlob({ dir, body, url }: Ask): Promise<Answer> {
  const wanted = z
    .object({ content: z.string(), encoding: z.enum(['utf-8', 'base64']).default('utf-8') })
    .parse(await body())
  const bytes = Buffer.from(wanted.content, wanted.encoding === 'base64' ? 'base64' : 'utf8')
  const made = (await git(dir, ['hash-object', '-w', '--stdin'], bytes)).toString().trim()
  return [201, { sha: made, url: `${url}/git/blobs/${made}` }]
}

async function getBlob({ dir, param, url }: Ask): Promise<Answer> {
  const [found] = await objects(dir, [param('sha')])
  if (found?.type !== 'blob') throw notFound()
  const { sha, bytes } = found
  const content = bytes.toString('base64').replace(/.{60}/g, '$&\n')
  return [200, { sha, size: bytes.length, encoding: 'base64', content, url: `${url}/git/blobs/${sha}` }]
}

const treeWish = z.object({
  base_tree: z.string().nullish(),
  tree: z.array(
    z.object({
      path: z
        .string()
        .regex(/^(?!\/)(?!.*(^|\/)(\.\.?|\.git)(\/|$))/, 'tree.path contains a malformed path component'),
      mode: z.enum(['100644', '100755', '120000']),
      type: z.literal('blob'),
      sha: sha.nullable().optional(),
      content: z.string().optional(),
    }),
  ),
})

async function postTree({ world, dir, url, body }: Ask): Promise<Answer> {
  const wanted = treeWish.parse(await body())
  refuseWorkflows(
    world,
    wanted.tree.map((one) => one.path),
  )
  const made = await writeTree(dir, wanted.base_tree ?? undefined, wanted.tree)
  return [201, await treeOf(dir, made, url, false)]
}

/** Workflow files need a scope of their own; without it GitHub hides that there is such a thing (octokit/rest.js#368). */
export function refuseWorkflows(world: Ask['world'], paths: readonly string[]): void {
  const { githubFineGrained, githubScopes } = behaviourOf(world)
  const may = !githubFineGrained && githubScopes.includes('workflow')
  if (!may && paths.some((path) => path.startsWith('.github/workflows/'))) throw notFound()
}

async function getTree({ dir, param, query, url }: Ask): Promise<Answer> {
  const found = await line(dir, 'rev-parse', '--verify', '--end-of-options', `${param('sha')}^{tree}`)
  if (!found) throw notFound()
  return [200, await treeOf(dir, found, url, query('recursive') !== undefined)]
}

async function treeOf(dir: string, tree: string, url: string, deep: boolean): Promise<unknown> {
  const list = (await entries(dir, tree, deep)).map((one) => ({
    ...one,
    url: `${url}/git/${one.type}s/${one.sha}`,
  }))
  // A list has 100,000 entries at most (https://docs.github.com/rest/git/trees#get-a-tree).
  const most = 100_000
  const shown = { tree: list.slice(0, most), truncated: list.length > most }
  return { sha: tree, url: `${url}/git/trees/${tree}`, ...shown }
}

// Authors other than the token's user are not known here.
const commitWish = z.strictObject({ message: z.string(), tree: sha, parents: z.array(sha).default([]) })

async function postCommit({ world, dir, body, url }: Ask): Promise<Answer> {
  const made = await writeCommit(dir, { ...commitWish.parse(await body()), author: author(world) })
  const [commit] = await readCommits(dir, [made])
  return [201, { ...commit, url: `${url}/git/commits/${made}` }]
}

async function postRef({ dir, body, url }: Ask): Promise<Answer> {
  const wanted = z.object({ ref: z.string().regex(/^refs\/[^/]+\/./), sha }).parse(await body())
  await target(dir, wanted.sha)
  if (await refOf(dir, wanted.ref)) throw new Refusal(422, 'Reference already exists')
  await swap(dir, wanted.ref, wanted.sha, '0'.repeat(40), 'Reference already exists')
  return [201, shown({ ...wanted, type: 'commit' }, url)]
}

/** A move that is not forced is a compare-and-swap: git itself compares with the value seen here. */
async function patchRef({ world, repo, dir, param, body, url }: Ask): Promise<Answer> {
  const wanted = z.object({ sha, force: z.boolean().default(false) }).parse(await body())
  refuseProtected(world, repo, `refs/${param('ref')}`)
  const before = await refOf(dir, `refs/${param('ref')}`)
  if (!before) throw noReference()
  await target(dir, wanted.sha)
  const [next] = await readCommits(dir, [wanted.sha])
  const isForward = async () =>
    next?.parents.some((one) => one.sha === before.sha) ||
    (await line(dir, 'merge-base', '--is-ancestor', before.sha, wanted.sha)) !== undefined
  if (!wanted.force && !(await isForward())) throw new Refusal(422, 'Update is not a fast forward')
  await swap(dir, before.ref, wanted.sha, before.sha, 'Update is not a fast forward')
  return [200, shown({ ref: before.ref, sha: wanted.sha, type: 'commit' }, url)]
}

async function target(dir: string, sha: string): Promise<void> {
  const [found] = await objects(dir, [sha])
  if (found?.type !== 'commit') throw new Refusal(422, 'Object does not exist')
}

/** Moves a ref from one value to another. @throws Refusal 422 with this message when somebody else was first */
export async function swap(
  dir: string,
  ref: string,
  to: string,
  from: string,
  message: string,
): Promise<void> {
  await git(dir, ['update-ref', ref, to, from]).catch((error: unknown) => {
    throw error instanceof GitFailure ? new Refusal(422, message) : error
  })
}
