import type { World } from '../world.ts'
import { entries, line, objects } from './git.ts'
import { findRepository, fingerprintOf, folderOf, stateOf } from './state.ts'

/** A commit with all its files, as a clone has them. */
export interface Checkout {
  sha: string
  files: Map<string, Buffer>
}

/**
 * The commit that a branch, tag or `HEAD` names, for the holder of a deploy key: what `git ls-remote` tells over SSH.
 * @param address `git@github.com:<owner>/<repo>.git`
 * @param key the deploy key's public or private half, in OpenSSH's or PEM's form
 * @throws Error with what git would say
 */
export async function remoteHead(
  world: World,
  address: string,
  key: string,
  revision: string,
): Promise<string> {
  const dir = openByKey(world, address, key)
  const sha = await line(dir, 'rev-parse', '--verify', '--end-of-options', `${revision}^{commit}`)
  if (!sha) throw new Error(`fatal: couldn't find remote ref ${revision}`)
  return sha
}

/** A branch, tag or commit with its files; see {@link remoteHead}. */
export async function readRepository(
  world: World,
  address: string,
  key: string,
  revision: string,
): Promise<Checkout> {
  const sha = await remoteHead(world, address, key, revision)
  const dir = openByKey(world, address, key)
  const blobs = (await entries(dir, sha, true)).filter((one) => one.type === 'blob')
  const found = await objects(
    dir,
    blobs.map((one) => one.sha),
  )
  return {
    sha,
    files: new Map(blobs.map(({ path }, index) => [path, found[index]?.bytes ?? Buffer.alloc(0)])),
  }
}

function openByKey(world: World, address: string, key: string): string {
  const print = fingerprint(key)
  const state = stateOf(world)
  if (!state.repositories.some(({ keys }) => keys.some((one) => fingerprintOf(one.key) === print)))
    throw new Error('git@github.com: Permission denied (publickey).')
  const [, owner = '', name = ''] = /^git@github\.com:([^/]+)\/(.+)$/.exec(address) ?? []
  const repo = findRepository(state, owner, name)
  if (!repo?.keys.some((one) => fingerprintOf(one.key) === print))
    throw new Error('ERROR: Repository not found.')
  return folderOf(world, repo)
}

function fingerprint(key: string): string {
  try {
    return fingerprintOf(key)
  } catch {
    throw new Error('Load key: invalid format\ngit@github.com: Permission denied (publickey).')
  }
}
