import type { Files, GitHub } from '../../lib/clients/github.ts'
import { GitHubRefusal } from '../../lib/clients/github-refusal.ts'
import type { Cluster } from '../../lib/cluster/cluster.ts'
import { parseDescription } from '../../lib/cluster/description.ts'
import { renderRepository } from '../../lib/gitops/render.ts'
import { ordinary } from './fixture.ts'

/** A repository in memory: whole trees by commit, one branch, and GitHub as far as it is asked here. */
export class FakeRepository {
  readonly place = { owner: 'bob', name: 'regrow-main' }
  readonly commits: { sha: string; message: string; date: string; files: Record<string, string> }[] = []
  readonly branches = new Map<string, string>()
  /** Requests, by what they asked. */
  readonly asked: string[] = []

  /** Commits changes onto main: undefined removes a file. @returns the sha */
  commit(
    message: string,
    changes: Files,
    date = new Date(Date.UTC(2026, 0, this.commits.length + 1)).toISOString(),
  ): string {
    const files = { ...this.commits.at(-1)?.files }
    for (const [path, text] of Object.entries(changes))
      if (text === undefined) delete files[path]
      else files[path] = text
    const sha = String(this.commits.length + 1)
      .padStart(7, 'c')
      .padEnd(40, '0')
    this.commits.push({ sha, message, date, files })
    this.branches.set('heads/main', sha)
    return sha
  }

  /** The newest commit. */
  get head(): string {
    return this.commits.at(-1)?.sha ?? ''
  }

  #files(sha: string): Record<string, string> {
    const found = this.commits.find((one) => one.sha === sha.replace('tree ', ''))
    if (!found) throw new GitHubRefusal(`read ${sha}`, 404, 'Not Found')
    return found.files
  }

  readonly github: GitHub = {
    ref: async (_: unknown, ref: string) => this.branches.get(ref),
    commit: async (_: unknown, sha: string) => {
      this.#files(sha)
      return { sha, message: '', tree: { sha: `tree ${sha}` }, parents: [] }
    },
    tree: async (_: unknown, sha: string) => {
      this.asked.push(sha)
      return new Map(Object.entries(this.#files(sha)).map(([path, text]) => [path, `blob ${text}`]))
    },
    file: async (_: unknown, path: string) => this.commits.at(-1)?.files[path],
    blob: async (_: unknown, sha: string) => {
      this.asked.push(sha)
      return sha.slice('blob '.length)
    },
    commits: async (_: unknown, { from, path, until }: { from: string; path?: string; until?: string }) => {
      this.asked.push(`commits ${path ?? ''}`)
      const sha = this.branches.get(`heads/${from}`) ?? from
      const last = this.commits.findIndex((one) => one.sha === sha)
      const inside = (files: Record<string, string> | undefined) =>
        JSON.stringify(
          Object.entries(files ?? {}).filter(
            ([name]) => path === undefined || name === path || name.startsWith(`${path}/`),
          ),
        )
      return this.commits
        .slice(0, last + 1)
        .filter((one, at) => path === undefined || inside(one.files) !== inside(this.commits[at - 1]?.files))
        .filter(({ date }) => until === undefined || Date.parse(date) <= Date.parse(until))
        .map(({ sha: of, message, date }) => ({ sha: of, message, author: 'bob', date }))
        .toReversed()
    },
    writeTree: async (_: unknown, base: string, files: Files) => JSON.stringify({ base, files }),
    writeCommit: async (_: unknown, message: string, tree: string) => `${message}\n\n${tree}`,
    moveRef: async (_: unknown, __: string, sha: string) => {
      const [message = '', tree = ''] = sha.split(/\n\n(.*)/s)
      this.branches.set('heads/main', this.commit(message, JSON.parse(tree).files as Files))
    },
  } as Partial<GitHub> as GitHub
}

/** A cluster that is described in this repository, with everything else as it is by default. */
export function clusterIn({ place, github }: FakeRepository): Cluster {
  const read = parseDescription('')
  if (!('description' in read)) throw new Error('defaults')
  return {
    name: 'main',
    tag: 'regrow:main',
    login: place.owner,
    place,
    github,
    repository: { default_branch: 'main' },
    wanted: read.description,
    account: { uuid: 'u' },
  } as unknown as Cluster
}

/** The files with which bob's repository is seeded. */
export const seeded = () =>
  renderRepository({ ...ordinary, owner: 'bob', sshUrl: 'git@github.com:bob/regrow-main.git' })
