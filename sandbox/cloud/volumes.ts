import { cpSync, mkdirSync, rmSync } from 'node:fs'
import { z } from 'zod'
import { regions } from './catalog.ts'
import { actionView, type Cloud } from './cloud.ts'
import { need, page, Refusal } from './reply.ts'
import { now, type Snapshot, type Volume } from './state.ts'

const view = (one: Volume) => ({
  ...one,
  region: regions.find((each) => each.slug === one.region),
  filesystem_label: '',
})
const snapshotView = ({ region, ...one }: Snapshot) => ({
  ...one,
  regions: [region],
  resource_type: 'volume',
  min_disk_size: one.size_gigabytes,
})

/** Volumes, whose bytes are folders of the world, and their snapshots. */
export function volumeRoutes(cloud: Cloud): void {
  const { app, state, world } = cloud
  const find = (id: string) => need(state.volumes.find((one) => one.id === id))
  app.get('/v2/volumes', (c) => {
    const { name, region } = c.req.query()
    return page(
      c,
      'volumes',
      state.volumes
        .filter((one) => (!name || one.name === name) && (!region || one.region === region))
        .map(view),
    )
  })
  app.post('/v2/volumes', async (c) => {
    const volume = await makeVolume(cloud, await c.req.json())
    return c.json({ volume: view(volume) }, 201)
  })
  snapshotRoutes(cloud, find)
  app.get('/v2/volumes/:id', (c) => c.json({ volume: view(find(c.req.param('id'))) }))
  app.delete('/v2/volumes/:id', (c) => {
    const volume = find(c.req.param('id'))
    if (volume.droplet_ids.length > 0)
      throw new Refusal(409, 'A volume that is attached to a Droplet cannot be deleted')
    state.volumes.splice(state.volumes.indexOf(volume), 1)
    rmSync(world.path('volumes', volume.id), { recursive: true, force: true })
    cloud.forget(`do:volume:${volume.id}`)
    cloud.save()
    return c.body(null, 204)
  })
  app.post('/v2/volumes/:id/actions', async (c) => {
    const action = volumeAction(cloud, find(c.req.param('id')), await c.req.json())
    return c.json({ action: actionView(action) }, 202)
  })
  app.get('/v2/volumes/:id/actions', (c) => page(c, 'actions', []))
  app.get('/v2/volumes/:id/actions/:action', (c) =>
    c.json({
      action: actionView(need(state.actions.find((one) => one.id === Number(c.req.param('action'))))),
    }),
  )
}

async function makeVolume(cloud: Cloud, body: unknown): Promise<Volume> {
  const { state, world } = cloud
  const wish = z
    .object({
      name: z.string().regex(/^[a-z][a-z0-9-]{0,63}$/),
      size_gigabytes: z.number().int(),
      region: z.string().optional(),
      description: z.string().default(''),
      snapshot_id: z.string().optional(),
      filesystem_type: z.string().default(''),
      tags: z.array(z.string()).nullish(),
    })
    .parse(body)
  const from = wish.snapshot_id ? need(state.snapshots.find((one) => one.id === wish.snapshot_id)) : undefined
  const region = wish.region ?? from?.region ?? ''
  if (state.volumes.some((one) => one.name === wish.name && one.region === region))
    throw new Refusal(409, 'volume with the same name already exists')
  if (wish.size_gigabytes < 1 || wish.size_gigabytes > 16_384)
    throw new Refusal(422, 'size_gigabytes must be between 1 and 16384')
  if (state.volumes.length >= 100) throw new Refusal(403, 'volume/snapshot capacity limit exceeded')
  if (from && wish.size_gigabytes < from.size_gigabytes)
    throw new Refusal(422, 'size is smaller than the snapshot')
  const volume: Volume = {
    id: cloud.uuid(),
    name: wish.name,
    region,
    size_gigabytes: wish.size_gigabytes,
    description: wish.description,
    tags: wish.tags ?? [],
    droplet_ids: [],
    created_at: now(),
    filesystem_type: wish.filesystem_type,
  }
  mkdirSync(world.path('volumes', volume.id), { recursive: true })
  if (from) cpSync(world.path('snapshots', from.id), world.path('volumes', volume.id), { recursive: true })
  cloud.learnTags(volume.tags)
  state.volumes.push(volume)
  cloud.assign(`do:volume:${volume.id}`)
  cloud.save()
  return volume
}

function volumeAction(cloud: Cloud, volume: Volume, body: unknown) {
  const { state, world } = cloud
  const wish = z
    .object({
      type: z.enum(['attach', 'detach', 'resize']),
      droplet_id: z.number().optional(),
      size_gigabytes: z.number().optional(),
      tags: z.array(z.string()).optional(),
    })
    .loose()
    .parse(body)
  const region = volume.region
  if (wish.type === 'resize') {
    if ((wish.size_gigabytes ?? 0) < volume.size_gigabytes)
      throw new Refusal(422, 'New size must be larger than the current size')
    return cloud.begin('resize', { id: 0, kind: 'backend', region }, 5, () => {
      volume.size_gigabytes = wish.size_gigabytes ?? volume.size_gigabytes
    })
  }
  const droplet = need(state.droplets.find((one) => one.id === wish.droplet_id))
  if (wish.type === 'detach') {
    if (!volume.droplet_ids.includes(droplet.id)) throw new Refusal(422, 'Attachment not found')
    return cloud.begin('detach_volume', { id: 0, kind: 'backend', region }, 5, async () => {
      volume.droplet_ids = []
      await world.machines.plug(droplet.id, volume, false)
    })
  }
  if (volume.droplet_ids.length > 0) throw new Refusal(422, 'This volume is already attached')
  if (droplet.region !== region) throw new Refusal(422, 'Droplet and volume must be in the same region')
  if (cloud.busy(droplet.id)) throw new Refusal(422, 'Droplet already has a pending event.')
  if (state.volumes.filter((one) => one.droplet_ids.includes(droplet.id)).length >= 15)
    throw new Refusal(422, 'cannot attach more volumes to the Droplet')
  if (wish.tags) {
    volume.tags = [...new Set([...volume.tags, ...wish.tags])]
    cloud.learnTags(wish.tags)
  }
  return cloud.begin('attach_volume', { id: droplet.id, kind: 'droplet', region }, 11, async () => {
    volume.droplet_ids = [droplet.id]
    await world.machines.plug(droplet.id, volume, true)
  })
}

function snapshotRoutes(cloud: Cloud, find: (id: string) => Volume): void {
  const { app, state, world } = cloud
  const one = (id: string) => need(state.snapshots.find((each) => each.id === id))
  const remove = (id: string) => {
    state.snapshots.splice(state.snapshots.indexOf(one(id)), 1)
    rmSync(world.path('snapshots', id), { recursive: true, force: true })
    cloud.save()
  }
  app.get('/v2/volumes/snapshots/:id', (c) => c.json({ snapshot: snapshotView(one(c.req.param('id'))) }))
  app.get('/v2/snapshots/:id', (c) => c.json({ snapshot: snapshotView(one(c.req.param('id'))) }))
  app.get('/v2/snapshots', (c) =>
    page(c, 'snapshots', c.req.query('resource_type') === 'droplet' ? [] : state.snapshots.map(snapshotView)),
  )
  for (const path of ['/v2/volumes/snapshots/:id', '/v2/snapshots/:id'])
    app.delete(path, (c) => {
      remove(c.req.param('id') ?? '')
      return c.body(null, 204)
    })
  app.get('/v2/volumes/:id/snapshots', (c) =>
    page(
      c,
      'snapshots',
      state.snapshots.filter((each) => each.resource_id === c.req.param('id')).map(snapshotView),
    ),
  )
  app.post('/v2/volumes/:id/snapshots', async (c) => {
    const volume = find(c.req.param('id'))
    const wish = z.object({ name: z.string(), tags: z.array(z.string()).nullish() }).parse(await c.req.json())
    const own = state.snapshots.filter((each) => each.resource_id === volume.id)
    if (state.snapshots.some((each) => each.name === wish.name))
      throw new Refusal(409, 'snapshot with the same name already exists')
    if (own.length >= 25) throw new Refusal(422, 'snapshot limit of 25 for this volume reached')
    const snapshot: Snapshot = {
      id: cloud.uuid(),
      name: wish.name,
      region: volume.region,
      resource_id: volume.id,
      size_gigabytes: volume.size_gigabytes,
      created_at: now(),
      tags: wish.tags ?? [],
    }
    cpSync(world.path('volumes', volume.id), world.path('snapshots', snapshot.id), { recursive: true })
    cloud.learnTags(snapshot.tags)
    state.snapshots.push(snapshot)
    cloud.save()
    return c.json({ snapshot: snapshotView(snapshot) }, 201)
  })
}
