import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { regionOf } from './catalog.ts'
import type { Cloud } from './cloud.ts'
import { page, read, refuse } from './reply.ts'
import { made, type Vpc } from './state.ts'

const name = z
  .string()
  .regex(/^[a-zA-Z0-9.-]+$/, 'VPC name may only contain letters, numbers, dashes and periods')
const description = z.string().max(255)

/** Private networks: the first one of a region becomes its default, and a default is never deleted. */
export function vpcRoutes(cloud: Cloud): void {
  const { app, state } = cloud
  const view = ({ born: _, ...vpc }: Vpc) => ({ ...vpc, urn: `do:vpc:${vpc.id}` })
  const find = cloud.show('/v2/vpcs', {
    names: ['vpc', 'vpcs'],
    all: () => state.vpcs,
    keys: (one) => [one.id],
    view,
    remove: (vpc) => {
      refuse(403, 'Can not delete default VPCs', vpc.default)
      const balanced = state.loadBalancers.some((one) => one.vpc_uuid === vpc.id)
      const inhabited = balanced || members(vpc.id).length > 0 || cloud.leaving.includes(vpc.id)
      refuse(403, 'Can not delete VPC with members', inhabited)
      cloud.drop(state.vpcs, vpc)
    },
  })
  app.post('/v2/vpcs', async (c) => {
    const wish = await read(
      c,
      z.strictObject({
        name,
        region: z.string(),
        description: description.default(''),
        ip_range: z.string().optional(),
      }),
    )
    const region = regionOf(cloud, wish.region).slug
    refuse(
      422,
      'This VPC name is already in use',
      state.vpcs.some((one) => one.name === wish.name),
    )
    const vpc = makeVpc(cloud, { ...wish, region })
    return cloud.done(c, { vpc: view(vpc) }, 201)
  })
  const wish = z.strictObject({ name, description, default: z.boolean() }).partial()
  for (const method of ['put', 'patch'] as const)
    app[method]('/v2/vpcs/:key', async (c) => {
      const vpc = find(c.req.param('key'))
      const { default: chosen, ...given } = await read(
        c,
        method === 'put' ? wish.required({ name: true }) : wish,
      )
      if (chosen) for (const one of state.vpcs) if (one.region === vpc.region) one.default = false
      Object.assign(vpc, given, { default: chosen || vpc.default })
      return cloud.done(c, { vpc: view(vpc) })
    })
  const members = (id: string) => cloud.listed(state.droplets).filter((one) => one.vpc === id)
  app.get('/v2/vpcs/:key/members', (c) => {
    const type = c.req.query('resource_type') ?? 'droplet'
    const all = type === 'droplet' ? members(find(c.req.param('key')).id) : []
    const show = (one: (typeof all)[number]) => ({
      name: one.name,
      urn: `do:droplet:${one.id}`,
      created_at: one.created_at,
    })
    return page(c, 'members', all.map(show))
  })
}

interface VpcWish {
  name: string
  region: string
  description?: string
  ip_range?: string | undefined
}

/** A new network; its range is checked, or drawn clear of the others. */
export function makeVpc(cloud: Cloud, wish: VpcWish): Vpc {
  const { name, region, description = '' } = wish
  const { vpcs } = cloud.state
  const free = Array.from({ length: 16 * 16 }, (_, n) => `10.${100 + (n >> 4)}.${(n & 15) << 4}.0/20`)
  const ip_range = wish.ip_range || free.find((one) => !vpcs.some((vpc) => overlap(one, vpc.ip_range))) || ''
  const { size, first } = span(ip_range)
  const isPrivate = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'].some((one) => overlap(one, ip_range))
  refuse(422, 'IP range must be in range of private addresses as defined in RFC1918', !isPrivate)
  refuse(422, 'IP range may not be smaller than /28 nor larger than /16', size < 16 || size > 65_536)
  refuse(422, 'IP range is not a network address', first % size !== 0)
  const other = vpcs.find((one) => overlap(ip_range, one.ip_range))
  const text = `This range/size overlaps with another VPC network in your account: ${other?.ip_range}`
  refuse(422, text, other !== undefined)
  const isFirst = !vpcs.some((one) => one.region === region)
  const vpc = { id: randomUUID(), name, description, region, ip_range, default: isFirst, ...made() }
  vpcs.push(vpc)
  return vpc
}

/** The lowest address of this network that no droplet has; its first belongs to the network, the next to DigitalOcean. */
export function freeAddress(cloud: Cloud, vpc: Vpc): string {
  const { first, size } = span(vpc.ip_range)
  const used = new Set(
    cloud.state.droplets.filter((one) => one.vpc === vpc.id).map((one) => one.privateAddress),
  )
  for (let n = 2; n < size - 1; n++) {
    const address = [24, 16, 8, 0].map((shift) => ((first + n) >>> shift) & 255).join('.')
    if (!used.has(address)) return address
  }
  refuse(422, `no address is left in ${vpc.ip_range}`, true)
  return ''
}

function span(range: string): { first: number; size: number } {
  const found = z.cidrv4().safeParse(range)
  refuse(422, 'IP range is invalid', !found.success)
  const [address = '', bits] = range.split('/')
  const first = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
  return { first, size: 2 ** (32 - Number(bits)) }
}

function overlap(a: string, b: string): boolean {
  const [x, y] = [span(a), span(b)]
  return x.first < y.first + y.size && y.first < x.first + x.size
}
