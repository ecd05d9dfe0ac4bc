import { z } from 'zod'
import type { Hardware } from '../machines.ts'
import { images, regions, sizes } from './catalog.ts'
import { actionView, type Cloud } from './cloud.ts'
import { need, page, Refusal } from './reply.ts'
import { type Droplet, now } from './state.ts'

/** A droplet as the API shows it: its networks stay empty until it is active. */
export function dropletView(cloud: Cloud, one: Droplet) {
  const size = sizes.find((each) => each.slug === one.size)
  return {
    id: one.id,
    name: one.name,
    memory: size?.memory ?? 0,
    vcpus: size?.vcpus ?? 0,
    disk: size?.disk ?? 0,
    disk_info: [{ type: 'local', size: { amount: size?.disk ?? 0, unit: 'gib' } }],
    locked: cloud.busy(one.id),
    status: one.status,
    kernel: null,
    created_at: one.created_at,
    features: ['private_networking'],
    backup_ids: [],
    next_backup_window: null,
    snapshot_ids: [],
    image: images.find((each) => each.slug === one.image),
    volume_ids: cloud.state.volumes
      .filter((each) => each.droplet_ids.includes(one.id))
      .map((each) => each.id),
    size,
    size_slug: one.size,
    networks: one.networksKnown
      ? {
          v4: [
            { ip_address: one.privateAddress, netmask: '255.255.240.0', gateway: '<nil>', type: 'private' },
            {
              ip_address: one.publicAddress,
              netmask: '255.255.0.0',
              gateway: one.publicAddress,
              type: 'public',
            },
          ],
          v6: [],
        }
      : { v4: [], v6: [] },
    region: regions.find((each) => each.slug === one.region),
    tags: one.tags,
    vpc_uuid: one.vpc,
  }
}

/** A droplet as its hardware sees it. A firewall that applies and has no outbound rules lets nothing out. */
export function hardwareOf(cloud: Cloud, one: Droplet): Hardware {
  return {
    id: one.id,
    name: one.name,
    region: one.region,
    tags: one.tags,
    publicAddress: one.publicAddress,
    privateAddress: one.privateAddress,
    userData: one.userData,
    canReachOut: () => {
      const walls = cloud.state.firewalls.filter(
        (wall) => wall.droplet_ids.includes(one.id) || wall.tags.some((tag) => one.tags.includes(tag)),
      )
      return walls.length === 0 || walls.some((wall) => wall.outbound_rules.length > 0)
    },
  }
}

const wish = z.strictObject({
  name: z
    .string()
    .regex(
      /^[a-zA-Z0-9]?[a-z0-9A-Z.-]*[a-z0-9A-Z]$/,
      'Only valid hostname characters are allowed. (a-z, A-Z, 0-9, . and -)',
    )
    .max(255),
  region: z.string(),
  size: z.string(),
  image: z.union([z.string(), z.number()]),
  ssh_keys: z.array(z.union([z.string(), z.number()])).nullish(),
  backups: z.boolean().nullish(),
  ipv6: z.boolean().nullish(),
  private_networking: z.boolean().nullish(),
  monitoring: z.boolean().nullish(),
  tags: z.array(z.string()).nullish(),
  user_data: z.string().max(65_536, 'user_data is too long').nullish(),
  volumes: z.array(z.unknown()).nullish(),
  vpc_uuid: z.string().nullish(),
  with_droplet_agent: z.boolean().nullish(),
})

/** Droplets and their actions. */
export function dropletRoutes(cloud: Cloud): void {
  const { app, state, world } = cloud
  const view = (one: Droplet) => dropletView(cloud, one)
  const find = (id: string) => need(state.droplets.find((one) => one.id === Number(id)))

  app.get('/v2/droplets', (c) => {
    const { tag_name: tag, name } = c.req.query()
    return page(
      c,
      'droplets',
      state.droplets
        .filter((one) => (!tag || one.tags.includes(tag)) && (!name || one.name === name))
        .map(view),
    )
  })
  app.get('/v2/droplets/:id', (c) => c.json({ droplet: view(find(c.req.param('id'))) }))
  app.post('/v2/droplets', async (c) => {
    const read = wish.safeParse(await c.req.json())
    if (!read.success) throw new Refusal(422, read.error.issues[0]?.message ?? 'unprocessable')
    const { data } = read
    const size = sizes.find((one) => one.slug === data.size)
    if (!regions.some((one) => one.slug === data.region))
      throw new Refusal(422, 'You specified an invalid region for Droplet creation.')
    if (!size) throw new Refusal(422, 'You specified an invalid size for Droplet creation.')
    if (!images.some((one) => one.slug === data.image))
      throw new Refusal(422, 'You specified an invalid image for Droplet creation.')
    if (state.droplets.length >= 25)
      throw new Refusal(422, 'creating this/these droplet(s) will exceed your droplet limit')
    for (const key of data.ssh_keys ?? [])
      if (!state.sshKeys.some((one) => String(one.id) === String(key) || one.fingerprint === key))
        throw new Refusal(422, `${key} are invalid key identifiers for Droplet creation.`)
    const droplet = makeDroplet(cloud, data)
    const action = cloud.begin(
      'create',
      { id: droplet.id, kind: 'droplet', region: droplet.region },
      35,
      async () => {
        droplet.status = 'active'
        droplet.networksKnown = true
        cloud.save()
        await world.machines.boot(hardwareOf(cloud, droplet))
      },
    )
    const href = `${new URL(c.req.url).origin}/v2/actions/${action.id}`
    return c.json(
      { droplet: view(droplet), links: { actions: [{ id: action.id, rel: 'create', href }] } },
      202,
    )
  })
  app.delete('/v2/droplets/:id', async (c) => {
    await removeDroplet(cloud, find(c.req.param('id')))
    return c.body(null, 204)
  })
  app.get('/v2/droplets/:id/actions', (c) => {
    const { id } = find(c.req.param('id'))
    return page(
      c,
      'actions',
      state.actions
        .filter((one) => one.resource_type === 'droplet' && one.resource_id === id)
        .map(actionView),
    )
  })
  app.get('/v2/actions', (c) => page(c, 'actions', state.actions.map(actionView)))
  app.get('/v2/actions/:id', (c) =>
    c.json({ action: actionView(need(state.actions.find((one) => one.id === Number(c.req.param('id'))))) }),
  )
  app.get('/v2/droplets/:id/actions/:action', (c) =>
    c.json({
      action: actionView(need(state.actions.find((one) => one.id === Number(c.req.param('action'))))),
    }),
  )
  app.post('/v2/droplets/:id/actions', async (c) => {
    const droplet = find(c.req.param('id'))
    const body = z
      .object({ type: z.string(), size: z.string().optional(), disk: z.boolean().optional() })
      .parse(await c.req.json())
    if (cloud.busy(droplet.id)) throw new Refusal(422, 'Droplet already has a pending event.')
    const { seconds, effect } = dropletAction(cloud, droplet, body)
    const action = cloud.begin(
      body.type,
      { id: droplet.id, kind: 'droplet', region: droplet.region },
      seconds,
      effect,
    )
    return c.json({ action: actionView(action) }, 201)
  })
}

function makeDroplet(cloud: Cloud, data: z.infer<typeof wish>): Droplet {
  const { state, world } = cloud
  const vpc =
    state.vpcs.find((one) => one.id === data.vpc_uuid) ??
    state.vpcs.find((one) => one.default && one.region === data.region)
  if (data.vpc_uuid && vpc?.id !== data.vpc_uuid) throw new Refusal(422, 'vpc_uuid is invalid')
  const host = state.nextHost++
  const droplet: Droplet = {
    id: cloud.id(),
    name: data.name,
    region: data.region,
    size: data.size,
    image: String(data.image),
    status: 'new',
    created_at: now(),
    tags: data.tags ?? [],
    vpc: vpc?.id ?? '',
    publicAddress: world.addresses.host(1 + Math.floor(host / 250), 1 + (host % 250)),
    privateAddress: privateAddress(vpc?.ip_range ?? '10.100.0.0/20', host),
    userData: data.user_data ?? '',
    networksKnown: false,
  }
  cloud.learnTags(droplet.tags)
  state.droplets.push(droplet)
  cloud.assign(`do:droplet:${droplet.id}`)
  return droplet
}

function privateAddress(range: string, host: number): string {
  const [a, b, c] = (range.split('/')[0] ?? '10.100.0.0').split('.').map(Number)
  return `${a}.${b}.${(c ?? 0) + Math.floor((host + 1) / 250)}.${((host + 1) % 250) + 1}`
}

/** The droplet is gone; volumes survive, detached. */
async function removeDroplet(cloud: Cloud, droplet: Droplet): Promise<void> {
  const { state, world } = cloud
  state.droplets.splice(state.droplets.indexOf(droplet), 1)
  for (const volume of state.volumes)
    volume.droplet_ids = volume.droplet_ids.filter((id) => id !== droplet.id)
  const address = state.reservedIps.find((one) => one.droplet === droplet.id)
  if (address) address.droplet = null
  cloud.forget(`do:droplet:${droplet.id}`)
  cloud.save()
  await world.machines.destroy(droplet.id)
  if (address) await world.machines.route(address.ip, undefined)
}

function dropletAction(
  cloud: Cloud,
  droplet: Droplet,
  body: { type: string; size?: string | undefined; disk?: boolean | undefined },
): { seconds: number; effect: () => Promise<void> } {
  const { machines } = cloud.world
  const off = async () => {
    droplet.status = 'off'
    await machines.halt(droplet.id)
  }
  const on = async () => {
    droplet.status = 'active'
    await machines.boot(hardwareOf(cloud, droplet))
  }
  if (body.type === 'power_on') {
    if (droplet.status === 'active') throw new Refusal(422, 'Droplet is already powered on')
    return { seconds: 8, effect: on }
  }
  if (body.type === 'power_off' || body.type === 'shutdown') {
    if (droplet.status === 'off') throw new Refusal(422, 'Droplet is already powered off')
    return { seconds: 8, effect: off }
  }
  if (body.type === 'reboot' || body.type === 'power_cycle')
    return { seconds: 15, effect: async () => off().then(on) }
  if (body.type === 'resize') {
    const [from, to] = [droplet.size, body.size].map((slug) => sizes.find((one) => one.slug === slug))
    if (!to || !from) throw new Refusal(422, 'You specified an invalid size for Droplet resize.')
    if (droplet.status !== 'off') throw new Refusal(422, 'Droplet must be powered off to be resized')
    if (to.disk < from.disk) throw new Refusal(422, "Size can not decrease size of Droplet's disk image")
    return {
      seconds: 60,
      effect: async () => {
        droplet.size = to.slug
      },
    }
  }
  throw new Refusal(422, `${body.type} is not simulated`)
}
