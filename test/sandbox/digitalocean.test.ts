import t from 'tap'
import { fresh, type Ground } from './digitalocean-ground.ts'

// The traps of an account as a whole: who may ask, how much, what lists tell, what survives the wrapper.

const droplet = { name: 'main-1', region: 'fra1', size: 's-1vcpu-2gb', image: 'debian-13-x64' }
const behave = (on: Ground, behaviour: unknown) =>
  on.world.save('behaviour', { keyPropagationMs: 1, digitalocean: behaviour })
const names = (body: { [list: string]: { name: string }[] }, list: string) =>
  body[list]?.map((one) => one.name)

t.test('only the token of the world opens the account', async (t) => {
  const on = await fresh(t)
  const ask = async (token: string, path: string) =>
    fetch(`${on.url}/v2${path}`, { headers: { authorization: `Bearer ${token}` } })
  const other = await ask(`dop_v1_${'0'.repeat(64)}`, '/account')
  t.equal(other.status, 401)
  t.match(await other.json(), { id: 'unauthorized', message: 'Unable to authenticate you' })
  behave(on, { tokens: { narrow: ['^GET /v2/volumes'] }, forbidden: ['^POST /v2/vpcs'] })
  t.equal((await ask('narrow', '/volumes')).status, 200)
  t.equal((await ask('narrow', '/droplets')).status, 403)
  const refused = await on.ask('POST', '/vpcs', { name: 'x', region: 'fra1' })
  t.match(refused, { status: 403, body: { id: 'forbidden' } })
})

t.test('every answer tells what is left of the limits', async (t) => {
  const on = await fresh(t)
  const left = async () => {
    const { headers } = await on.ask('GET', '/account')
    t.equal(headers.get('ratelimit-limit'), '5000')
    t.ok(Number(headers.get('ratelimit-reset')) > Date.now() / 1000)
    t.ok(Math.abs(Date.parse(headers.get('date') ?? '') - Date.now()) < 2_000)
    return Number(headers.get('ratelimit-remaining'))
  }
  t.equal((await left()) - (await left()), 1)
  behave(on, { requestsPerMinute: 2 })
  const answer = await on.ask('GET', '/account')
  t.match(answer, { status: 429, body: { id: 'too_many_requests' } })
  t.ok(Number(answer.headers.get('retry-after')) > 50)
})

t.test('what is not known is refused, not guessed', async (t) => {
  const on = await fresh(t)
  t.match(await on.ask('GET', '/databases'), {
    status: 404,
    body: { id: 'not_found', message: 'the sandbox has no GET /v2/databases' },
  })
  const odd = await on.ask('POST', '/droplets', { ...droplet, nmae: 'x' })
  t.match(odd, { status: 422, body: { message: 'the sandbox does not know the field nmae' } })
  const ipv6 = await on.ask('POST', '/droplets', { ...droplet, ipv6: true })
  t.match(ipv6, { status: 422, body: { message: 'the sandbox has no IPv6' } })
  const headers = { authorization: `Bearer ${on.token}` }
  const broken = await fetch(`${on.url}/v2/tags`, { method: 'POST', headers, body: '{' })
  t.equal(broken.status, 400)
})

t.test('lists come in pages', async (t) => {
  const on = await fresh(t)
  for (let n = 0; n < 45; n++) await on.ask('POST', '/tags', { name: `tag-${n}` })
  const first = (await on.ask('GET', '/tags')).body
  t.equal(first.tags.length, 20)
  t.equal(first.meta.total, 45)
  const next = (await on.ask('GET', `/tags${new URL(first.links.pages.next).search}`)).body
  t.equal(next.tags[0].name, 'tag-20')
  const last = (await on.ask('GET', `/tags${new URL(first.links.pages.last).search}`)).body
  t.equal(last.tags.length, 5)
  t.notOk(last.links.pages.next)
  t.match((await on.ask('GET', '/tags?per_page=200')).body.links, { pages: undefined })
})

t.test('what is new hides and what is gone lingers, as long as behaviour.json says', async (t) => {
  const on = await fresh(t)
  await on.ask('POST', '/vpcs', { name: 'before', region: 'fra1' })
  await on.ask('POST', '/vpcs', { name: 'gone', region: 'fra1' }).then(({ body }) => {
    behave(on, { hiddenMs: 700, listLagMs: 700 })
    return new Promise((resolve) => setTimeout(resolve, 720)).then(() =>
      on.ask('DELETE', `/vpcs/${body.vpc.id}`),
    )
  })
  const { vpc } = (await on.ask('POST', '/vpcs', { name: 'new', region: 'fra1' })).body
  t.equal((await on.ask('GET', `/vpcs/${vpc.id}`)).status, 404, 'a 404 right after create')
  t.same(names((await on.ask('GET', '/vpcs')).body, 'vpcs'), ['before', 'gone'])
  await new Promise((resolve) => setTimeout(resolve, 720))
  t.equal((await on.ask('GET', `/vpcs/${vpc.id}`)).status, 200)
  t.same(names((await on.ask('GET', '/vpcs')).body, 'vpcs'), ['before', 'new'])
})

t.test('an action may error without an effect, or hide its end', async (t) => {
  const on = await fresh(t)
  behave(on, { errored: { create: 1 }, actionLagMs: 900 })
  const { body } = await on.ask('POST', '/droplets', droplet)
  const id = body.links.actions[0].id
  t.equal((await on.ask('GET', `/actions/${id}`)).body.action.status, 'in-progress')
  await on.settled()
  t.equal((await on.ask('GET', `/actions/${id}`)).body.action.status, 'errored')
  t.equal((await on.ask('GET', `/droplets/${body.droplet.id}`)).body.droplet.status, 'new')
  t.same(on.told, [], 'nothing was powered on')
  const second = (await on.ask('POST', '/droplets', droplet)).body.droplet
  await on.settled()
  t.equal(
    (await on.ask('GET', `/droplets/${second.id}`)).body.droplet.status,
    'active',
    'only one was to fail',
  )
  t.match(on.world.load('behaviour'), { keyPropagationMs: 1 }, "others' knobs stay")
})

t.test('prices, limits and room are as they are set', async (t) => {
  const on = await fresh(t)
  const sizes = async () => (await on.ask('GET', '/sizes')).body.sizes
  const price = (all: { slug: string; price_monthly: number }[]) =>
    all.find((one) => one.slug === 's-1vcpu-2gb')?.price_monthly
  t.equal(price(await sizes()), 12)
  behave(on, {
    prices: { 's-1vcpu-2gb': 13.5 },
    soldOut: ['s-2vcpu-4gb'],
    limits: { droplets: 1, reservedIps: 0 },
  })
  t.equal(price(await sizes()), 13.5)
  const full = await on.ask('POST', '/droplets', { ...droplet, size: 's-2vcpu-4gb' })
  t.match(full, { status: 422, body: { message: 'Size is not available in this region.' } })
  t.equal((await on.ask('POST', '/droplets', droplet)).status, 202)
  const more = await on.ask('POST', '/droplets', droplet)
  t.match(more.body.message, 'will exceed your droplet limit')
  t.equal((await on.ask('POST', '/reserved_ips', { region: 'fra1' })).status, 422)
  t.match((await on.ask('GET', '/account')).body.account, {
    droplet_limit: 1,
    reserved_ip_limit: 0,
    volume_limit: 100,
  })
})

t.test('the next wrapper finds the world as it was, and goes on with what was under way', async (t) => {
  const before = await fresh(t, undefined, 1)
  const made = (await before.ask('POST', '/droplets', { ...droplet, user_data: '#cloud-config\n' })).body
    .droplet
  await before.world.end()
  const after = await fresh(t, before.world.dir)
  t.equal(after.token, before.token)
  await after.settled()
  t.equal((await after.ask('GET', `/droplets/${made.id}`)).body.droplet.status, 'active')
  await after.world.end()
  const third = await fresh(t, before.world.dir)
  t.same(third.told, [`boot ${made.id}`], 'a droplet that was on is powered on again')
  t.equal(third.booted.get(made.id)?.userData, '#cloud-config\n')
})

t.test('Spaces keys: the secret is told once, grants do not mix and do not change', async (t) => {
  const on = await fresh(t)
  const full = { bucket: '', permission: 'fullaccess' }
  const scoped = { bucket: 'a', permission: 'readwrite' }
  const mixed = await on.ask('POST', '/spaces/keys', { name: 'x', grants: [full, scoped] })
  t.match(mixed, {
    status: 400,
    body: { message: 'cannot mix fullaccess permission with scoped permissions.' },
  })
  const { key } = (await on.ask('POST', '/spaces/keys', { name: 'x', grants: [scoped] })).body
  t.ok(key.secret_key)
  t.notOk((await on.ask('GET', '/spaces/keys')).body.keys[0].secret_key)
  const patched = await on.ask('PATCH', `/spaces/keys/${key.access_key}`, { name: 'y', grants: [full] })
  t.match(patched.body.key, { name: 'y', grants: [scoped] })
  const known = () => on.spacesKeys().map((one) => one.access_key)
  t.ok(known().includes(key.access_key))
  await on.ask('DELETE', `/spaces/keys/${key.access_key}`)
  t.notOk(known().includes(key.access_key), 'Spaces believe it no more')
})

t.test('projects: what lies in them, and that keeps them', async (t) => {
  const on = await fresh(t)
  const wish = { name: 'regrow-main', purpose: 'Kubernetes cluster', environment: 'production' }
  const { project } = (await on.ask('POST', '/projects', wish)).body
  t.equal(project.environment, 'Production')
  t.equal((await on.ask('POST', '/projects', wish)).status, 409)
  const changed = await on.ask('PATCH', `/projects/${project.id}`, { purpose: 'x', is_default: null })
  t.match(changed.body.project, { name: 'regrow-main', purpose: 'x', is_default: false })
  const made = (await on.ask('POST', '/droplets', droplet)).body.droplet
  const urn = `do:droplet:${made.id}`
  const held = async (id: string) => (await on.ask('GET', `/projects/${id}/resources`)).body.resources
  t.match(await held('default'), [{ urn, status: 'ok' }], 'a droplet begins in the default project')
  const put = await on.ask('POST', `/projects/${project.id}/resources`, { resources: [urn, 'do:droplet:1'] })
  t.match(put.body.resources, [{ status: 'assigned' }, { status: 'not_found' }])
  t.same(await held('default'), [])
  const kept = await on.ask('DELETE', `/projects/${project.id}`)
  t.match(kept, { status: 412, body: { id: 'precondition_failed' } })
  await on.settled()
  await on.ask('DELETE', `/droplets/${made.id}`)
  t.equal((await on.ask('DELETE', `/projects/${project.id}`)).status, 204)
})
