import { forAll } from '../base/parallel.ts'
import type { Commit, GitHub, Place } from '../clients/github.ts'

/** The files of a repository at one commit. */
export interface RepositoryTree {
  /** Git's name for a file's content; undefined where there is no such file. */
  blob(path: string): string | undefined
  paths(): string[]
  /** The text of these files that are there, by path. */
  texts(paths: readonly string[]): Promise<Map<string, string>>
}

/** Reads a repository at several commits; what they have in common is asked for once. */
export class RepositoryReader {
  readonly github: GitHub
  readonly place: Place
  readonly #trees = new Map<string, Promise<RepositoryTree>>()
  readonly #texts = new Map<string, string>()

  constructor(github: GitHub, place: Place) {
    this.github = github
    this.place = place
  }

  /** The files at a commit. @throws GitHubRefusal where there is no such commit */
  at(commit: string): Promise<RepositoryTree> {
    const known = this.#trees.get(commit) ?? this.#read(commit)
    this.#trees.set(commit, known)
    return known
  }

  async #read(sha: string): Promise<RepositoryTree> {
    const { tree }: Commit = await this.github.commit(this.place, sha)
    const blobs = await this.github.tree(this.place, tree.sha)
    return {
      blob: (path) => blobs.get(path),
      paths: () => [...blobs.keys()],
      texts: async (paths) => {
        const wanted = paths.flatMap((path) => {
          const blob = blobs.get(path)
          return blob ? [{ path, blob }] : []
        })
        const missing = new Set(wanted.map(({ blob }) => blob).filter((blob) => !this.#texts.has(blob)))
        await forAll(
          [...missing],
          async (blob) => {
            this.#texts.set(blob, await this.github.blob(this.place, blob))
          },
          8,
        )
        return new Map(wanted.map(({ path, blob }) => [path, this.#texts.get(blob) ?? '']))
      },
    }
  }
}

/** A tree with further files, as it would be after a commit of these. */
export function withFiles(tree: RepositoryTree, files: ReadonlyMap<string, string>): RepositoryTree {
  return {
    blob: (path) => (files.has(path) ? `added ${path}` : tree.blob(path)),
    paths: () => [...new Set([...tree.paths(), ...files.keys()])],
    texts: async (paths) =>
      new Map([
        ...(await tree.texts(paths.filter((path) => !files.has(path)))),
        ...paths.flatMap((path): [string, string][] => {
          const text = files.get(path)
          return text === undefined ? [] : [[path, text]]
        }),
      ]),
  }
}
