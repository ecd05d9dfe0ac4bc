import { z } from 'zod'
import { actionView } from './actions.ts'
import { sizesOf } from './catalog.ts'
import type { Cloud } from './cloud.ts'
import { hardwareOf } from './droplet-view.ts'
import { Refusal, read, refuse } from './reply.ts'
import { type Action, type Droplet, now } from './state.ts'

const wish = z
  .strictObject({
    type: z.string(),
    size: z.string().optional(),
    disk: z.boolean().optional(),
    name: z.string().optional(),
  })
  .transform(({ type, ...about }) => ({
    type,
    about: about as Pick<Action['about'], 'size' | 'disk' | 'name'>,
  }))
type Wish = z.infer<typeof wish>

/** What can be done with a droplet: one thing at a time. */
export function dropletActionRoutes(cloud: Cloud, find: (key: string | undefined) => Droplet): void {
  const { app, state } = cloud
  effects(cloud)
  const begin = (droplet: Droplet, { type, about }: Wish) => {
    refuse(422, 'Droplet already has a pending event.', cloud.busy(droplet.id))
    check(cloud, droplet, { type, about })
    return cloud.begin('droplet', type, droplet.region, { ...about, droplet: droplet.id })
  }
  app.post('/v2/droplets/:key/actions', async (c) => {
    const droplet = find(c.req.param('key'))
    return c.json({ action: actionView(cloud, begin(droplet, await read(c, wish))) }, 201)
  })
  app.post('/v2/droplets/actions', async (c) => {
    const tag = c.req.query('tag_name')
    if (!tag) throw new Refusal(422, 'tag_name is required')
    const given = await read(c, wish)
    const tagged = state.droplets.filter((one) => one.tags.includes(tag))
    const actions = tagged.map((one) => begin(one, given))
    return c.json({ actions: actions.map((one) => actionView(cloud, one)) }, 201)
  })
}

function check(cloud: Cloud, droplet: Droplet, { type, about }: Wish): void {
  const unknown = type === 'create' || !cloud.knows('droplet', type)
  refuse(422, `the sandbox has no droplet action ${type}`, unknown)
  const isOff = droplet.status === 'off'
  refuse(422, 'Droplet is already powered on', type === 'power_on' && !isOff)
  refuse(
    422,
    'Droplet is already powered off',
    /^(power_off|shutdown|reboot|power_cycle)$/.test(type) && isOff,
  )
  refuse(422, 'name is required', /^(rename|snapshot)$/.test(type) && !about.name)
  if (type !== 'resize') return
  const size = sizesOf(cloud).find((one) => one.slug === about.size)
  if (!size) throw new Refusal(422, 'You specified an invalid size for Droplet resize.')
  refuse(422, "Size can not decrease size of Droplet's disk image", size.disk < droplet.disk)
  refuse(422, 'Droplet is already of this size', size.slug === droplet.size && size.disk === droplet.disk)
  refuse(422, 'Droplet must be powered off to be resized', !isOff)
  refuse(422, 'Size is not available in this region.', !size.regions.includes(droplet.region))
}

/** Each with about as many seconds as DigitalOcean takes. */
function effects(cloud: Cloud): void {
  const { state, world } = cloud
  const on = (
    types: string,
    seconds: number,
    effect: (droplet: Droplet, about: Action['about']) => unknown,
  ) =>
    cloud.effect('droplet', types, seconds, async (about) => {
      const droplet = state.droplets.find((one) => one.id === about.droplet)
      if (droplet) await effect(droplet, about)
    })
  const off = async (droplet: Droplet) => {
    droplet.status = 'off'
    cloud.save()
    await world.machines.halt(droplet.id)
  }
  const boot = async (droplet: Droplet) => {
    droplet.status = 'active'
    cloud.save()
    await world.machines.boot(hardwareOf(cloud, droplet))
  }
  on('power_off shutdown', 8, off)
  on('power_on', 8, boot)
  on('reboot power_cycle', 15, (droplet) => off(droplet).then(() => boot(droplet)))
  on('rename', 2, (droplet, { name }) => {
    droplet.name = name ?? droplet.name
  })
  on('resize', 60, (droplet, about) => {
    const size = sizesOf(cloud).find((one) => one.slug === about.size)
    if (!size) return
    droplet.size = size.slug
    if (about.disk) droplet.disk = size.disk
  })
  on('snapshot', 60, (droplet, { name = '' }) => {
    state.snapshots.push({
      id: String(cloud.nextId()),
      name,
      created_at: now(),
      born: Date.now(),
      region: droplet.region,
      resource_id: String(droplet.id),
      resource_type: 'droplet',
      size_gigabytes: 1.5,
      min_disk_size: droplet.disk,
      tags: [],
    })
  })
}
