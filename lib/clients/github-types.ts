import { z } from 'zod'

/** A repository by its owner and name. */
export interface Place {
  owner: string
  name: string
}

/** What regrow reads of a GitHub repository (https://docs.github.com/rest/repos). */
export const repository = z.object({
  name: z.string(),
  owner: z.object({ login: z.string() }),
  private: z.boolean(),
  html_url: z.string(),
  ssh_url: z.string(),
  clone_url: z.string(),
  default_branch: z.string().default('main'),
  permissions: z.object({ admin: z.boolean().default(false), push: z.boolean().default(false) }).optional(),
})
export type Repository = z.infer<typeof repository>

/** A deploy key of a repository. */
export const deployKey = z.object({
  id: z.number(),
  key: z.string(),
  title: z.string(),
  read_only: z.boolean(),
})
export type DeployKey = z.infer<typeof deployKey>

/** A commit as the Git Data API shows it. */
export const commit = z.object({
  sha: z.string(),
  message: z.string(),
  tree: z.object({ sha: z.string() }),
  parents: z.array(z.object({ sha: z.string() })),
})
export type Commit = z.infer<typeof commit>

/** A commit of a history, newest first (https://docs.github.com/rest/commits/commits#list-commits). */
export const listedCommit = z
  .object({
    sha: z.string(),
    commit: z.object({
      message: z.string(),
      author: z.object({ name: z.string().default(''), date: z.string().default('') }).nullable(),
    }),
  })
  .transform(({ sha, commit: { message, author } }) => ({
    sha,
    message,
    author: author?.name ?? '',
    /** RFC 3339. */
    date: author?.date ?? '',
  }))
export type ListedCommit = z.infer<typeof listedCommit>

/** A rule that is active on a branch, and the ruleset that it stands in (https://docs.github.com/rest/repos/rules). */
export const branchRule = z.object({
  type: z.string(),
  ruleset_id: z.number().optional(),
  ruleset_source_type: z.string().optional(),
  ruleset_source: z.string().optional(),
})
export type BranchRule = z.infer<typeof branchRule>

const patterns = z
  .object({ include: z.array(z.string()).default([]), exclude: z.array(z.string()).default([]) })
  .optional()

/** A ruleset of a repository or an organisation, with whom it lets through. */
export const ruleset = z.object({
  id: z.number(),
  name: z.string(),
  target: z.string().default('branch'),
  enforcement: z.string(),
  /** Told at a repository alone: `always`, `pull_requests_only`, `never` or `exempt`. */
  current_user_can_bypass: z.string().optional(),
  bypass_actors: z
    .array(
      z.object({
        actor_id: z.number().nullish(),
        actor_type: z.string(),
        bypass_mode: z.string().default('always'),
      }),
    )
    .default([]),
  conditions: z.object({ ref_name: patterns, repository_name: patterns }).nullish(),
  rules: z.array(z.object({ type: z.string() })).default([]),
})
export type Ruleset = z.infer<typeof ruleset>

const isOn = z.object({ enabled: z.boolean().default(false) }).optional()

/** The protection of a branch of before there were rulesets (https://docs.github.com/rest/branches/branch-protection). */
export const protection = z.object({
  enforce_admins: isOn,
  required_pull_request_reviews: z.object({}).optional(),
  required_status_checks: z.object({}).nullish(),
  restrictions: z.object({ users: z.array(z.object({ login: z.string() })).default([]) }).optional(),
  required_signatures: isOn,
  lock_branch: isOn,
})
export type Protection = z.infer<typeof protection>

/** One file of a tree to write; `undefined` removes it. */
export type Files = Record<string, string | undefined>

/** Whose token it is; classic tokens tell their scopes, those that end tell when. */
export interface GitHubUser {
  login: string
  scopes: string[] | undefined
  /** From `github-authentication-token-expiration`. */
  tokenEnds: Date | undefined
}

/** Reads whose token it is from the answer and its headers. */
export function readUser({ data, headers }: Answer): GitHubUser {
  const scopes = headers['x-oauth-scopes']
  // Written as `2026-12-23 10:00:00 UTC`; a token without an end has no such header.
  const ends = Date.parse(String(headers['github-authentication-token-expiration'] ?? ''))
  return {
    login: z.object({ login: z.string() }).parse(data).login,
    scopes:
      scopes === undefined
        ? undefined
        : String(scopes)
            .split(',')
            .map((one) => one.trim()),
    tokenEnds: Number.isNaN(ends) ? undefined : new Date(ends),
  }
}

/** What GitHub answered. */
export interface Answer {
  data: unknown
  headers: Record<string, unknown>
}

/** Asks for something and reads the answer; repeated where that does no harm. @throws GitHubRefusal */
export type Asking = <T>(
  what: string,
  work: () => Promise<Answer>,
  read: (answer: Answer) => T,
  again?: boolean,
) => Promise<T>

/** What is asked for, or undefined where GitHub answers with one of these statuses. */
export type Maybe = <T>(work: Promise<T>, ...absent: number[]) => Promise<T | undefined>
