import { z } from 'zod'
import { latencies } from '../latencies.ts'
import { actionsOf, actionView } from './actions.ts'
import { behaviourOf } from './behaviour.ts'
import { regionOf } from './catalog.ts'
import type { Cloud } from './cloud.ts'
import { dropletView } from './droplet-view.ts'
import { need, Refusal, read, refuse } from './reply.ts'
import type { Droplet, ReservedIp } from './state.ts'

const creation = z.strictObject({
  region: z.string().optional(),
  project_id: z.string().optional(),
  droplet_id: z.number().int().optional(),
})
const doing = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('assign'), droplet_id: z.number().int() }),
  z.strictObject({ type: z.literal('unassign') }),
])

/** Reserved IPs; leading one to a droplet is an event of that droplet's, and only one can be pending. */
export function reservedIpRoutes(cloud: Cloud): void {
  const { app, state, world } = cloud
  const urn = (ip: string) => `do:floatingip:${ip}`
  const projectOf = (ip: string) =>
    state.projects.find((one) => one.resources.some((each) => each.urn === urn(ip)))?.id
  const projectId = ({ ip }: ReservedIp) => ({ project_id: projectOf(ip) })
  const pending = (ip: string) =>
    state.actions.some((one) => one.about.ip === ip && one.status === 'in-progress')
  const view = (one: ReservedIp) => {
    const droplet = state.droplets.find((each) => each.id === one.droplet)
    return {
      ip: one.ip,
      region: regionOf(cloud, one.region),
      droplet: droplet ? dropletView(cloud, droplet) : null,
      locked: pending(one.ip),
      project_id: projectOf(one.ip),
    }
  }
  const find = cloud.show('/v2/reserved_ips', {
    names: ['reserved_ip', 'reserved_ips'],
    all: () => state.reservedIps,
    keys: (one) => [one.ip],
    view,
    remove: async (address) => {
      refuse(422, 'reserved IP already has a pending event.', pending(address.ip))
      cloud.unassign(urn(address.ip))
      cloud.drop(state.reservedIps, address)
      await world.machines.route(address.ip, undefined)
    },
  })
  const dropletOf = (id: number) => need(state.droplets.find((one) => one.id === id))
  const assign = (address: ReservedIp, droplet: Droplet) => {
    refuse(422, 'Droplet already has a pending event.', cloud.busy(droplet.id))
    refuse(422, 'reserved IP already has a pending event.', pending(address.ip))
    refuse(422, 'The reserved IP is not in the region of the Droplet', droplet.region !== address.region)
    const other = state.reservedIps.some((one) => one.droplet === droplet.id && one.ip !== address.ip)
    refuse(422, 'The Droplet already has a reserved IP', other)
    const about = { ip: address.ip, droplet: droplet.id }
    return cloud.begin('address', 'assign_ip', address.region, about)
  }
  cloud.effect('address', 'assign_ip', latencies.assignAddress, async ({ ip, droplet }) =>
    route(ip, droplet ?? null),
  )
  cloud.effect('address', 'unassign_ip', 6, async ({ ip }) => route(ip, null))
  const route = async (ip: string | undefined, droplet: number | null) => {
    const address = state.reservedIps.find((one) => one.ip === ip)
    if (!address) return
    address.droplet = droplet
    cloud.save()
    await world.machines.route(address.ip, droplet ?? undefined)
  }

  app.post('/v2/reserved_ips', async (c) => {
    const wish = await read(c, creation)
    const droplet = wish.droplet_id === undefined ? undefined : dropletOf(wish.droplet_id)
    refuse(422, 'either region or droplet_id is required', Boolean(wish.region) === Boolean(droplet))
    const { slug } = regionOf(cloud, droplet?.region ?? wish.region ?? '')
    if (wish.project_id) need(state.projects.find((one) => one.id === wish.project_id))
    const full = state.reservedIps.length >= behaviourOf(world).limits.reservedIps
    refuse(422, 'You have reached the reserved IP limit for your account', full)
    const hosts = Array.from({ length: 254 }, (_, n) => world.addresses.host(200, n + 1))
    const ip = hosts.find((host) => !state.reservedIps.some((one) => one.ip === host))
    if (!ip) throw new Refusal(422, 'this machine has no further address for a reserved IP')
    const address: ReservedIp = { ip, region: slug, droplet: null, born: Date.now() }
    const action = droplet ? assign(address, droplet) : undefined
    state.reservedIps.push(address)
    cloud.assign(urn(ip), wish.project_id)
    cloud.save()
    const link = (rel: string, place: string, id: number) => [
      { id, rel, href: `${new URL(c.req.url).origin}/v2/${place}/${id}` },
    ]
    const links = {
      droplets: droplet ? link('droplet', 'droplets', droplet.id) : [],
      actions: action ? link('assign_ip', 'actions', action.id) : [],
    }
    return c.json({ reserved_ip: view(address), links }, 202)
  })
  app.post('/v2/reserved_ips/:key/actions', async (c) => {
    const address = find(c.req.param('key'))
    const wish = await read(c, doing)
    if (wish.type === 'unassign') {
      refuse(422, 'The reserved IP is not assigned to a Droplet', address.droplet === null)
      refuse(422, 'reserved IP already has a pending event.', pending(address.ip))
    }
    const action =
      wish.type === 'assign'
        ? assign(address, dropletOf(wish.droplet_id))
        : cloud.begin('address', 'unassign_ip', address.region, { ip: address.ip })
    return c.json({ action: { ...actionView(cloud, action), ...projectId(address) } }, 201)
  })
  actionsOf(cloud, '/v2/reserved_ips', find, (address, action) => action.about.ip === address.ip, projectId)
}
