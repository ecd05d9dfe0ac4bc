import { mkdtempSync, renameSync, rmSync } from 'node:fs'
import type { Context } from 'hono'
import { z } from 'zod'
import { behaviourOf } from '../behaviour.ts'
import type { World } from '../world.ts'
import { type Answer, type Ask, isKnown, type Route } from './api.ts'
import { writeCommit, writeTree } from './commits.ts'
import { git } from './git.ts'
import { notFound, Refusal } from './refusal.ts'
import {
  accessOf,
  change,
  type DeployKey,
  findRepository,
  fingerprintOf,
  folderOf,
  type Repository,
  stateOf,
} from './state.ts'

const wish = z.object({
  name: z.string().regex(/^[\w.-]{1,100}$/),
  private: z.boolean().default(false),
  auto_init: z.boolean().default(false),
  description: z.string().nullish(),
})

/** Makes a repository. @throws Refusal 422 when the name is taken */
export async function createRepository(world: World, owner: string, body: unknown): Promise<Repository> {
  const { auto_init, description = null, ...wanted } = wish.parse(body)
  const scratch = mkdtempSync(world.path('github', 'new-'))
  try {
    await git(scratch, ['init', '--quiet', '--bare', '--template=', '--initial-branch=main'])
    if (auto_init) {
      const content = `# ${wanted.name}\n${description ? `${description}\n` : ''}`
      const tree = await writeTree(scratch, undefined, [{ path: 'README.md', mode: '100644', content }])
      const first = { message: 'Initial commit', tree, parents: [], author: author(world) }
      await git(scratch, ['update-ref', 'refs/heads/main', await writeCommit(scratch, first)])
    }
    return change(world, (state) => {
      if (findRepository(state, owner, wanted.name))
        throw failed(
          'Repository creation failed.',
          'Repository',
          'name',
          'name already exists on this account',
        )
      const [id, created_at] = [++state.lastId, new Date().toISOString()]
      const repo = { ...wanted, id, owner, description, default_branch: 'main', created_at, keys: [] }
      renameSync(scratch, world.path('github', owner, `${repo.name}.git`))
      state.repositories.push(repo)
      return repo
    })
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

/** The user as author of commits. */
export function author(world: World): { name: string; email: string } {
  const { login, id } = stateOf(world)
  return { name: login, email: `${id}+${login}@users.noreply.github.com` }
}

/** `POST /user/repos` and `POST /orgs/<organisation>/repos`. */
export async function postRepository(world: World, base: string, context: Context): Promise<Answer> {
  if (!isKnown(world, context)) throw new Refusal(401, 'Requires authentication')
  const behaviour = behaviourOf(world)
  const owner = context.req.param('organisation') ?? stateOf(world).login
  if (![...behaviour.githubOrganisations, stateOf(world).login].includes(owner)) throw notFound()
  if (!behaviour.githubMayCreate) throw new Refusal(403, 'Resource not accessible by personal access token')
  const repo = await createRepository(world, owner, await context.req.json())
  return [201, shown(world, base, repo)]
}

/** `GET /orgs/<organisation>`: what it lets its repositories do is for its members. */
export function getOrganisation(world: World, context: Context): Answer {
  const login = context.req.param('organisation') ?? ''
  const { githubOrganisations, githubDeployKeys } = behaviourOf(world)
  if (!isKnown(world, context) || !githubOrganisations.includes(login)) throw notFound()
  const told = githubDeployKeys === 'allowed'
  return [
    200,
    {
      login,
      id: 77,
      type: 'Organization',
      ...(githubDeployKeys === 'forbidden untold' ? {} : { deploy_keys_enabled_for_repositories: told }),
    },
  ]
}

/** A repository as the API shows it. */
function shown(world: World, base: string, repo: Repository): unknown {
  const admin = accessOf(world, repo) === 'admin'
  const { login, id } = stateOf(world)
  const full_name = `${repo.owner}/${repo.name}`
  const { keys: _, ...plain } = repo
  return {
    ...plain,
    node_id: `R_${repo.id}`,
    full_name,
    owner: { login: repo.owner, id, type: repo.owner === login ? 'User' : 'Organization' },
    html_url: `${base}/${full_name}`,
    url: `${base}/repos/${full_name}`,
    clone_url: `${base}/${full_name}.git`,
    ssh_url: `git@github.com:${full_name}.git`,
    visibility: repo.private ? 'private' : 'public',
    fork: false,
    archived: false,
    disabled: false,
    pushed_at: repo.created_at,
    permissions: { admin, maintain: admin, push: admin, triage: admin, pull: true },
  }
}

/** Repositories themselves and their deploy keys. */
export function addRepositoryRoutes(route: Route, base: string): void {
  route('GET', '', 'read', ({ world, repo }) => [200, shown(world, base, repo)])
  route('PATCH', '', 'admin', async (ask) => [200, shown(ask.world, base, await patch(ask))])
  route('DELETE', '', 'admin', remove)
  route('GET', '/keys', 'admin', ({ repo, url }) => [200, repo.keys.map((key) => shownKey(key, url))])
  route('POST', '/keys', 'admin', addKey)
  route('DELETE', '/keys/:id', 'admin', ({ world, repo, param }) => {
    const keys = repo.keys.filter((one) => String(one.id) !== param('id'))
    if (keys.length === repo.keys.length) throw notFound()
    assign(world, repo, { keys })
    return [204]
  })
}

const shownKey = ({ addedBy: _, ...key }: DeployKey, url: string) => ({
  ...key,
  verified: true,
  url: `${url}/keys/${key.id}`,
})

/** Changes what is known of a repository. */
function assign(world: World, repo: Repository, what: Partial<Repository>): Repository {
  return change(world, ({ repositories }) => {
    const found = repositories.find((one) => one.id === repo.id)
    if (!found) throw notFound()
    return Object.assign(found, what)
  })
}

const changes = z.strictObject({
  private: z.boolean().exactOptional(),
  description: z.string().exactOptional(),
  default_branch: z.string().exactOptional(),
})

async function patch({ world, repo, dir, body }: Ask): Promise<Repository> {
  const wanted = changes.parse(await body())
  if (wanted.default_branch) await git(dir, ['symbolic-ref', 'HEAD', `refs/heads/${wanted.default_branch}`])
  return assign(world, repo, wanted)
}

/** A classic token may delete repositories only with a scope of its own (docs.github.com/rest/repos/repos). */
function remove({ world, repo }: Ask): Answer {
  const { githubFineGrained, githubScopes } = behaviourOf(world)
  if (!githubFineGrained && !githubScopes.includes('delete_repo'))
    throw new Refusal(403, 'Must have admin rights to Repository.')
  change(world, (state) => {
    state.repositories = state.repositories.filter((one) => one.id !== repo.id)
  })
  rmSync(folderOf(world, repo), { recursive: true, force: true })
  return [204]
}

const keyWish = z.object({
  key: z.string(),
  title: z.string().default(''),
  read_only: z.boolean().default(false),
})

async function addKey({ world, repo, url, body, token }: Ask): Promise<Answer> {
  const wanted = keyWish.parse(await body())
  if (repo.owner !== stateOf(world).login && behaviourOf(world).githubDeployKeys !== 'allowed')
    throw new Refusal(422, 'Deploy keys are disabled for this repository')
  const key = wanted.key.trim().split(/\s+/).slice(0, 2).join(' ')
  const print = fingerprint(key)
  const made = change(world, (state) => {
    if (state.repositories.some(({ keys }) => keys.some((one) => fingerprintOf(one.key) === print)))
      throw failed('Validation Failed', 'PublicKey', 'key', 'key is already in use')
    const one = {
      ...wanted,
      key,
      id: ++state.lastId,
      created_at: new Date().toISOString(),
      addedBy: token,
    }
    state.repositories.find(({ id }) => id === repo.id)?.keys.push(one)
    return one
  })
  return [201, shownKey(made, url)]
}

function fingerprint(key: string): string {
  try {
    return fingerprintOf(key)
  } catch {
    const text = 'key is invalid. You must supply a key in OpenSSH public key format'
    throw failed('Validation Failed', 'PublicKey', 'key', text)
  }
}

function failed(message: string, resource: string, field: string, what: string): Refusal {
  return new Refusal(422, message, [{ resource, code: 'custom', field, message: what }])
}
