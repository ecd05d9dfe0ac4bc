import { entries, objects, refOf } from '../github/git.ts'
import { findRepository, fingerprintOf, folderOf, type Repository, stateOf } from '../github/state.ts'
import type { World } from '../world.ts'

/** Git repositories as the paper Argo CD reads them, with the private half of a deploy key. */
export interface Repositories {
  /** The commit that a branch, tag or `HEAD` names. @throws Error with what git would say */
  head(url: string, privateKey: string, revision: string): Promise<string>
  /** All texts of a commit by their path. @throws Error with what git would say */
  files(url: string, privateKey: string, commit: string): Promise<ReadonlyMap<string, string>>
}

/** The repositories of the world's simulated GitHub: read straight from its disk, for who holds a deploy key. */
export function repositoriesOf(world: World): Repositories {
  const fingerprints = new Map<string, string>()
  const fingerprint = (key: string) => {
    const known = fingerprints.get(key) ?? fingerprintOf(key)
    fingerprints.set(key, known)
    return known
  }
  const open = (url: string, privateKey: string): Repository => {
    const [, owner = '', name = ''] = url.match(/^git@github\.com:([^/]+)\/(.+?)(?:\.git)?$/) ?? []
    const repository = findRepository(stateOf(world), owner, name)
    const own = repository && fingerprint(privateKey)
    if (!repository?.keys.some(({ key }) => fingerprint(key) === own))
      throw new Error(
        'git@github.com: Permission denied (publickey). fatal: Could not read from remote repository.',
      )
    return repository
  }
  return {
    head: async (url, privateKey, revision) => {
      const repository = open(url, privateKey)
      const folder = folderOf(world, repository)
      const name = revision === 'HEAD' ? repository.default_branch : revision
      const found = (await refOf(folder, `refs/heads/${name}`)) ?? (await refOf(folder, `refs/tags/${name}`))
      if (found) return found.sha
      if (/^[0-9a-f]{40}$/.test(revision)) return revision
      throw new Error(`unable to resolve '${revision}' to a commit SHA`)
    },
    files: async (url, privateKey, commit) => {
      const folder = folderOf(world, open(url, privateKey))
      const blobs = (await entries(folder, commit, true)).filter((one) => one.type === 'blob')
      const found = await objects(
        folder,
        blobs.map((one) => one.sha),
      )
      return new Map(blobs.map(({ path }, index) => [path, found[index]?.bytes.toString() ?? '']))
    },
  }
}
