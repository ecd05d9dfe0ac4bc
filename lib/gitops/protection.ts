import { Problem } from '../base/problem.ts'
import type { Place } from '../clients/github.ts'
import type { GitHubRules } from '../clients/github-rules.ts'
import type { Protection, Ruleset } from '../clients/github-types.ts'
import { glob } from './glob.ts'

/** Rules of GitHub that refuse a commit which comes without a pull request, as a person knows them. */
const refusing: Record<string, string> = {
  pull_request: 'changes need a pull request',
  update: 'nobody may update it',
  required_status_checks: 'status checks must pass first',
  required_signatures: 'commits must be signed',
  required_deployments: 'a deployment must succeed first',
  merge_queue: 'changes go through the merge queue',
  workflows: 'workflows must pass first',
  code_scanning: 'code scanning must pass first',
}

/** A rule in the way, where it stands, and what opens it. */
interface Obstacle {
  rule: string
  source: string
  settings: string
}

/**
 * What keeps regrow's commits from main of a repository: rules that the token's user does not pass, by their names. What
 * GitHub does not tell counts as no obstacle.
 * @throws GitHubRefusal
 */
export async function protectionOfMain(
  github: GitHubRules,
  place: Place,
  { login, isAdmin }: { login: string | undefined; isAdmin: boolean },
): Promise<Problem | undefined> {
  const [rules, old] = await Promise.all([
    github.branchRules(place, 'main'),
    github.protection(place, 'main'),
  ])
  const repository = `${place.owner}/${place.name}`
  const settings = `https://github.com/${repository}/settings`
  const obstacles: Obstacle[] = []
  for (const { type, ruleset_id: id, ruleset_source: source = repository } of rules) {
    const rule = refusing[type]
    if (rule === undefined) continue
    const found = id === undefined ? undefined : await github.ruleset(place, id)
    if (found && ['always', 'exempt'].includes(found.current_user_can_bypass ?? '')) continue
    obstacles.push({
      rule,
      source: found ? `ruleset “${found.name}” of ${source}` : `a ruleset of ${source}`,
      settings: source === repository ? `${settings}/rules/${id ?? ''}` : settingsOf(source, id),
    })
  }
  const rule = old && ruleOf(old, login, isAdmin)
  if (rule)
    obstacles.push({ rule, source: `branch protection of ${repository}`, settings: `${settings}/branches` })
  return problemOf(repository, obstacles)
}

/**
 * The same for a repository that is yet to be made: by the rulesets of its organisation, where the token may see them.
 * @throws GitHubRefusal
 */
export async function protectionToCome(
  github: GitHubRules,
  { owner, name }: Place,
): Promise<Problem | undefined> {
  const all = await github.organisationRulesets(owner)
  const obstacles = all
    .filter((one) => one.target === 'branch' && one.enforcement === 'active')
    .filter((one) => covers(one, name) && !passesOwner(one))
    .flatMap((one) =>
      one.rules.flatMap(({ type }): Obstacle[] => {
        const rule = refusing[type]
        return rule
          ? [{ rule, source: `ruleset “${one.name}” of ${owner}`, settings: settingsOf(owner, one.id) }]
          : []
      }),
    )
  return problemOf(`${owner}/${name}`, obstacles)
}

const settingsOf = (organisation: string, id: number | undefined) =>
  `https://github.com/organizations/${organisation}/settings/rules/${id ?? ''}`

function problemOf(repository: string, obstacles: readonly Obstacle[]): Problem | undefined {
  const [first] = obstacles
  if (!first) return undefined
  const all = [...new Set(obstacles.map(({ rule, source }) => `${rule} (${source})`))]
  return new Problem(`regrow may not commit to branch main of ${repository}: ${all.join('; ')}`, {
    cure: `Allow the GitHub token’s user to bypass that rule, or exclude main from it: ${first.settings}`,
  })
}

/** Administrators are bound by an old protection only where it says so. */
function ruleOf(one: Protection, login: string | undefined, isAdmin: boolean): string | undefined {
  if (isAdmin && !one.enforce_admins?.enabled) return undefined
  if (one.lock_branch?.enabled) return 'the branch is locked'
  if (one.required_pull_request_reviews) return refusing.pull_request
  if (one.required_status_checks) return refusing.required_status_checks
  if (one.required_signatures?.enabled) return refusing.required_signatures
  const others = one.restrictions && !one.restrictions.users.some((user) => user.login === login)
  return others ? 'only some may push' : undefined
}

function covers({ conditions }: Ruleset, name: string): boolean {
  const refs = conditions?.ref_name
  const names = conditions?.repository_name
  const isMain = (pattern: string) =>
    pattern === '~ALL' || pattern === '~DEFAULT_BRANCH' || glob(pattern).test('refs/heads/main')
  const isIt = (pattern: string) => pattern === '~ALL' || glob(pattern).test(name)
  if (!refs || !names) return false
  return (
    refs.include.some(isMain) &&
    !refs.exclude.some(isMain) &&
    names.include.some(isIt) &&
    !names.exclude.some(isIt)
  )
}

/** Who makes a repository administers it (role 5); who sees these rulesets administers the organisation. */
const passesOwner = ({ bypass_actors }: Ruleset): boolean =>
  bypass_actors.some(
    ({ actor_type, actor_id, bypass_mode }) =>
      bypass_mode !== 'pull_request' &&
      (actor_type === 'OrganizationAdmin' || (actor_type === 'RepositoryRole' && actor_id === 5)),
  )
