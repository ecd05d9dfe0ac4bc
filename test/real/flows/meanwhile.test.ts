import t from 'tap'
import { z } from 'zod'
import { confirmed, mutating, openTestBox } from '../../flows/box.ts'

// What a person, or a lost answer, did to a SIMULATED account before and between runs.

const box = await openTestBox(t, [
  // The answer to the first bucket is lost: made again, it is refused as one that we own.
  { kind: 'cut-after', service: 'spaces', method: 'PUT', path: '^/[\\w-]+-kit$' },
])
const own = /^digitalocean (POST \/v2\/spaces\/keys|DELETE \/v2\/spaces\/keys\/\w+)$/
const repository = '/repos/bob/regrow-main'
const droplets = z.object({ droplets: z.array(z.object({ id: z.number(), name: z.string() })) })
const theDroplets = async () => droplets.parse(await box.cloud('GET', '/v2/droplets')).droplets

t.test(
  'a firewall of our name that guards something else stops the run before anything is made',
  async (t) => {
    const { firewall } = z.object({ firewall: z.object({ id: z.string() }) }).parse(
      await box.cloud('POST', '/v2/firewalls', {
        name: 'main-firewall',
        inbound_rules: [{ protocol: 'tcp', ports: '22', sources: { addresses: ['192.0.2.1'] } }],
      }),
    )
    const ended = await box.run('bootstrap.mts')
    t.equal(ended.code, 1)
    t.match(ended.err, /firewall main-firewall \(\S+\) is there and does not guard the tag regrow:main/)
    t.same(mutating(ended.requests), [])
    await box.cloud('DELETE', `/v2/firewalls/${firewall.id}`)
  },
)

t.test('a repository whose first branch is not main, and a bucket whose answer was lost', async (t) => {
  await box.github('POST', '/user/repos', { name: 'regrow-main', private: true, auto_init: true })
  const head = z
    .object({ object: z.object({ sha: z.string() }) })
    .parse(await box.github('GET', `${repository}/git/ref/heads/main`)).object.sha
  await box.github('POST', `${repository}/git/refs`, { ref: 'refs/heads/trunk', sha: head })
  await box.github('PATCH', repository, { default_branch: 'trunk' })
  await box.github('DELETE', `${repository}/git/refs/heads/main`)
  const ended = await box.run('bootstrap.mts')
  t.equal(ended.code, 0, ended.err)
  t.match(ended.err, '+ branch main of bob/regrow-main  from trunk')
  t.match(await box.github('GET', repository), { default_branch: 'main' })
  t.equal(
    ended.requests.filter((one) => one.service === 'spaces' && /^\/[\w-]+-kit$/.test(one.path)).length > 1,
    true,
    'the bucket was asked for again',
  )
})

t.test('a droplet of ours that was renamed is not grown again beside itself', async (t) => {
  const [droplet] = await theDroplets()
  await box.cloud('POST', `/v2/droplets/${droplet?.id}/actions`, { type: 'rename', name: 'web' })
  const ended = await box.run('bootstrap.mts')
  t.equal(ended.code, 1)
  t.match(ended.err, `droplet web (${droplet?.id}) is in project regrow-main`)
  t.match(ended.err, `doctl compute droplet-action rename ${droplet?.id} --droplet-name main-1`)
  // The run's own key, to look for an unfinished restore.
  const own = /^digitalocean (POST \/v2\/spaces\/keys|DELETE \/v2\/spaces\/keys\/\w+)$/
  t.same(
    mutating(ended.requests).filter((one) => !own.test(one)),
    [],
  )
  t.equal((await theDroplets()).length, 1)
  await box.cloud('POST', `/v2/droplets/${droplet?.id}/actions`, { type: 'rename', name: 'main-1' })
})

t.test('a droplet that vanished leaves its number behind, and the plan says so', async (t) => {
  const [droplet] = await theDroplets()
  await box.cloud('DELETE', `/v2/droplets/${droplet?.id}`)
  const dry = await box.run('bootstrap.mts', ['--dry-run', '--json'])
  t.equal(dry.code, 0, dry.err)
  const { items } = z
    .object({ items: z.array(z.object({ kind: z.string(), mark: z.string(), name: z.string() })) })
    .parse(JSON.parse(dry.out))
  t.match(
    items.filter((one) => one.kind === 'droplet'),
    [{ mark: '+', name: 'main-2' }],
  )
  t.match(dry.err, 'those of main-1 stay;')
  t.ok(mutating(dry.requests).every((one) => own.test(one)))
  const ended = await box.run('bootstrap.mts')
  t.equal(ended.code, 0, ended.err)
  t.same(
    (await theDroplets()).map((one) => one.name),
    ['main-2'],
  )
  t.match(ended.out, /last backup +main-first-2, /, 'the earlier server’s backup is none of this one')
})

t.test('a backup is taken, read back and listed without a cluster; a name is used once', async (t) => {
  const taken = await box.run('scripts/backup.mts', ['--backup', 'before-upgrade', '--ttl', '12h', '--json'])
  t.equal(taken.code, 0, taken.err)
  const record = z
    .looseObject({
      whole: z.boolean(),
      commit: z.string(),
      volumes: z.array(z.looseObject({ claim: z.string() })),
    })
    .parse(JSON.parse(taken.out))
  t.match(record, { whole: true, commit: /^[0-9a-f]{40}$/, volumes: [{ claim: 'hello/hello', kept: 's3' }] })
  const again = await box.run('scripts/backup.mts', ['--backup', 'before-upgrade'])
  t.equal(again.code, 0, again.err)
  t.match(again.err, '= backup before-upgrade', 'the same command a moment later')
  const other = await box.run('scripts/backup.mts', ['--backup', 'before-upgrade', '--volumes', 'snapshot'])
  t.equal(other.code, 2)
  t.match(other.err, 'there is a backup before-upgrade already')
  const kept = await box.run('scripts/backup.mts', ['--backup', 'kept-there', '--volumes', 'snapshot'])
  t.equal(kept.code, 0, kept.err)
  const listed = await box.run('scripts/backups.mts', ['--json'])
  const all = z.array(z.looseObject({ name: z.string(), perMonth: z.number() })).parse(JSON.parse(listed.out))
  t.same(
    all.map((one) => one.name),
    ['kept-there', 'before-upgrade', 'main-first-2', 'main-first'],
  )
  t.equal(all[0]?.perMonth, 0.06, 'a snapshot of 1 GiB')
  t.equal(all[1]?.perMonth, 0)
  const shown = await box.run('scripts/backups.mts')
  t.match(shown.out, /before-upgrade {2}whole {2}20/)
})

t.test('destroy looks at what it removes, not at everything each time', async (t) => {
  box.behave({ githubScopes: 'repo, delete_repo' })
  const ended = await box.run('scripts/destroy.mts', ['--with-backups', '--with-repository', ...confirmed()])
  t.equal(ended.code, 0, ended.err)
  const asked = ended.requests.filter((one) => one.service === 'digitalocean')
  // Of each thing it is asked once more, right before it goes, whose it is.
  t.ok(asked.length < 100, `${asked.length} requests of 250 a minute`)
  const keys = asked.filter((one) => one.path.startsWith('/v2/account/keys'))
  t.ok(keys.length <= 8, `${keys.length} requests for SSH keys of 10 a minute`)
})
