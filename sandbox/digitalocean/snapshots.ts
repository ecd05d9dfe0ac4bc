import { randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { z } from 'zod'
import { behaviourOf } from './behaviour.ts'
import { copyBytes, removeBytes } from './bytes.ts'
import type { Cloud } from './cloud.ts'
import { need, page, read, refuse } from './reply.ts'
import { made, type Snapshot } from './state.ts'
import { tagName } from './tags.ts'

const wish = z.strictObject({
  name: z.string().min(1),
  tags: z.array(tagName).nullish(),
  // godo sends these two as well.
  volume_id: z.string().optional(),
  description: z.string().optional(),
})

const perVolume = 25

/** Snapshots of volumes, with copies of their bytes, and of droplets, without. */
export function snapshotRoutes(cloud: Cloud): void {
  const { app, state, world } = cloud
  const view = ({ born: _, region, ...one }: Snapshot) => ({ ...one, regions: [region] })
  const remove = async (snapshot: Snapshot) => {
    cloud.drop(state.snapshots, snapshot)
    await removeBytes(world.path('snapshots', snapshot.id))
  }
  const find = cloud.show('/v2/snapshots', {
    names: ['snapshot', 'snapshots'],
    all: () => state.snapshots,
    keys: (one) => [one.id],
    view,
    remove,
    fits: (one, { resource_type: type }) => !type || one.resource_type === type,
  })
  app.get('/v2/volumes/snapshots/:key', (c) => c.json({ snapshot: view(find(c.req.param('key'))) }))
  app.delete('/v2/volumes/snapshots/:key', async (c) => {
    await remove(find(c.req.param('key')))
    return cloud.done(c)
  })
  const volumeOf = (id: string | undefined) => need(state.volumes.find((one) => one.id === id))
  // One that was deleted counts, too.
  const taken = new Map<string, number>()
  const of = (id: string) => state.snapshots.filter((one) => one.resource_id === id)
  app.get('/v2/volumes/:key/snapshots', (c) =>
    page(c, 'snapshots', cloud.listed(of(volumeOf(c.req.param('key')).id)).map(view)),
  )
  app.post('/v2/volumes/:key/snapshots', async (c) => {
    const volume = volumeOf(c.req.param('key'))
    const { name, tags } = await read(c, wish)
    const isFree = () =>
      refuse(
        409,
        'a snapshot with this name already exists',
        state.snapshots.some((one) => one.name === name),
      )
    isFree()
    refuse(422, `a volume can have ${perVolume} snapshots at most`, of(volume.id).length >= perVolume)
    const { snapshotPauseMs: pause } = behaviourOf(world)
    refuse(429, 'one request per 10m0s', (taken.get(volume.id) ?? 0) > Date.now() - pause)
    taken.set(volume.id, Date.now())
    const snapshot: Snapshot = {
      id: randomUUID(),
      name,
      ...made(),
      region: volume.region,
      resource_id: volume.id,
      resource_type: 'volume',
      size_gigabytes: volume.size_gigabytes,
      min_disk_size: volume.size_gigabytes,
      tags: [...new Set(tags ?? [])],
    }
    const bytes = world.path('snapshots', snapshot.id)
    mkdirSync(bytes, { recursive: true })
    await copyBytes(world.path('volumes', volume.id), bytes)
    isFree()
    cloud.learnTags(snapshot.tags)
    state.snapshots.push(snapshot)
    return cloud.done(c, { snapshot: view(snapshot) }, 201)
  })
}
