import { z } from 'zod'
import { latencies } from '../latencies.ts'
import { actionView } from './actions.ts'
import { sizesOf } from './catalog.ts'
import type { Cloud } from './cloud.ts'
import { hardwareOf } from './droplet-view.ts'
import { Refusal, read, refuse } from './reply.ts'
import { type About, type Droplet, made } from './state.ts'

const wish = z.strictObject({
  type: z.string(),
  size: z.string().default(''),
  disk: z.boolean().default(false),
  name: z.string().default(''),
})
type Wish = z.infer<typeof wish>

/** What can be done with a droplet: one thing at a time. */
export function dropletActionRoutes(cloud: Cloud, find: (key: string | undefined) => Droplet): void {
  effects(cloud)
  cloud.app.post('/v2/droplets/:key/actions', async (c) => {
    const droplet = find(c.req.param('key'))
    const { type, ...about } = await read(c, wish)
    refuse(422, 'Droplet already has a pending event.', cloud.busy(droplet.id))
    check(cloud, droplet, { type, ...about })
    const action = cloud.begin('droplet', type, droplet.region, { ...about, droplet: droplet.id })
    return c.json({ action: actionView(cloud, action) }, 201)
  })
}

function check(cloud: Cloud, droplet: Droplet, { type, name, size: slug }: Wish): void {
  const unknown = type === 'create' || !cloud.knows('droplet', type)
  refuse(422, `the sandbox has no droplet action ${type}`, unknown)
  const isOff = droplet.status === 'off'
  refuse(422, 'Droplet is already powered on', type === 'power_on' && !isOff)
  refuse(
    422,
    'Droplet is already powered off',
    /^(power_off|shutdown|reboot|power_cycle)$/.test(type) && isOff,
  )
  refuse(422, 'name is required', /^(rename|snapshot)$/.test(type) && !name)
  if (type !== 'resize') return
  const size = sizesOf(cloud).find((one) => one.slug === slug)
  if (!size) throw new Refusal(422, 'You specified an invalid size for Droplet resize.')
  refuse(422, "Size can not decrease size of Droplet's disk image", size.disk < droplet.disk)
  refuse(422, 'Droplet is already of this size', size.slug === droplet.size && size.disk === droplet.disk)
  refuse(422, 'Droplet must be powered off to be resized', !isOff)
  refuse(422, 'Size is not available in this region.', !size.regions.includes(droplet.region))
}

/** Each with about as many seconds as DigitalOcean takes. */
function effects(cloud: Cloud): void {
  const { state, world } = cloud
  const on = (types: string, seconds: number, effect: (droplet: Droplet, about: About) => unknown) =>
    cloud.effect('droplet', types, seconds, async (about) => {
      const droplet = state.droplets.find((one) => one.id === about.droplet)
      if (droplet) await effect(droplet, about)
    })
  const power = async (droplet: Droplet, status: 'active' | 'off') => {
    droplet.status = status
    cloud.save()
    if (status === 'active') await world.machines.boot(hardwareOf(cloud, droplet))
    else await world.machines.halt(droplet.id)
  }
  on('create', latencies.createDroplet, (droplet) => power(droplet, 'active'))
  on('power_on', latencies.switchDroplet, (droplet) => power(droplet, 'active'))
  on('power_off shutdown', latencies.switchDroplet, (droplet) => power(droplet, 'off'))
  on('reboot power_cycle', 15, async (droplet) => {
    await power(droplet, 'off')
    await power(droplet, 'active')
  })
  on('rename', 2, (droplet, { name = '' }) => {
    droplet.name = name
  })
  on('resize', latencies.resizeDroplet, (droplet, about) => {
    const size = sizesOf(cloud).find((one) => one.slug === about.size)
    Object.assign(droplet, { size: size?.slug }, about.disk ? { disk: size?.disk } : {})
  })
  on('snapshot', 60, ({ id, region, disk }, { name = '' }) => {
    const of = { resource_id: String(id), resource_type: 'droplet' as const, region, tags: [] }
    const sizes = { size_gigabytes: 1.5, min_disk_size: disk }
    state.snapshots.push({ id: String(cloud.nextId()), name, ...made(), ...of, ...sizes })
  })
}
