import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { load } from 'js-yaml'
import t from 'tap'
import { z } from 'zod'
import { commit, committed } from '../../census/repository.ts'
import { confirmed, openTestBox } from '../../flows/box.ts'
import { fleetOf } from '../../flows/fleet.ts'
import { openShop } from '../../flows/shop.ts'

// What somebody else writes, into Git or into the account, makes nothing theirs ours, and nothing ours a
// stranger unheard. One SIMULATED cluster of two machines; each test stands on the one before.

t.setTimeout(900_000)
const box = await openTestBox(t)
box.behave({ githubScopes: 'repo, delete_repo' })
await openShop(box)
const grown = await box.run('scale.mts', ['--add', '1', '--yes'])
if (grown.code !== 0) throw new Error(grown.err)
const { droplets } = fleetOf(box)
const path = 'clusters/main/cluster.yaml'
const described = async () =>
  z
    .looseObject({ nextNode: z.number(), nodes: z.array(z.looseObject({ name: z.string() })) })
    .parse(load(await committed(box.env, path)))
const gitSays = async (more: object) => commit(box.env, { [path]: [{ ...(await described()), ...more }] })

t.test('a count in Git that somebody raised gives no name to a foreign machine', async (t) => {
  const before = await described()
  await box.cloud('POST', '/v2/droplets', {
    ...{ name: 'main-77', region: 'fra1', size: 's-1vcpu-2gb', image: 'debian-13-x64' },
    tags: ['regrow:main'],
  })
  const fleet = await droplets()
  t.equal(fleet.length, 3)
  for (const more of [{}, { nodes: [...before.nodes, { name: 'main-77', role: 'agent' }] }]) {
    await gitSays({ nextNode: 100, ...more })
    for (const [script, ...words] of [
      ['scale.mts'],
      ['scale.mts', '--add', '1'],
      ['scale.mts', '--remove', 'main-77'],
      ['scale.mts', '--size', 's-2vcpu-4gb'],
      ['bootstrap.mts'],
      ['restore.mts', '--backup', 'main-first', '--replace'],
      ['scripts/destroy.mts', ...confirmed()],
    ] as const) {
      const ended = await box.run(script, [...words, '--yes'])
      t.equal(ended.code, 1, `${script} ${words.join(' ')}: ${ended.err}`)
      t.match(ended.err, /droplet main-77 .*regrow never gave it that name/, script)
      t.same(await droplets(), fleet, `${script} ${words.join(' ')}`)
    }
  }
  const all = z.object({ droplets: z.array(z.object({ id: z.number(), name: z.string() })) })
  const seen = all.parse(await box.cloud('GET', '/v2/droplets')).droplets
  await box.cloud('DELETE', `/v2/droplets/${seen.find(({ name }) => name === 'main-77')?.id}`)
  await gitSays(before)
})

t.test('a lowered one makes no stranger of a machine, and gives its name to no other', async (t) => {
  const { nodes } = await described()
  await gitSays({ nextNode: 2, nodes: nodes.slice(0, 1) })
  const shown = await box.run('scale.mts', ['--add', '1', '--dry-run'])
  t.equal(shown.code, 0, shown.err)
  t.match(shown.err, '! nextNode  is 2 in Git, and main-2 was made: 3 from now on')
  t.match(shown.err + shown.out, /^ {2}- main-2 /m, 'it is shown that it goes')
  t.match(shown.err + shown.out, /^ {2}\+ main-3 /m)
  await gitSays({ nextNode: 2, nodes: nodes.slice(0, 1) })
  const ended = await box.run('scale.mts', ['--add', '1', '--yes'])
  t.equal(ended.code, 0, ended.err)
  t.same(
    (await droplets()).map((one) => one.split(' ')[0]),
    ['main-1', 'main-3'],
  )
  t.equal((await described()).nextNode, 4)
})

t.test('a Spaces key that was given away meanwhile is left as it is', async (t) => {
  const keys = z.object({ keys: z.array(z.object({ name: z.string(), access_key: z.string() })) })
  const all = async () => keys.parse(await box.cloud('GET', '/v2/spaces/keys')).keys
  const key = (await all()).find(({ name }) => /-velero-/.test(name))
  const [ended] = await Promise.all([
    box.run('scripts/destroy.mts', ['--yes', ...confirmed()]),
    box.once(
      ({ service, method, path }) =>
        service === 'digitalocean' && method === 'DELETE' && path.startsWith('/v2/droplets/'),
      () => box.cloud('PUT', `/v2/spaces/keys/${key?.access_key}`, { name: 'photos' }),
    ),
  ])
  t.match(await all(), [{ name: 'photos', access_key: key?.access_key }])
  t.equal(ended.code, 1, ended.err)
  t.match(
    ended.err,
    /Spaces key photos \(\S+\), which was regrow-main-velero-\d+, is not of cluster main any more/,
  )
  await box.cloud('DELETE', `/v2/spaces/keys/${key?.access_key}`)
})

t.test('a repository that describes another cluster, too, does not go with this one', async (t) => {
  await commit(box.env, { 'clusters/other/cluster.yaml': [{ cluster: 'other' }] })
  const ended = await box.run('scripts/destroy.mts', ['--with-repository', '--yes', ...confirmed()])
  t.equal(ended.code, 1, ended.err)
  t.match(ended.err, 'repository bob/regrow-main describes other, too: it is not deleted')
  t.ok(await box.github('GET', '/repos/bob/regrow-main'))
  await commit(box.env, { 'clusters/other/cluster.yaml': undefined })
})

t.test('nor one that describes it no more and holds something else', async (t) => {
  await box.github('POST', '/user/repos', { name: 'website', private: true, auto_init: true })
  const content = Buffer.from('hello').toString('base64')
  await box.github('PUT', '/repos/bob/website/contents/index.html', { message: 'mine', content })
  const words = ['--with-repository', '--yes', '--repo', 'bob/website', ...confirmed()]
  const ended = await box.run('scripts/destroy.mts', words)
  t.equal(ended.code, 1, ended.err)
  t.match(ended.err, 'repository bob/website holds something else (index.html): it is not deleted')
  t.ok(await box.github('GET', '/repos/bob/website'))
})

t.test(
  'a kit’s bucket that Git names and that is not there hides the true one from no removal',
  async (t) => {
    const spaces = join(box.dir, '.sandbox', 'spaces')
    const left = () => readdirSync(spaces).filter((name) => existsSync(join(spaces, name, '@bucket')))
    t.equal(left().length, 2)
    await gitSays({ store: { kit: 'nobody-has-this' } })
    const shown = await box.run('scripts/destroy.mts', ['--with-backups', '--dry-run'])
    t.match(shown.err, /! bucket nobody-has-this {2}is named in Git and is not there; regrow-main-\w+-kit is/)
    t.match(shown.out + shown.err, /- bucket regrow-main-\w+-kit/)
    const ended = await box.run('scripts/destroy.mts', ['--with-backups', '--yes', ...confirmed()])
    t.equal(ended.code, 0, ended.err)
    t.same(left(), [])
  },
)
