import t from 'tap'
import type { GitHubRules } from '../../lib/clients/github-rules.ts'
import { protection, ruleset } from '../../lib/clients/github-types.ts'
import { protectionOfMain, protectionToCome } from '../../lib/gitops/protection.ts'

const place = { owner: 'acme', name: 'infra' }
const bob = { login: 'bob', isAdmin: true }
const rule = (type: string, ruleset_id = 7, ruleset_source = 'acme/infra') => ({
  type,
  ruleset_id,
  ruleset_source,
})

/** GitHub as far as it tells of rules. */
const rules = (more: Partial<GitHubRules>): GitHubRules => ({
  branchRules: async () => [],
  ruleset: async () => undefined,
  protection: async () => undefined,
  deployKeysAllowed: async () => undefined,
  organisationRulesets: async () => [],
  ...more,
})
const shown = (more: object = {}) =>
  ruleset.parse({ id: 7, name: 'reviewed', enforcement: 'active', current_user_can_bypass: 'never', ...more })

t.test('a rule that refuses commits is named with its ruleset and the page that opens it', async (t) => {
  const github = rules({
    branchRules: async () => [
      rule('deletion'),
      rule('non_fast_forward'),
      rule('pull_request'),
      rule('required_signatures'),
    ],
    ruleset: async () => shown(),
  })
  const found = await protectionOfMain(github, place, bob)
  t.equal(
    found?.message,
    'regrow may not commit to branch main of acme/infra: changes need a pull request (ruleset “reviewed” of acme/infra); commits must be signed (ruleset “reviewed” of acme/infra)',
  )
  t.match(found?.cure, 'https://github.com/acme/infra/settings/rules/7')
  const ofOrganisation = rules({
    branchRules: async () => [rule('update', 9, 'acme')],
    ruleset: async () => shown(),
  })
  t.match(await protectionOfMain(ofOrganisation, place, bob), {
    message: /nobody may update it \(ruleset “reviewed” of acme\)/,
    cure: /https:\/\/github\.com\/organizations\/acme\/settings\/rules\/9/,
  })
})

t.test('rules that let regrow through are none', async (t) => {
  const harmless = rules({
    branchRules: async () => [rule('deletion'), rule('non_fast_forward'), rule('required_linear_history')],
  })
  t.equal(await protectionOfMain(harmless, place, bob), undefined)
  for (const [word, passes] of [
    ['always', true],
    ['exempt', true],
    ['pull_requests_only', false],
    ['never', false],
  ] as const) {
    const github = rules({
      branchRules: async () => [rule('pull_request')],
      ruleset: async () => shown({ current_user_can_bypass: word }),
    })
    t.equal((await protectionOfMain(github, place, bob)) === undefined, passes, word)
  }
  const unseen = rules({ branchRules: async () => [{ type: 'pull_request' }] })
  t.match(await protectionOfMain(unseen, place, bob), { message: /a ruleset of acme\/infra/ })
})

t.test('a protection of before binds administrators only where it says so', async (t) => {
  const told = async (more: object, who = bob) =>
    (await protectionOfMain(rules({ protection: async () => protection.parse(more) }), place, who))?.message
  const review = { required_pull_request_reviews: {} }
  t.equal(await told(review), undefined)
  t.match(
    await told({ ...review, enforce_admins: { enabled: true } }),
    /changes need a pull request \(branch protection of acme\/infra\)/,
  )
  t.match(await told(review, { ...bob, isAdmin: false }), /changes need a pull request/)
  const strict = { enforce_admins: { enabled: true } }
  t.equal(await told(strict), undefined)
  t.match(await told({ ...strict, lock_branch: { enabled: true } }), /the branch is locked/)
  t.match(await told({ ...strict, required_status_checks: { strict: true } }), /status checks/)
  t.match(await told({ ...strict, required_signatures: { enabled: true } }), /must be signed/)
  t.match(await told({ ...strict, restrictions: { users: [{ login: 'alice' }] } }), /only some may push/)
  t.equal(await told({ ...strict, restrictions: { users: [{ login: 'bob' }] } }), undefined)
})

t.test('what an organisation will do to a repository of that name is known before it is made', async (t) => {
  const conditions = { ref_name: { include: ['~DEFAULT_BRANCH'] }, repository_name: { include: ['~ALL'] } }
  const told = async (more: object) =>
    (
      await protectionToCome(
        rules({
          organisationRulesets: async () => [
            shown({ conditions, rules: [{ type: 'pull_request' }], ...more }),
          ],
        }),
        place,
      )
    )?.message
  t.match(await told({}), /changes need a pull request \(ruleset “reviewed” of acme\)/)
  t.equal(await told({ enforcement: 'evaluate' }), undefined)
  t.equal(await told({ target: 'tag' }), undefined)
  t.equal(await told({ rules: [{ type: 'deletion' }] }), undefined)
  const with_ = (ref: object, name: object) => told({ conditions: { ref_name: ref, repository_name: name } })
  t.match(await with_({ include: ['refs/heads/ma*'] }, { include: ['infra', 'x'] }), /pull request/)
  t.equal(await with_({ include: ['refs/heads/release/*'] }, { include: ['~ALL'] }), undefined)
  t.equal(await with_({ include: ['~ALL'], exclude: ['refs/heads/main'] }, { include: ['~ALL'] }), undefined)
  t.equal(await with_({ include: ['~ALL'] }, { include: ['website-*'] }), undefined)
  t.equal(await with_({ include: ['~ALL'] }, { include: ['~ALL'], exclude: ['infra'] }), undefined)
  t.equal(await told({ bypass_actors: [{ actor_type: 'OrganizationAdmin' }] }), undefined)
  t.equal(await told({ bypass_actors: [{ actor_type: 'RepositoryRole', actor_id: 5 }] }), undefined)
  t.match(
    await told({ bypass_actors: [{ actor_type: 'OrganizationAdmin', bypass_mode: 'pull_request' }] }),
    /pull request/,
  )
  t.match(await told({ bypass_actors: [{ actor_type: 'RepositoryRole', actor_id: 4 }] }), /pull request/)
})
