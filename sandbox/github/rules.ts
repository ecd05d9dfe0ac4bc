import type { Context } from 'hono'
import { behaviourOf } from '../behaviour.ts'
import type { World } from '../world.ts'
import { type Answer, type Ask, isKnown, type Route } from './api.ts'
import { notFound, Refusal } from './refusal.ts'
import type { Repository } from './state.ts'

const id = 42
const needed = 'Changes must be made through a pull request.'

/** Rules of branches: rulesets (https://docs.github.com/rest/repos/rules) and the protection of before. */
export function addRuleRoutes(route: Route): void {
  route('GET', '/rules/branches/:branch{.+}', 'read', getBranchRules)
  route('GET', '/rulesets/:id', 'read', (ask) => {
    const { kind } = ruled(ask)
    if ((kind !== 'ruleset' && kind !== 'organisation') || ask.param('id') !== String(id)) throw notFound()
    const { owner, name } = ask.repo
    const source = kind === 'organisation' ? owner : `${owner}/${name}`
    return [200, { ...shownRuleset(kind, source), current_user_can_bypass: 'never' }]
  })
  route('GET', '/branches/:branch/protection', 'admin', (ask) => {
    const { kind } = ruled(ask)
    if (kind !== 'classic' || ask.param('branch') !== 'main') throw new Refusal(404, 'Branch not protected')
    const url = `${ask.url}/branches/main/protection`
    return [
      200,
      {
        url,
        required_pull_request_reviews: { url: `${url}/required_pull_request_reviews` },
        enforce_admins: { url: `${url}/enforce_admins`, enabled: true },
        required_signatures: { url: `${url}/required_signatures`, enabled: false },
        lock_branch: { enabled: false },
      },
    ]
  })
}

/** `GET /orgs/<organisation>/rulesets` and one of them: for its administrators. */
export function getOrganisationRulesets(world: World, context: Context): Answer {
  if (!isKnown(world, context)) throw new Refusal(401, 'Requires authentication')
  const { githubOrganisations, githubProtection } = behaviourOf(world)
  const organisation = context.req.param('organisation') ?? ''
  if (!githubOrganisations.includes(organisation)) throw notFound()
  const one = shownRuleset('organisation', organisation)
  const all = githubProtection === 'organisation' ? [one] : []
  if (context.req.param('id') === undefined)
    return [200, all.map(({ rules: _, conditions: __, bypass_actors: ___, ...short }) => short)]
  if (all.length === 0 || context.req.param('id') !== String(id)) throw notFound()
  return [200, one]
}

/** Refuses to move a branch that rules keep for pull requests. @throws Refusal 422 with GitHub's words */
export function refuseProtected(world: World, repo: Repository, ref: string): void {
  const { githubProtection } = behaviourOf(world)
  if (githubProtection === 'none' || ref !== `refs/heads/${repo.default_branch}`) return
  if (githubProtection === 'classic') throw new Refusal(422, needed)
  throw new Refusal(422, `Repository rule violations found\n\n${needed}\n\n`)
}

function getBranchRules(ask: Ask): Answer {
  const { kind } = ruled(ask)
  if (kind === 'classic' || ask.param('branch') !== ask.repo.default_branch) return [200, []]
  const { owner, name } = ask.repo
  const where =
    kind === 'organisation'
      ? { ruleset_source_type: 'Organization', ruleset_source: owner }
      : { ruleset_source_type: 'Repository', ruleset_source: `${owner}/${name}` }
  const rules = ['deletion', 'non_fast_forward', 'pull_request']
  return [200, rules.map((type) => ({ type, ...where, ruleset_id: id }))]
}

/** A private repository of a free account has no rules at all. */
function ruled({ world }: Ask): { kind: 'ruleset' | 'organisation' | 'classic' } {
  const { githubProtection } = behaviourOf(world)
  if (githubProtection === 'none')
    throw new Refusal(403, 'Upgrade to GitHub Pro or make this repository public to enable this feature.')
  return { kind: githubProtection }
}

const shownRuleset = (kind: 'ruleset' | 'organisation', source: string) => ({
  id,
  name: 'reviewed',
  target: 'branch',
  source_type: kind === 'organisation' ? 'Organization' : 'Repository',
  source,
  enforcement: 'active',
  bypass_actors: [],
  conditions: {
    ref_name: { include: ['~DEFAULT_BRANCH'], exclude: [] },
    ...(kind === 'organisation' ? { repository_name: { include: ['~ALL'], exclude: [] } } : {}),
  },
  rules: [{ type: 'deletion' }, { type: 'non_fast_forward' }, { type: 'pull_request' }],
})
