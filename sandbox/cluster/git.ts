import type { World } from '../world.ts'

/** Git repositories as the paper Argo CD reads them, with the private half of a deploy key. */
export interface Repositories {
  /** The commit that a branch, tag or `HEAD` names. @throws Error with what git would say */
  head(url: string, privateKey: string, revision: string): Promise<string>
  /** All texts of a commit by their path. @throws Error with what git would say */
  files(url: string, privateKey: string, commit: string): Promise<ReadonlyMap<string, string>>
}

/** The repositories of the world's simulated GitHub. */
export function repositoriesOf(_world: World): Repositories {
  const nobody = async () => {
    throw new Error('ssh: connect to host github.com port 22: Connection refused')
  }
  return { head: nobody, files: nobody }
}
