import { z } from 'zod'
import { Problem } from '../base/problem.ts'
import { withRetry } from '../base/retry.ts'
import type { Secret } from '../base/secret.ts'
import { failure, GitHubRefusal, limit, refusal } from './github-refusal.ts'
import { connectRules, type GitHubRules } from './github-rules.ts'
import {
  type Answer,
  type Asking,
  type Commit,
  commit,
  type DeployKey,
  deployKey,
  type Files,
  type GitHubUser,
  type ListedCommit,
  listedCommit,
  type Maybe,
  type Place,
  type Repository,
  readUser,
  repository,
} from './github-types.ts'
import { type Asked, steadyFetch } from './steady-fetch.ts'

export type { Commit, Files, ListedCommit, Place, Repository } from './github-types.ts'

/** GitHub as the flows use it; every answer is parsed. Refs are written without `refs/`, such as `heads/main`. */
export interface GitHub extends GitHubRules {
  /** The token's user and, for a classic token, its scopes. */
  user(): Promise<GitHubUser>
  repository(owner: string, name: string): Promise<Repository | undefined>
  createRepository(name: string, organisation?: string): Promise<void>
  removeRepository(owner: string, name: string): Promise<void>
  makeDefault(repo: Place, branch: string): Promise<void>
  /** The commit a ref points to; undefined when there is no such ref or the repository is empty. */
  ref(repo: Place, ref: string): Promise<string | undefined>
  createRef(repo: Place, ref: string, sha: string): Promise<void>
  /** Moves a ref; only forwards, unless `force`. @throws GitHubRefusal (422) when it is no fast-forward */
  moveRef(repo: Place, ref: string, sha: string, force?: boolean): Promise<void>
  commit(repo: Place, sha: string): Promise<Commit>
  /** All files of a commit: path to blob sha. */
  tree(repo: Place, treeSha: string): Promise<Map<string, string>>
  blob(repo: Place, sha: string): Promise<string>
  writeTree(repo: Place, base: string | undefined, files: Files): Promise<string>
  writeCommit(repo: Place, message: string, tree: string, parents: string[]): Promise<string>
  /** The first file of a repository that has no commit yet: the only write GitHub takes there. */
  writeFirstFile(repo: Place, path: string, content: string, message: string): Promise<void>
  /** A file's text on the branch main, or at another branch or commit. */
  file(repo: Place, path: string, at?: string): Promise<string | undefined>
  /** The hundred newest commits, newest first, that changed a file or folder; none where nobody knows `from`. */
  commits(repo: Place, which: CommitQuery): Promise<ListedCommit[]>
  deployKeys(repo: Place): Promise<DeployKey[]>
  addDeployKey(repo: Place, title: string, publicKey: string): Promise<void>
  removeDeployKey(repo: Place, id: number): Promise<void>
  /** GitHub's clock minus ours in ms, as the last answer told. */
  clockOffset(): number
}

/** Which commits are listed. */
interface CommitQuery {
  /** A branch or commit: the newest of the history. */
  from: string
  path?: string
  /** RFC 3339: made then or before. */
  until?: string
}

const gitTree = z.object({
  tree: z.array(z.object({ path: z.string(), type: z.string(), sha: z.string() })),
  truncated: z.boolean().default(false),
})
const gitFile = z.object({ content: z.string(), encoding: z.string().default('base64') })

/** Connects the client; nothing is sent yet. */
export async function connectGitHub(url: string, token: Secret): Promise<GitHub> {
  const { Octokit } = await import('@octokit/rest')
  const silent = { debug() {}, info() {}, warn() {}, error() {} }
  const octokit = new Octokit({
    auth: token.reveal(),
    baseUrl: url,
    log: silent,
    userAgent: 'regrow',
    request: { fetch: patient },
  })
  let offset = 0

  const ask: Asking = async (what, work, read, again = true) => {
    try {
      const answer = await withRetry(work, again ? failure : limit)
      const date = Date.parse(String(answer.headers.date ?? ''))
      if (!Number.isNaN(date)) offset = date - Date.now()
      return read(answer)
    } catch (error) {
      throw refusal(what, error)
    }
  }
  const maybe: Maybe = async (work, ...absent) => {
    try {
      return await work
    } catch (error) {
      if (error instanceof GitHubRefusal && error.status !== undefined && absent.includes(error.status))
        return undefined
      throw error
    }
  }
  const at = ({ owner, name }: Place) => ({ owner, repo: name })
  const sha = (answer: Answer) => z.object({ sha: z.string() }).parse(answer.data).sha
  const { git, repos } = octokit.rest

  return {
    user: () => ask('tell whose token it is', () => octokit.rest.users.getAuthenticated(), readUser),
    repository: (owner, name) =>
      maybe(
        ask(
          `show ${owner}/${name}`,
          () => repos.get({ owner, repo: name }),
          (answer) => repository.parse(answer.data),
        ),
        404,
      ),
    createRepository: (name, organisation) => {
      const settings = {
        name,
        private: true,
        auto_init: true,
        description:
          'What my cluster is made of. Argo CD follows this repository; regrow wrote its first version.',
      }
      return ask(
        `create repository ${organisation ? `${organisation}/` : ''}${name}`,
        () =>
          organisation
            ? repos.createInOrg({ org: organisation, ...settings })
            : repos.createForAuthenticatedUser(settings),
        () => undefined,
        false,
      )
    },
    removeRepository: (owner, name) =>
      ask(
        `delete repository ${owner}/${name}`,
        () => repos.delete({ owner, repo: name }),
        () => undefined,
      ),
    makeDefault: (repo, branch) =>
      ask(
        `make ${branch} the default branch`,
        () => repos.update({ ...at(repo), default_branch: branch }),
        () => undefined,
      ),
    ref: (repo, ref) =>
      maybe(
        ask(
          `read ref ${ref}`,
          () => git.getRef({ ...at(repo), ref }),
          (answer) => z.object({ object: z.object({ sha: z.string() }) }).parse(answer.data).object.sha,
        ),
        404,
        409,
      ),
    createRef: (repo, ref, target) =>
      ask(
        `create ref ${ref}`,
        () => git.createRef({ ...at(repo), ref: `refs/${ref}`, sha: target }),
        () => undefined,
        false,
      ),
    moveRef: (repo, ref, target, force = false) =>
      ask(
        `move ref ${ref}`,
        () => git.updateRef({ ...at(repo), ref, sha: target, force }),
        () => undefined,
        false,
      ),
    commit: (repo, target) =>
      ask(
        `read commit ${target}`,
        () => git.getCommit({ ...at(repo), commit_sha: target }),
        (answer) => commit.parse(answer.data),
      ),
    tree: (repo, target) =>
      ask(
        `read tree ${target}`,
        () => git.getTree({ ...at(repo), tree_sha: target, recursive: '1' }),
        (answer) => {
          const { tree, truncated } = gitTree.parse(answer.data)
          // What is missing in a list that was cut off is not gone.
          if (truncated)
            throw new Problem(`${repo.owner}/${repo.name} has more files than GitHub lists at once`, {
              cure: 'Move what is no manifest into a repository of its own.',
            })
          return new Map(tree.filter((one) => one.type === 'blob').map((one) => [one.path, one.sha]))
        },
      ),
    blob: (repo, target) =>
      ask(
        `read blob ${target}`,
        () => git.getBlob({ ...at(repo), file_sha: target }),
        (answer) =>
          Buffer.from(z.object({ content: z.string() }).parse(answer.data).content, 'base64').toString(),
      ),
    writeTree: (repo, base, files) =>
      ask(
        'write a tree',
        () =>
          git.createTree({
            ...at(repo),
            ...(base ? { base_tree: base } : {}),
            tree: Object.entries(files).map(([path, content]) =>
              content === undefined
                ? { path, mode: '100644' as const, type: 'blob' as const, sha: null }
                : { path, mode: '100644' as const, type: 'blob' as const, content },
            ),
          }),
        sha,
      ),
    writeCommit: (repo, message, tree, parents) =>
      ask('write a commit', () => git.createCommit({ ...at(repo), message, tree, parents }), sha),
    writeFirstFile: (repo, path, content, message) =>
      ask(
        `write ${path}`,
        () =>
          repos.createOrUpdateFileContents({
            ...at(repo),
            path,
            message,
            content: Buffer.from(content).toString('base64'),
          }),
        () => undefined,
        false,
      ),
    file: (repo, path, ref = 'main') =>
      maybe(
        ask(
          `read ${path}`,
          () => repos.getContent({ ...at(repo), path, ref }),
          (answer) => {
            const { content, encoding } = gitFile.parse(answer.data)
            // Of a file of more than 1 MB GitHub shows nothing here (https://docs.github.com/rest/repos/contents).
            if (encoding !== 'base64')
              throw new Problem(`${path} in ${repo.owner}/${repo.name} is too large to be read`, {
                cure: 'Files that regrow reads have less than 1 MB: make it smaller by a commit.',
              })
            return Buffer.from(content, 'base64').toString()
          },
        ),
        404,
      ),
    commits: async (repo, { from, path, until }) =>
      (await maybe(
        ask(
          `list commits of ${from}`,
          () =>
            repos.listCommits({
              ...at(repo),
              sha: from,
              per_page: 100,
              ...(path === undefined ? {} : { path }),
              ...(until === undefined ? {} : { until }),
            }),
          (answer) => z.array(listedCommit).parse(answer.data),
        ),
        404,
        409,
      )) ?? [],
    ...connectRules(octokit, ask, maybe),
    deployKeys: (repo) =>
      ask(
        'list deploy keys',
        () => repos.listDeployKeys({ ...at(repo), per_page: 100 }),
        (answer) => z.array(deployKey).parse(answer.data),
      ),
    addDeployKey: (repo, title, key) =>
      ask(
        'add a deploy key',
        () => repos.createDeployKey({ ...at(repo), title, key, read_only: true }),
        () => undefined,
        false,
      ),
    removeDeployKey: async (repo, id) => {
      await maybe(
        ask(
          'remove a deploy key',
          () => repos.deleteDeployKey({ ...at(repo), key_id: id }),
          () => undefined,
        ),
        404,
      )
    },
    clockOffset: () => offset,
  }
}

/** A server that is silent is given up after half a minute; whether its request is repeated is for the caller to know. */
const patient = (address: string, asked: Asked) => steadyFetch(address, { ...asked, silence: 30 })
