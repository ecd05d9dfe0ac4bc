import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import sshpk from 'sshpk'
import { behaviourOf } from '../behaviour.ts'
import type { World } from '../world.ts'

/** A repository besides what git keeps of it. */
export interface Repository {
  id: number
  owner: string
  name: string
  private: boolean
  description: string | null
  default_branch: string
  /** ISO 8601. */
  created_at: string
  keys: DeployKey[]
}

export interface DeployKey {
  id: number
  /** `<type> <base64>`, without a comment. */
  key: string
  title: string
  read_only: boolean
  created_at: string
  /** The token that added it. */
  addedBy?: string
}

/** All that the simulated GitHub knows; there is one user. */
export interface State {
  login: string
  id: number
  secret: string
  lastId: number
  repositories: Repository[]
}

/** The state as saved in `github.json`, made at the first look. */
export function stateOf(world: World): State {
  const saved = world.load('github') as State | undefined
  if (saved) return withoutRevoked(saved, behaviourOf(world).githubRevoked)
  const secret = randomBytes(27).toString('hex').slice(0, 36)
  const made: State = { login: 'bob', id: 4711, secret, lastId: 1000, repositories: [] }
  world.save('github', made)
  return made
}

/** A deploy key goes with the personal access token that added it (https://docs.github.com/en/rest/deploy-keys). */
function withoutRevoked(state: State, revoked: readonly string[]): State {
  if (revoked.length > 0)
    for (const repository of state.repositories)
      repository.keys = repository.keys.filter(({ addedBy = '' }) => !revoked.includes(addedBy))
  return state
}

/** Changes the state in one go and saves it. */
export function change<T>(world: World, work: (state: State) => T): T {
  const state = stateOf(world)
  const result = work(state)
  world.save('github', state)
  return result
}

/** The user's token: classic, or fine-grained when the world says so. */
export function tokenOf(world: World): string {
  return `${behaviourOf(world).githubFineGrained ? 'github_pat_' : 'ghp_'}${stateOf(world).secret}`
}

/** Whether a token is one of the user's that was not deleted. */
export function isToken(world: World, token: string): boolean {
  const { githubTokens, githubRevoked } = behaviourOf(world)
  return [tokenOf(world), ...githubTokens].includes(token) && !githubRevoked.includes(token)
}

/** A repository by its name, which GitHub takes in any case. */
export function findRepository(state: State, owner: string, name: string): Repository | undefined {
  const wanted = `${owner}/${name.replace(/\.git$/, '')}`.toLowerCase()
  return state.repositories.find((one) => `${one.owner}/${one.name}`.toLowerCase() === wanted)
}

/** Where git keeps a repository. */
export function folderOf(world: World, repo: Pick<Repository, 'owner' | 'name'>): string {
  return join(world.path('github'), repo.owner, `${repo.name}.git`)
}

/** What the token's user, or with `known` false a stranger, may do there; undefined when not even see it. */
export function accessOf(world: World, repo: Repository, known = true): 'admin' | 'read' | undefined {
  const { githubOrganisations, githubMayWrite } = behaviourOf(world)
  const own = [stateOf(world).login, ...githubOrganisations]
  if (known && own.includes(repo.owner)) return githubMayWrite ? 'admin' : 'read'
  return repo.private ? undefined : 'read'
}

/** `SHA256:…` of a public key, or of a private key's public half. */
export function fingerprintOf(key: string): string {
  const isPrivate = key.includes('PRIVATE KEY')
  const publicKey = isPrivate ? sshpk.parsePrivateKey(key).toPublic() : sshpk.parseKey(key, 'ssh')
  return publicKey.fingerprint('sha256').toString()
}
