import { z } from 'zod'
import { actionsOf } from './actions.ts'
import { behaviourOf } from './behaviour.ts'
import { images, regionsOf, sizesOf } from './catalog.ts'
import type { Cloud } from './cloud.ts'
import { dropletActionRoutes } from './droplet-actions.ts'
import { dropletView } from './droplet-view.ts'
import { Refusal, read, refuse } from './reply.ts'
import { type Action, type Droplet, made } from './state.ts'
import { tagName } from './tags.ts'
import { freeAddress, makeVpc } from './vpcs.ts'

const hostname = /^[a-zA-Z0-9]?[a-z0-9A-Z.-]*[a-z0-9A-Z]$/
const hostnameRule = 'Only valid hostname characters are allowed. (a-z, A-Z, 0-9, . and -)'
const fits = (text: string) => Buffer.byteLength(text) <= 65_536
const absent = (what: string) => z.literal(false, `the sandbox has no ${what}`).nullish()
const creation = z.strictObject({
  name: z.string().max(255).regex(hostname, hostnameRule),
  region: z.string().nullish(),
  size: z.string(),
  image: z.union([z.string(), z.number()]),
  ssh_keys: z.array(z.union([z.string(), z.number()])).nullish(),
  backups: absent('backups of droplets'),
  ipv6: absent('IPv6'),
  private_networking: z.boolean().nullish(),
  monitoring: z.boolean().nullish(),
  tags: z.array(tagName).nullish(),
  user_data: z.string().refine(fits, 'User data is too long (maximum is 64 KiB)').nullish(),
  volumes: z.array(z.unknown()).max(0, 'the sandbox attaches volumes to droplets that exist').nullish(),
  vpc_uuid: z.string().nullish(),
  with_droplet_agent: z.boolean().nullish(),
  public_networking: z.literal(true, 'the sandbox has no droplets without a public address').nullish(),
})
type Wish = z.infer<typeof creation>

/** Droplets: accepted at once, made after a while. Names need not differ. */
export function dropletRoutes(cloud: Cloud): void {
  const { app, state } = cloud
  const find = cloud.show('/v2/droplets', {
    names: ['droplet', 'droplets'],
    all: () => state.droplets,
    keys: (one) => [one.id],
    view: (one) => dropletView(cloud, one),
    remove: (one) => remove(cloud, [one]),
    fits: (one, { tag_name: tag, name, type }) =>
      (!tag || one.tags.includes(tag)) && (!name || one.name === name) && type !== 'gpus',
  })
  app.post('/v2/droplets', async (c) => {
    const droplet = make(cloud, await read(c, creation))
    const shown = dropletView(cloud, droplet)
    const { id } = cloud.begin('droplet', 'create', droplet.region, { droplet: droplet.id })
    const href = `${new URL(c.req.url).origin}/v2/actions/${id}`
    return c.json({ droplet: shown, links: { actions: [{ id, rel: 'create', href }] } }, 202)
  })
  app.delete('/v2/droplets', async (c) => {
    const tag = c.req.query('tag_name')
    if (!tag) throw new Refusal(422, 'tag_name is required')
    await remove(
      cloud,
      state.droplets.filter((one) => one.tags.includes(tag)),
    )
    return c.body(null, 204)
  })
  const own = (one: Droplet, { kind, about }: Action) => kind === 'droplet' && about.droplet === one.id
  actionsOf(cloud, '/v2/droplets', find, own)
  dropletActionRoutes(cloud, find)
}

function make(cloud: Cloud, wish: Wish): Droplet {
  const { state, world } = cloud
  const region = regionsOf(cloud).find((one) => one.slug === (wish.region ?? 'nyc3'))
  const size = sizesOf(cloud).find((one) => one.slug === wish.size)
  const image = images.find((one) => one.slug === wish.image || one.id === Number(wish.image))
  if (!region) throw new Refusal(422, 'You specified an invalid region for Droplet creation.')
  if (!size) throw new Refusal(422, 'You specified an invalid size for Droplet creation.')
  if (!image) throw new Refusal(422, 'You specified an invalid image for Droplet creation.')
  refuse(422, 'Size is not available in this region.', !region.sizes.includes(size.slug))
  const full = state.droplets.length >= behaviourOf(world).limits.droplets
  refuse(422, 'creating this/these droplet(s) will exceed your droplet limit', full)
  for (const key of wish.ssh_keys ?? []) {
    const known = state.sshKeys.some((one) => [String(one.id), one.fingerprint].includes(String(key)))
    refuse(422, `${key} are invalid key identifiers for Droplet creation.`, !known)
  }
  const vpc = network(cloud, region.slug, wish.vpc_uuid || undefined)
  const host = state.nextHost++
  const droplet: Droplet = {
    id: cloud.nextId(),
    name: wish.name,
    region: region.slug,
    size: size.slug,
    disk: size.disk,
    image: image.slug,
    status: 'new',
    ...made(),
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

/** The network that is asked for, else the region's default, which comes into being when it is needed. */
function network(cloud: Cloud, region: string, id: string | undefined) {
  const { vpcs } = cloud.state
  if (!id) {
    const usual = vpcs.find((one) => one.default && one.region === region)
    return usual ?? makeVpc(cloud, { name: `default-${region}`, region })
  }
  const vpc = vpcs.find((one) => one.id === id)
  if (!vpc) throw new Refusal(422, 'VPC UUID is invalid')
  refuse(422, 'The VPC is not in the region of the Droplet', vpc.region !== region)
  return vpc
}

/** Droplets are gone at once; volumes survive, detached, and the network has them as members for a while yet. */
async function remove(cloud: Cloud, droplets: Droplet[]): Promise<void> {
  const { state, world } = cloud
  for (const { id } of droplets) refuse(422, 'Droplet already has a pending event.', cloud.busy(id))
  for (const droplet of droplets) {
    cloud.leaving.push(droplet.vpc)
    cloud.later(60, () => void cloud.leaving.splice(cloud.leaving.indexOf(droplet.vpc), 1))
    for (const one of [...state.volumes, ...state.firewalls])
      one.droplet_ids = one.droplet_ids.filter((id) => id !== droplet.id)
    const address = state.reservedIps.find((one) => one.droplet === droplet.id)
    if (address) address.droplet = null
    cloud.unassign(`do:droplet:${droplet.id}`)
    cloud.drop(state.droplets, droplet)
    if (address) await world.machines.route(address.ip, undefined)
    await world.machines.destroy(droplet.id)
  }
}
