import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import dots from 'dots-wrapper'
import t from 'tap'
import { fresh, type Ground } from './digitalocean-ground.ts'

// Traps of droplets, volumes and snapshots; the last test sees them through dots-wrapper.

const wish = {
  name: 'main-1',
  region: 'fra1',
  size: 's-1vcpu-2gb',
  image: 'debian-13-x64',
  tags: ['regrow:main'],
}
const grow = async (on: Ground, more: object = {}) => {
  const { body } = await on.ask('POST', '/droplets', { ...wish, ...more })
  await on.settled()
  return body.droplet.id as number
}
const act = async (on: Ground, path: string, body: object) => {
  const answer = await on.ask('POST', `${path}/actions`, body)
  await on.settled()
  return answer
}

t.test('a droplet is accepted first and has addresses later', async (t) => {
  const on = await fresh(t, undefined, 0.02)
  const { status, body } = await on.ask('POST', '/droplets', wish)
  t.equal(status, 202)
  t.match(body, {
    droplet: { status: 'new', networks: { v4: [], v6: [] } },
    links: { actions: [{ rel: 'create' }] },
  })
  const { id } = body.droplet
  t.match((await on.ask('GET', `/droplets/${id}`)).body.droplet, { status: 'new', locked: true })
  const early = await on.ask('DELETE', `/droplets/${id}`)
  t.match(early, { status: 422, body: { message: 'Droplet already has a pending event.' } })
  await on.settled()
  const { droplet } = (await on.ask('GET', `/droplets/${id}`)).body
  t.match(droplet, { status: 'active', locked: false, size_slug: 's-1vcpu-2gb', memory: 2048, disk: 50 })
  t.equal(droplet.networks.v4.length, 2)
  t.same(on.told, [`boot ${id}`])
})

t.test('names need not differ; lists filter by name and tag', async (t) => {
  const on = await fresh(t)
  await grow(on)
  await grow(on)
  await grow(on, { name: 'other', tags: ['x'] })
  const count = async (query: string) => (await on.ask('GET', `/droplets?${query}`)).body.meta.total
  t.same([await count('name=main-1'), await count('tag_name=x'), await count('')], [2, 1, 3])
  t.equal((await on.ask('DELETE', '/droplets')).status, 422)
  t.equal((await on.ask('DELETE', '/droplets?tag_name=regrow:main')).status, 204)
  t.equal(await count(''), 1)
})

t.test('what cannot be made is refused in DigitalOcean’s words', async (t) => {
  const on = await fresh(t)
  const refused = async (more: object) =>
    (await on.ask('POST', '/droplets', { ...wish, ...more })).body.message
  t.match(
    await refused({ name: 'main_1' }),
    'Only valid hostname characters are allowed. (a-z, A-Z, 0-9, . and -)',
  )
  t.match(await refused({ image: 'debian-12-x64' }), 'invalid image')
  t.match(await refused({ region: 'atlantis' }), 'invalid region')
  t.match(await refused({ size: 'huge' }), 'invalid size')
  t.match(await refused({ ssh_keys: [1] }), '1 are invalid key identifiers')
  t.match(await refused({ user_data: 'x'.repeat(65_537) }), 'too long')
  t.equal((await on.ask('POST', '/droplets', { ...wish, user_data: 'x'.repeat(65_536) })).status, 202)
})

t.test('power and size: one event at a time, each only where it makes sense', async (t) => {
  const on = await fresh(t)
  const id = await grow(on)
  const path = `/droplets/${id}`
  const message = async (body: object) => (await act(on, path, body)).body.message
  t.match(await message({ type: 'power_on' }), 'Droplet is already powered on')
  t.match(await message({ type: 'resize', size: 's-2vcpu-4gb' }), 'must be powered off')
  t.match(await message({ type: 'rebuild' }), 'the sandbox has no droplet action rebuild')
  await act(on, path, { type: 'power_off' })
  t.match(await message({ type: 'power_off' }), 'Droplet is already powered off')
  t.match(
    await message({ type: 'resize', size: 's-1vcpu-1gb' }),
    "Size can not decrease size of Droplet's disk image",
  )
  await act(on, path, { type: 'resize', size: 's-2vcpu-4gb', disk: false })
  t.match((await on.ask('GET', path)).body.droplet, {
    status: 'off',
    size_slug: 's-2vcpu-4gb',
    memory: 4096,
    disk: 50,
  })
  await act(on, path, { type: 'resize', size: 's-1vcpu-2gb', disk: false })
  await act(on, path, { type: 'power_on' })
  await act(on, path, { type: 'reboot' })
  t.same(on.told, [`boot ${id}`, `halt ${id}`, `boot ${id}`, `halt ${id}`, `boot ${id}`])
  const types = (await on.ask('GET', `${path}/actions`)).body.actions.map((one: { type: string }) => one.type)
  t.same(types, ['reboot', 'power_on', 'resize', 'resize', 'power_off', 'create'], 'newest first')
})

t.test('volumes: one droplet each, bytes that snapshots copy', async (t) => {
  const on = await fresh(t)
  const id = await grow(on)
  const make = (more: object = {}) =>
    on.ask('POST', '/volumes', { name: 'pvc-1', region: 'fra1', size_gigabytes: 1, ...more })
  const { volume } = (await make()).body
  t.match(await make(), { status: 409, body: { id: 'conflict' } }, 'a name is unique in its region')
  t.equal((await make({ region: 'nyc3' })).status, 201)
  t.equal((await make({ name: 'big', size_gigabytes: 16_385 })).status, 422)
  const path = `/volumes/${volume.id}`
  const message = async (body: object) => (await act(on, path, body)).body.message
  t.match(await message({ type: 'detach', droplet_id: id }), 'Attachment not found')
  t.match(await message({ type: 'attach', droplet_id: 1 }), 'Droplet not found')
  t.equal((await act(on, path, { type: 'attach', droplet_id: id, tags: ['late'] })).status, 202)
  t.match(await message({ type: 'attach', droplet_id: id }), 'This volume is already attached')
  t.match((await on.ask('GET', `/droplets/${id}`)).body.droplet.volume_ids, [volume.id])
  t.match((await on.ask('GET', '/volumes?name=pvc-1&region=fra1')).body, {
    meta: { total: 1 },
    volumes: [{ droplet_ids: [id], tags: ['late'] }],
  })
  t.equal((await on.ask('DELETE', path)).status, 409)
  writeFileSync(on.world.path('volumes', volume.id, 'page'), 'first')
  const { snapshot } = (await on.ask('POST', `${path}/snapshots`, { name: 's1' })).body
  t.match(await on.ask('POST', `${path}/snapshots`, { name: 's1' }), { status: 409 })
  writeFileSync(on.world.path('volumes', volume.id, 'page'), 'changed since')
  const small = await make({ name: 'small', snapshot_id: 'nothing' })
  t.equal(small.status, 404)
  const copy = (await make({ name: 'copy', snapshot_id: snapshot.id })).body.volume
  t.equal(readFileSync(on.world.path('volumes', copy.id, 'page'), 'utf8'), 'first')
  t.match(await message({ type: 'resize', size_gigabytes: 1 }), 'greater than the current size')
  await on.ask('DELETE', `/droplets/${id}`)
  t.match((await on.ask('GET', path)).body.volume, { droplet_ids: [] }, 'it outlives the droplet')
  t.equal((await on.ask('DELETE', path)).status, 204)
  t.notOk(existsSync(on.world.path('volumes', volume.id)))
  t.match((await on.ask('GET', '/snapshots?resource_type=volume')).body.snapshots, [
    { resource_id: volume.id },
  ])
  t.equal((await on.ask('DELETE', `/snapshots/${snapshot.id}`)).status, 204)
  t.same(on.told.slice(1), [`plug ${id} pvc-1 true`, `destroy ${id}`])
})

t.test('attaching is an event of the droplet; there are limits', async (t) => {
  const on = await fresh(t, undefined, 0.02)
  const id = await grow(on)
  const make = async (name: string) =>
    (await on.ask('POST', '/volumes', { name, region: 'fra1', size_gigabytes: 1 })).body.volume?.id
  const [a, b] = [await make('a'), await make('b')]
  const attach = (volume: string) =>
    on.ask('POST', `/volumes/${volume}/actions`, { type: 'attach', droplet_id: id })
  t.equal((await attach(a)).status, 202)
  t.match(await attach(b), { status: 422, body: { message: 'Droplet already has a pending event.' } })
  await on.settled()
  on.world.save('behaviour', { digitalocean: { limits: { volumes: 2 }, snapshotPauseMs: 600_000 } })
  const full = await on.ask('POST', '/volumes', { name: 'c', region: 'fra1', size_gigabytes: 1 })
  t.match(full, { status: 403, body: { message: 'volume/snapshot capacity limit exceeded' } })
  await on.ask('POST', `/volumes/${a}/snapshots`, { name: 'one' })
  t.equal(
    (await on.ask('POST', `/volumes/${a}/snapshots`, { name: 'two' })).status,
    429,
    'one in ten minutes',
  )
})

t.test('dots-wrapper finds what it expects', async (t) => {
  const on = await fresh(t)
  const api = dots.createApiClient({ token: on.token, endpoint: `${on.url}/v2` })
  const made = await api.droplet.createDroplet(wish)
  await on.settled()
  const droplet_id = made.data.droplet.id
  t.equal((await api.droplet.getDroplet({ droplet_id })).data.droplet.status, 'active')
  const { data } = await api.volume.createVolume({
    name: 'v',
    region: 'fra1',
    size_gigabytes: 1,
    filesystem_type: 'ext4',
    filesystem_label: '',
    description: '',
    snapshot_id: '',
    tags: [],
  } as never)
  await api.volume.attachVolumeToDroplet({ volume_id: data.volume.id, droplet_id })
  await on.settled()
  t.same((await api.volume.getVolume({ volume_id: data.volume.id })).data.volume.droplet_ids, [droplet_id])
  await api.tag.createTag({ name: 'x' })
  t.equal((await api.tag.listTags({ per_page: 1 })).data.meta?.total, 2)
  t.equal((await api.account.getAccount()).data.account.status, 'active')
  const missing = await api.droplet.getDroplet({ droplet_id: 1 }).catch((error) => error)
  t.match(missing.response, { status: 404, data: { id: 'not_found' } })
})
