import { randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { z } from 'zod'
import { behaviourOf } from './behaviour.ts'
import { copyBytes, removeBytes } from './bytes.ts'
import { regionOf } from './catalog.ts'
import type { Cloud } from './cloud.ts'
import { need, read, refuse } from './reply.ts'
import { made, type Volume } from './state.ts'
import { tagName } from './tags.ts'
import { volumeActionRoutes } from './volume-actions.ts'

const creation = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,63}$/, 'name must be lowercase and alphanumeric, and start with a letter'),
  size_gigabytes: z.number().int().optional(),
  region: z.string().optional(),
  description: z.string().default(''),
  snapshot_id: z.string().optional(),
  filesystem_type: z.string().default(''),
  filesystem_label: z.string().max(16).default(''),
  tags: z.array(tagName).nullish(),
})

/** Volumes; their bytes are folders of the world. */
export function volumeRoutes(cloud: Cloud): void {
  const { app, state, world } = cloud
  const view = ({ born: _, ...volume }: Volume) => ({ ...volume, region: regionOf(cloud, volume.region) })
  const find = cloud.show('/v2/volumes', {
    names: ['volume', 'volumes'],
    all: () => state.volumes,
    keys: (one) => [one.id],
    view,
    remove: async (volume) => {
      refuse(409, 'A volume that is attached to a Droplet cannot be deleted', volume.droplet_ids.length > 0)
      cloud.unassign(`do:volume:${volume.id}`)
      cloud.drop(state.volumes, volume)
      await removeBytes(world.path('volumes', volume.id))
    },
    fits: (one, { name, region }) => (!name || one.name === name) && (!region || one.region === region),
  })
  app.post('/v2/volumes', async (c) => {
    const volume = await make(cloud, await read(c, creation))
    return c.json({ volume: view(volume) }, 201)
  })
  volumeActionRoutes(cloud, find)
}

async function make(cloud: Cloud, wish: z.infer<typeof creation>): Promise<Volume> {
  const { state, world } = cloud
  const { tags, snapshot_id, region: wanted, size_gigabytes: asked, ...rest } = wish
  const from = snapshot_id
    ? need(state.snapshots.find((one) => one.id === snapshot_id && one.resource_type === 'volume'))
    : undefined
  const region = regionOf(cloud, wanted ?? from?.region ?? '').slug
  const size = asked ?? from?.min_disk_size ?? 0
  refuse(422, 'size_gigabytes must be between 1 and 16384', size < 1 || size > 16_384)
  if (from) {
    refuse(422, 'the snapshot is not in this region', from.region !== region)
    refuse(422, 'size_gigabytes must not be less than the size of the snapshot', size < from.min_disk_size)
  }
  const isFree = () => {
    const twin = state.volumes.some((one) => one.name === wish.name && one.region === region)
    refuse(409, 'a volume with this name already exists in this region', twin)
  }
  isFree()
  const full = state.volumes.length >= behaviourOf(world).limits.volumes
  refuse(403, 'volume/snapshot capacity limit exceeded', full)
  const volume: Volume = {
    id: randomUUID(),
    ...rest,
    region,
    size_gigabytes: size,
    ...made(),
    tags: [...new Set(tags ?? [])],
    droplet_ids: [],
  }
  const bytes = world.path('volumes', volume.id)
  mkdirSync(bytes, { recursive: true })
  if (from) {
    await copyBytes(world.path('snapshots', from.id), bytes)
    isFree()
  }
  cloud.learnTags(volume.tags)
  state.volumes.push(volume)
  cloud.assign(`do:volume:${volume.id}`)
  cloud.save()
  return volume
}
