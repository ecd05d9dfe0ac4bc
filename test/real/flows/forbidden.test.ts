import t from 'tap'
import { z } from 'zod'
import { confirmed, mutating, openTestBox } from '../../flows/box.ts'

// A SIMULATED DigitalOcean whose token may not do one thing: the person reads which scope is missing, after one try.

t.setTimeout(600_000) // on a machine that may be busy

t.test(
  'what a token may not do is told by the scope that it lacks, and goes on once it has it',
  async (t) => {
    const box = await openTestBox(t)
    for (const [forbidden, scope] of [
      ['POST /v2/vpcs', 'vpc:create'],
      ['POST /v2/spaces/keys', 'spaces_key:create_credentials'],
      ['POST /v2/projects/[^/]+/resources', 'project:assign_resource'],
    ] as const) {
      box.behave({ digitalocean: { forbidden: [forbidden] } })
      const ended = await box.run('bootstrap.mts')
      t.equal(ended.code, 1, ended.err)
      t.match(ended.err, `DigitalOcean refused this, because the token lacks ${scope}:`)
      t.match(ended.err, `→ Give it ${scope}, or full access (docs/setup.md lists the scopes)`)
      const tried = mutating(ended.requests).filter((one) =>
        new RegExp(`^digitalocean ${forbidden}$`).test(one),
      )
      t.equal(tried.length, 1, 'it is no use to try again')
    }
    box.behave({})
    const ended = await box.run('bootstrap.mts')
    t.equal(ended.code, 0, ended.err)
    box.behave({ digitalocean: { forbidden: ['DELETE /v2/droplets'] } })
    const destroyed = await box.run('scripts/destroy.mts', ['--name', 'main', '--yes', ...confirmed()])
    t.equal(destroyed.code, 1, destroyed.err)
    t.match(destroyed.err, 'droplet:delete')
  },
)

t.test(
  'a network that its machines have not left yet is waited for: that 403 is about no scope',
  async (t) => {
    const box = await openTestBox(t, [], 0.05)
    // A region's first network is its default, which nobody removes.
    await box.cloud('POST', '/v2/vpcs', { name: 'default-fra1', region: 'fra1' })
    t.equal((await box.run('bootstrap.mts')).code, 0)
    const destroyed = await box.run('scripts/destroy.mts', ['--name', 'main', '--yes', ...confirmed()])
    t.equal(destroyed.code, 0, destroyed.err)
    t.notMatch(destroyed.err, 'lacks')
    t.ok(
      destroyed.requests.some(
        (one) => one.method === 'DELETE' && one.path.startsWith('/v2/vpcs/') && one.status === 403,
      ),
      'it was refused once',
    )
    const { vpcs } = z
      .object({ vpcs: z.array(z.object({ name: z.string() })) })
      .parse(await box.cloud('GET', '/v2/vpcs'))
    t.same(vpcs, [{ name: 'default-fra1' }])
  },
)

t.test('one 429 on a change costs its pause and no search', async (t) => {
  for (const path of ['^/v2/droplets$', '^/v2/vpcs$', '^/v2/reserved_ips$']) {
    const box = await openTestBox(t, [{ kind: '429', service: 'digitalocean', method: 'POST', path, nth: 1 }])
    const ended = await box.run('bootstrap.mts')
    t.equal(ended.code, 0, ended.err)
    const asked = ended.requests.filter((one) => one.service === 'digitalocean')
    const isIt = (one: (typeof asked)[number]) => one.method === 'POST' && new RegExp(path).test(one.path)
    const refused = asked.findIndex((one) => isIt(one) && one.status === 429)
    const again = asked.findIndex((one, index) => index > refused && isIt(one))
    const looks = asked.slice(refused, again).filter((one) => path.includes(one.path.split('?')[0] ?? ''))
    t.ok(looks.length <= 2, `${path}: looked for ${looks.length - 1} times until it was asked for again`)
    t.equal(asked.filter(isIt).length, 2)
  }
})
