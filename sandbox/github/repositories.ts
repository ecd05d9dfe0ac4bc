import { mkdirSync, renameSync, rmSync } from 'node:fs'
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
  const { name, auto_init, description = null, ...rest } = wish.parse(body)
  const repo = change(world, (state) => {
    if (findRepository(state, owner, name))
      throw failed('Repository creation failed.', 'Repository', 'name', 'name already exists on this account')
    const id = ++state.lastId
    const at = new Date().toISOString()
    const made = {
      id,
      owner,
      name,
      private: rest.private,
      description,
      default_branch: 'main',
      created_at: at,
      keys: [],
    }
    state.repositories.push(made)
    return made
  })
  const dir = folderOf(world, repo)
  mkdirSync(dir, { recursive: true })
  await git(dir, ['init', '--quiet', '--bare', '--template=', '--initial-branch=main'])
  if (auto_init) {
    const content = `# ${name}\n${description ? `${description}\n` : ''}`
    const tree = await writeTree(dir, undefined, [{ path: 'README.md', mode: '100644', content }])
    const sha = await writeCommit(dir, {
      message: 'Initial commit',
      tree,
      parents: [],
      author: author(world),
    })
    await git(dir, ['update-ref', 'refs/heads/main', sha])
  }
  return repo
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

/** A repository as the API shows it. */
export function shown(world: World, base: string, repo: Repository): unknown {
  const state = stateOf(world)
  const admin = accessOf(world, state, repo) === 'admin'
  const full_name = `${repo.owner}/${repo.name}`
  const { keys: _, owner, created_at, ...plain } = repo
  return {
    ...plain,
    node_id: `R_${repo.id}`,
    full_name,
    owner: {
      login: owner,
      id: state.id,
      type: owner === state.login ? 'User' : 'Organization',
      site_admin: false,
    },
    html_url: `${base}/${full_name}`,
    url: `${base}/repos/${full_name}`,
    clone_url: `${base}/${full_name}.git`,
    ssh_url: `git@github.com:${full_name}.git`,
    visibility: repo.private ? 'private' : 'public',
    fork: false,
    archived: false,
    disabled: false,
    is_template: false,
    created_at,
    updated_at: created_at,
    pushed_at: created_at,
    permissions: { admin, maintain: admin, push: admin, triage: admin, pull: true },
  }
}

/** Repositories themselves and their deploy keys. */
export function addRepositoryRoutes(route: Route, base: string): void {
  route('GET', '', 'read', ({ world, repo }) => [200, shown(world, base, repo)])
  route('PATCH', '', 'admin', async (ask) => [200, shown(ask.world, base, await patch(ask))])
  route('DELETE', '', 'admin', remove)
  route('GET', '/keys', 'admin', ({ repo, url }) => [
    200,
    repo.keys.map((key) => ({ ...key, url: `${url}/keys/${key.id}` })),
  ])
  route('POST', '/keys', 'admin', addKey)
  route('GET', '/keys/:id', 'admin', ({ repo, param }) => [200, repo.keys.find(byId(param('id'))) ?? gone()])
  route('DELETE', '/keys/:id', 'admin', ({ world, repo, param }) => {
    const key = repo.keys.find(byId(param('id'))) ?? gone()
    change(world, (state) => {
      const kept = find(state.repositories, repo)
      kept.keys = kept.keys.filter((one) => one.id !== key.id)
    })
    return [204]
  })
}

const byId = (id: string) => (one: { id: number }) => String(one.id) === id
const gone = (): never => {
  throw notFound()
}
const find = (all: Repository[], { id }: Repository) => all.find((one) => one.id === id) ?? gone()

const changes = wish
  .omit({ auto_init: true })
  .extend({ default_branch: z.string(), private: z.boolean() })
  .partial()
  .strict()

async function patch({ world, repo, body }: Ask): Promise<Repository> {
  const wanted = Object.fromEntries(
    Object.entries(changes.parse(await body())).filter(([, one]) => one !== undefined),
  )
  const before = folderOf(world, repo)
  const after = change(world, (state) => Object.assign(find(state.repositories, repo), wanted))
  if (after.name !== repo.name) renameSync(before, folderOf(world, after))
  await git(folderOf(world, after), ['symbolic-ref', 'HEAD', `refs/heads/${after.default_branch}`])
  return after
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
  title: z.string().optional(),
  read_only: z.boolean().default(false),
})

async function addKey({ world, repo, url, body }: Ask): Promise<Answer> {
  const { read_only, ...wanted } = keyWish.parse(await body())
  const key = wanted.key.trim().split(/\s+/).slice(0, 2).join(' ')
  const print = fingerprint(key)
  const made = change(world, (state) => {
    if (state.repositories.some(({ keys }) => keys.some((one) => fingerprintOf(one.key) === print)))
      throw failed('Validation Failed', 'PublicKey', 'key', 'key is already in use')
    const at = new Date().toISOString()
    const one = { id: ++state.lastId, key, title: wanted.title ?? key, read_only, created_at: at }
    find(state.repositories, repo).keys.push(one)
    return one
  })
  return [201, { ...made, verified: true, url: `${url}/keys/${made.id}` }]
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
