import t from 'tap'
import { z } from 'zod'
import { mutating, openTestBox } from '../../flows/box.ts'
import { openShop } from '../../flows/shop.ts'

// A SIMULATED cluster whose repository keeps main for pull requests: each test stands on the one before.

t.setTimeout(600_000) // many flows, on a machine that may be busy
const box = await openTestBox(t)
const shop = await openShop(box)
await shop.write()
await shop.backUp('first')
const before = await shop.content()
const own = /^digitalocean (POST \/v2\/spaces\/keys|DELETE \/v2\/spaces\/keys\/\w+)$/
const rule = 'regrow may not commit to branch main of bob/regrow-main: changes need a pull request'

t.test('scale and bootstrap refuse before anything is made, and name the rule', async (t) => {
  for (const [githubProtection, name] of [
    ['ruleset', 'ruleset “reviewed” of bob/regrow-main'],
    ['classic', 'branch protection of bob/regrow-main'],
  ] as const) {
    box.behave({ githubProtection })
    for (const ended of [await box.run('scale.mts', ['--add', '1']), await box.run('bootstrap.mts')]) {
      t.equal(ended.code, 1)
      t.match(ended.err, `${rule} (${name})`)
      t.match(ended.err, 'https://github.com/bob/regrow-main/settings/')
      t.same(
        mutating(ended.requests).filter((one) => !own.test(one)),
        [],
      )
    }
  }
})

t.test('a restore goes on, holds the lock, and tells what Git does not know', async (t) => {
  await shop.lose()
  box.behave({ githubProtection: 'ruleset' })
  const ended = await shop.restore('--backup', 'first')
  t.equal(ended.code, 0, ended.err)
  t.match(
    ended.err,
    /^! description clusters\/main\/cluster\.yaml {2}not written \(GitHub refused to move ref heads\/main: 422 Repository rule/m,
  )
  t.notMatch(ended.err, 'this run goes on without it')
  const proven = z.looseObject({ missing: z.array(z.string()), unwritten: z.array(z.string()) })
  t.match(proven.parse(JSON.parse(ended.out)), {
    missing: [],
    unwritten: ['description clusters/main/cluster.yaml'],
  })
  t.same(await shop.content(), before)
  const lock = await box.github('GET', '/repos/bob/regrow-main/git/ref/regrow/lock')
  const { object } = z.object({ object: z.object({ sha: z.string() }) }).parse(lock)
  t.match(await box.github('GET', `/repos/bob/regrow-main/git/commits/${object.sha}`), {
    message: /^regrow lock: released/,
  })
})

t.test(
  'an organisation’s rule for new repositories is known before one is made, or right after',
  async (t) => {
    const wish = ['--name', 'other', '--repo', 'acme/infra']
    box.behave({ githubProtection: 'organisation', githubOrganisations: ['acme'] })
    const early = await box.run('bootstrap.mts', wish)
    t.equal(early.code, 1)
    t.match(early.err, 'regrow may not commit to branch main of acme/infra')
    t.same(
      mutating(early.requests).filter((one) => !own.test(one)),
      [],
    )
    // Where the organisation’s rulesets cannot be seen.
    box.behave({ githubProtection: 'ruleset', githubOrganisations: ['acme'] })
    const late = await box.run('bootstrap.mts', wish)
    t.equal(late.code, 1)
    t.match(late.err, 'The repository was made, and nothing else')
    t.same(
      mutating(late.requests).filter((one) => !own.test(one)),
      ['github POST /orgs/acme/repos'],
    )
  },
)
