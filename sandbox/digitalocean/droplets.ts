import { z } from 'zod'
import { tagName } from './account.ts'
import { actionsOf } from './actions.ts'
import { behaviourOf } from './behaviour.ts'
import { imagesOf, regionsOf, sizesOf } from './catalog.ts'
import type { Cloud } from './cloud.ts'
import { dropletActionRoutes } from './droplet-actions.ts'
import { dropletView, hardwareOf } from './droplet-view.ts'
import { page, Refusal, read, refuse } from './reply.ts'
import { type Droplet, now } from './state.ts'
import { freeAddress, makeVpc } from './vpcs.ts'

const hostname = z
  .string()
  .max(255)
  .regex(
    /^[a-zA-Z0-9]?[a-z0-9A-Z.-]*[a-z0-9A-Z]$/,
    'Only valid hostname characters are allowed. (a-z, A-Z, 0-9, . and -)',
  )
const absent = (what: string) => z.literal(false, `the sandbox has no ${what}`).nullish()
const common = {
  region: z.string().nullish(),
  size: z.string(),
  image: z.union([z.string(), z.number()]),
  ssh_keys: z.array(z.union([z.string(), z.number()])).nullish(),
  backups: absent('backups of droplets'),
  ipv6: absent('IPv6'),
  private_networking: z.boolean().nullish(),
  monitoring: z.boolean().nullish(),
  tags: z.array(tagName).nullish(),
  user_data: z
    .string()
    .refine((text) => Buffer.byteLength(text) <= 65_536, 'User data is too long (maximum is 64 KiB)')
    .nullish(),
  volumes: z.array(z.string()).nullish(),
  vpc_uuid: z.string().nullish(),
  with_droplet_agent: z.boolean().nullish(),
  public_networking: z.literal(true, 'the sandbox has no droplets without a public address').nullish(),
}
const creation = z.union([
  z.strictObject({ ...common, name: hostname }),
  z.strictObject({ ...common, names: z.array(hostname).min(1).max(10) }),
])
type Wish = z.infer<typeof creation>

/** Droplets: accepted at once, made after a while. Names need not differ. */
export function dropletRoutes(cloud: Cloud): void {
  const { app, state, world } = cloud
  const view = (one: Droplet) => dropletView(cloud, one)
  const find = cloud.show('/v2/droplets', {
    names: ['droplet', 'droplets'],
    all: () => state.droplets,
    keys: (one) => [one.id],
    view,
    fits: (one, { tag_name: tag, name, type }) =>
      (!tag || one.tags.includes(tag)) && (!name || one.name === name) && type !== 'gpus',
  })
  cloud.effect('droplet', 'create', 35, async ({ droplet: id, volumes = [] }) => {
    const droplet = state.droplets.find((one) => one.id === id)
    if (!droplet) return
    droplet.status = 'active'
    for (const volume of state.volumes) if (volumes.includes(volume.id)) volume.droplet_ids = [droplet.id]
    cloud.save()
    await world.machines.boot(hardwareOf(cloud, droplet))
    for (const volume of state.volumes)
      if (volumes.includes(volume.id)) await world.machines.plug(droplet.id, volume, true)
  })
  app.post('/v2/droplets', async (c) => {
    const wish = await read(c, creation)
    const names = 'names' in wish ? wish.names : [wish.name]
    const place = check(cloud, wish, names.length)
    const made = names.map((name) => make(cloud, name, wish, place))
    const actions = made.map(({ id, region }) =>
      cloud.begin('droplet', 'create', region, { droplet: id, volumes: place.volumes }),
    )
    const links = {
      actions: actions.map(({ id }) => ({
        id,
        rel: 'create',
        href: `${new URL(c.req.url).origin}/v2/actions/${id}`,
      })),
    }
    const shown = made.map((one) => ({ ...view(one), locked: false }))
    return c.json('names' in wish ? { droplets: shown, links } : { droplet: shown[0], links }, 202)
  })
  app.delete('/v2/droplets', async (c) => {
    const tag = c.req.query('tag_name')
    if (!tag) throw new Refusal(422, 'tag_name is required')
    for (const one of state.droplets.filter((each) => each.tags.includes(tag))) await remove(cloud, one)
    return cloud.done(c)
  })
  app.delete('/v2/droplets/:key', async (c) => {
    await remove(cloud, find(c.req.param('key')))
    return cloud.done(c)
  })
  for (const part of ['backups', 'kernels'])
    app.get(`/v2/droplets/:key/${part}`, (c) => {
      find(c.req.param('key'))
      return page(c, part, [])
    })
  app.get('/v2/droplets/:key/snapshots', (c) => {
    const { id } = find(c.req.param('key'))
    const own = state.snapshots.filter((one) => one.resource_id === String(id))
    return page(
      c,
      'snapshots',
      own.map(({ resource_id: _, resource_type: __, born: ___, region, tags: ____, ...one }) => ({
        ...one,
        id: Number(one.id),
        regions: [region],
        type: 'snapshot',
      })),
    )
  })
  actionsOf(cloud, '/v2/droplets', (key) => {
    const { id } = find(key)
    return (action) => action.kind === 'droplet' && action.about.droplet === id
  })
  dropletActionRoutes(cloud, find)
}

interface Place {
  region: string
  size: { slug: string; disk: number }
  image: number
  vpc: string | undefined
  volumes: string[]
}

function check(cloud: Cloud, wish: Wish, count: number): Place {
  const { state } = cloud
  const region = regionsOf(cloud).find((one) => one.slug === (wish.region ?? 'nyc3'))
  const size = sizesOf(cloud).find((one) => one.slug === wish.size)
  const image = imagesOf(cloud).find((one) => one.slug === wish.image || one.id === Number(wish.image))
  if (!region) throw new Refusal(422, 'You specified an invalid region for Droplet creation.')
  if (!size) throw new Refusal(422, 'You specified an invalid size for Droplet creation.')
  if (!image) throw new Refusal(422, 'You specified an invalid image for Droplet creation.')
  refuse(422, 'the sandbox makes no droplets of snapshots', !image.public)
  refuse(422, 'Size is not available in this region.', !region.sizes.includes(size.slug))
  const limit = behaviourOf(cloud.world).limits.droplets
  const exceeded = state.droplets.length + count > limit
  refuse(422, 'creating this/these droplet(s) will exceed your droplet limit', exceeded)
  for (const key of wish.ssh_keys ?? []) {
    const known = state.sshKeys.some((one) => String(one.id) === String(key) || one.fingerprint === key)
    refuse(422, `${key} are invalid key identifiers for Droplet creation.`, !known)
  }
  const vpc = state.vpcs.find((one) => one.id === wish.vpc_uuid)
  refuse(422, 'VPC UUID is invalid', Boolean(wish.vpc_uuid) && !vpc)
  refuse(422, 'The VPC is not in the region of the Droplet', vpc !== undefined && vpc.region !== region.slug)
  const volumes = wish.volumes ?? []
  for (const id of volumes) {
    const volume = state.volumes.find((one) => one.id === id && one.region === region.slug)
    refuse(422, `volume ${id} does not exist in this region`, !volume)
    refuse(422, 'This volume is already attached', Boolean(volume?.droplet_ids.length))
  }
  return { region: region.slug, size, image: image.id, vpc: vpc?.id, volumes }
}

function make(cloud: Cloud, name: string, wish: Wish, { region, size, image, vpc: chosen }: Place): Droplet {
  const { state, world } = cloud
  const vpc =
    state.vpcs.find((one) => (chosen ? one.id === chosen : one.default && one.region === region)) ??
    makeVpc(cloud, `default-${region}`, region)
  const host = state.nextHost++
  const droplet: Droplet = {
    id: cloud.nextId(),
    name,
    region,
    size: size.slug,
    disk: size.disk,
    image,
    status: 'new',
    created_at: now(),
    born: Date.now(),
    features: [...(wish.monitoring ? ['monitoring'] : []), 'droplet_agent', 'private_networking'],
    tags: [...new Set(wish.tags ?? [])],
    vpc: vpc.id,
    publicAddress: world.addresses.host(1 + Math.floor(host / 250), 1 + (host % 250)),
    privateAddress: freeAddress(cloud, vpc),
    userData: wish.user_data ?? '',
  }
  cloud.learnTags(droplet.tags)
  state.droplets.push(droplet)
  cloud.assign(`do:droplet:${droplet.id}`)
  return droplet
}

/** The droplet is gone at once; volumes survive, detached, and its network has it as a member for a while yet. */
async function remove(cloud: Cloud, droplet: Droplet): Promise<void> {
  const { state, world } = cloud
  refuse(422, 'Droplet already has a pending event.', cloud.busy(droplet.id))
  cloud.leaving.push(droplet.vpc)
  cloud.later(60, () => void cloud.leaving.splice(cloud.leaving.indexOf(droplet.vpc), 1))
  for (const volume of state.volumes)
    volume.droplet_ids = volume.droplet_ids.filter((id) => id !== droplet.id)
  for (const firewall of state.firewalls)
    firewall.droplet_ids = firewall.droplet_ids.filter((id) => id !== droplet.id)
  const address = state.reservedIps.find((one) => one.droplet === droplet.id)
  if (address) address.droplet = null
  cloud.unassign(`do:droplet:${droplet.id}`)
  cloud.drop(state.droplets, droplet)
  if (address) await world.machines.route(address.ip, undefined)
  await world.machines.destroy(droplet.id)
}
