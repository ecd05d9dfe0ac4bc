import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { entries, objects } from '../github/git.ts'
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
      const names = revision === 'HEAD' ? [repository.default_branch] : [revision]
      const commit = names.flatMap(
        (name) => refIn(folder, `refs/heads/${name}`) ?? refIn(folder, `refs/tags/${name}`) ?? [],
      )[0]
      if (commit) return commit
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

/** A ref as git keeps it, without starting a process: this is asked five times a second. */
function refIn(folder: string, ref: string): string | undefined {
  const file = join(folder, ref)
  if (existsSync(file)) return readFileSync(file, 'utf8').trim()
  const packed = join(folder, 'packed-refs')
  const line =
    existsSync(packed) &&
    readFileSync(packed, 'utf8')
      .split('\n')
      .find((one) => one.endsWith(` ${ref}`))
  return line ? line.split(' ')[0] : undefined
}
