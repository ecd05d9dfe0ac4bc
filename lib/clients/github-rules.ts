import type { Octokit } from '@octokit/rest'
import { z } from 'zod'
import {
  type Asking,
  type BranchRule,
  branchRule,
  type Maybe,
  type Place,
  type Protection,
  protection,
  type Ruleset,
  ruleset,
} from './github-types.ts'

/** What GitHub tells of who may write to a branch. Where an account's plan or the token has no part in it, nothing. */
export interface GitHubRules {
  /** Rules that are active on a branch, whether it is there yet or not. */
  branchRules(repo: Place, branch: string): Promise<BranchRule[]>
  /** A ruleset that applies to the repository, with whether the token's user passes it. */
  ruleset(repo: Place, id: number): Promise<Ruleset | undefined>
  /** The protection of a branch of before there were rulesets; only administrators of the repository see it. */
  protection(repo: Place, branch: string): Promise<Protection | undefined>
  /** Whether repositories of an organisation take deploy keys; only its members are told. */
  deployKeysAllowed(organisation: string): Promise<boolean | undefined>
  /** All rulesets of an organisation; only its administrators see them. */
  organisationRulesets(organisation: string): Promise<Ruleset[]>
}

/** The part of the client that looks at rules. A private repository of a free account has none: GitHub answers 403. */
export function connectRules(octokit: Octokit, ask: Asking, maybe: Maybe): GitHubRules {
  const { repos } = octokit.rest
  const at = ({ owner, name }: Place) => ({ owner, repo: name })
  return {
    branchRules: async (repo, branch) =>
      (await maybe(
        ask(
          `tell the rules of ${branch}`,
          () => repos.getBranchRules({ ...at(repo), branch, per_page: 100 }),
          ({ data }) => z.array(branchRule).parse(data),
        ),
        403,
        404,
      )) ?? [],
    ruleset: (repo, id) =>
      maybe(
        ask(
          `show ruleset ${id}`,
          () => repos.getRepoRuleset({ ...at(repo), ruleset_id: id, includes_parents: true }),
          ({ data }) => ruleset.parse(data),
        ),
        403,
        404,
      ),
    protection: (repo, branch) =>
      maybe(
        ask(
          `show the protection of ${branch}`,
          () => repos.getBranchProtection({ ...at(repo), branch }),
          ({ data }) => protection.parse(data),
        ),
        403,
        404,
      ),
    deployKeysAllowed: (org) =>
      maybe(
        ask(
          `show organisation ${org}`,
          () => octokit.rest.orgs.get({ org }),
          ({ data }) =>
            z.looseObject({ deploy_keys_enabled_for_repositories: z.boolean().optional() }).parse(data)
              .deploy_keys_enabled_for_repositories,
        ),
        403,
        404,
      ),
    organisationRulesets: async (organisation) => {
      const listed = await maybe(
        ask(
          `list rulesets of ${organisation}`,
          () => repos.getOrgRulesets({ org: organisation, per_page: 100 }),
          ({ data }) => z.array(z.object({ id: z.number() })).parse(data),
        ),
        403,
        404,
      )
      const shown = (listed ?? []).map(({ id }) =>
        maybe(
          ask(
            `show ruleset ${id}`,
            () => repos.getOrgRuleset({ org: organisation, ruleset_id: id }),
            ({ data }) => ruleset.parse(data),
          ),
          403,
          404,
        ),
      )
      return (await Promise.all(shown)).filter((one) => one !== undefined)
    },
  }
}
