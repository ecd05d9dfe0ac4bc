import type { Context } from 'hono'
import { z } from 'zod'
import { latencies } from '../latencies.ts'
import { actionsOf, actionView } from './actions.ts'
import type { Cloud } from './cloud.ts'
import { need, Refusal, read, refuse } from './reply.ts'
import type { About, Action, Volume } from './state.ts'

const where = { region: z.string().optional(), volume_name: z.string().optional() }
const wish = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('attach'),
    droplet_id: z.number().int(),
    tags: z.array(z.string()).nullish(),
    ...where,
  }),
  z.strictObject({ type: z.literal('detach'), droplet_id: z.number().int(), ...where }),
  z.strictObject({ type: z.literal('resize'), size_gigabytes: z.number().int(), ...where }),
])
type Wish = z.infer<typeof wish>

/** Attaching and detaching are events of the droplet, which has one at a time. */
export function volumeActionRoutes(cloud: Cloud, find: (key: string | undefined) => Volume): void {
  const { app, state } = cloud
  effects(cloud)
  const begin = (c: Context, volume: Volume, given: Wish) => {
    check(cloud, volume, given)
    const type = { attach: 'attach_volume', detach: 'detach_volume', resize: 'resize' }[given.type]
    if (given.type === 'attach' && given.tags) {
      cloud.learnTags(given.tags)
      volume.tags = [...new Set([...volume.tags, ...given.tags])]
    }
    const about =
      given.type === 'resize' ? { size: String(given.size_gigabytes) } : { droplet: given.droplet_id }
    const action = cloud.begin('volume', type, volume.region, { ...about, volume: volume.id })
    return c.json({ action: actionView(cloud, action) }, 202)
  }
  app.post('/v2/volumes/actions', async (c) => {
    const given = await read(c, wish)
    const named = (one: Volume) => one.name === given.volume_name && one.region === given.region
    return begin(c, need(state.volumes.find(named)), given)
  })
  app.post('/v2/volumes/:key/actions', async (c) => {
    const volume = find(c.req.param('key'))
    return begin(c, volume, await read(c, wish))
  })
  actionsOf(cloud, '/v2/volumes', find, (volume, action) => action.about.volume === volume.id)
}

function check(cloud: Cloud, volume: Volume, given: Wish): void {
  const { state } = cloud
  const pending = (one: Action) => one.about.volume === volume.id && one.status === 'in-progress'
  refuse(422, 'Volume already has a pending event.', state.actions.some(pending))
  if (given.type === 'resize') {
    const { size_gigabytes: size } = given
    refuse(422, 'size_gigabytes must be at most 16384', size > 16_384)
    refuse(422, 'size_gigabytes must be greater than the current size', size <= volume.size_gigabytes)
    return
  }
  const droplet = state.droplets.find((one) => one.id === given.droplet_id)
  if (!droplet) throw new Refusal(404, 'Droplet not found')
  const attached = volume.droplet_ids.includes(droplet.id)
  refuse(422, 'Attachment not found', given.type === 'detach' && !attached)
  if (given.type === 'attach') {
    refuse(422, 'This volume is already attached', volume.droplet_ids.length > 0)
    refuse(422, 'The volume is not in the region of the Droplet', droplet.region !== volume.region)
    const has = state.volumes.filter((one) => one.droplet_ids.includes(droplet.id)).length
    refuse(422, 'cannot attach more volumes to the Droplet', has >= 15)
  }
  refuse(422, 'Droplet already has a pending event.', cloud.busy(droplet.id))
}

function effects(cloud: Cloud): void {
  const { state, world } = cloud
  const on = (type: string, seconds: number, effect: (volume: Volume, about: About) => unknown) =>
    cloud.effect('volume', type, seconds, async (about) => {
      const volume = state.volumes.find((one) => one.id === about.volume)
      if (volume) await effect(volume, about)
    })
  const plug = async (volume: Volume, droplet: number, plugged: boolean) => {
    volume.droplet_ids = plugged ? [droplet] : []
    cloud.save()
    await world.machines.plug(droplet, volume, plugged)
  }
  on('attach_volume', latencies.attachVolume, (volume, { droplet = 0 }) => plug(volume, droplet, true))
  on('detach_volume', 5, (volume, { droplet = 0 }) => plug(volume, droplet, false))
  on('resize', 5, (volume, { size }) => {
    volume.size_gigabytes = Number(size)
  })
}
