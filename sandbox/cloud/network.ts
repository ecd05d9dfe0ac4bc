import { z } from 'zod'
import type { Cloud } from './cloud.ts'
import { actionView } from './cloud.ts'
import { dropletView } from './droplets.ts'
import { need, page, Refusal } from './reply.ts'
import { type Firewall, now, type Rule } from './state.ts'

/** Private networks, firewalls and reserved IPs. */
export function networkRoutes(cloud: Cloud): void {
  vpcRoutes(cloud)
  firewallRoutes(cloud)
  reservedIpRoutes(cloud)
}

function vpcRoutes(cloud: Cloud): void {
  const { app, state } = cloud
  const view = (one: (typeof state.vpcs)[number]) => ({ ...one, description: '', urn: `do:vpc:${one.id}` })
  app.get('/v2/vpcs', (c) => page(c, 'vpcs', state.vpcs.map(view)))
  app.get('/v2/vpcs/:id', (c) =>
    c.json({ vpc: view(need(state.vpcs.find((one) => one.id === c.req.param('id')))) }),
  )
  app.get('/v2/vpcs/:id/members', (c) =>
    page(
      c,
      'members',
      state.droplets
        .filter((one) => one.vpc === c.req.param('id'))
        .map((one) => ({ urn: `do:droplet:${one.id}`, name: one.name, created_at: one.created_at })),
    ),
  )
  app.post('/v2/vpcs', async (c) => {
    const wish = z
      .object({
        name: z.string().regex(/^[\w.-]+$/),
        region: z.string(),
        ip_range: z.string().optional(),
        description: z.string().optional(),
      })
      .parse(await c.req.json())
    if (state.vpcs.some((one) => one.name === wish.name))
      throw new Refusal(422, 'This VPC name is already in use')
    // The first network of a region becomes its default, and a default is never deleted.
    const vpc = {
      id: cloud.uuid(),
      name: wish.name,
      region: wish.region,
      ip_range: wish.ip_range ?? `10.${100 + state.vpcs.length}.0.0/20`,
      default: !state.vpcs.some((one) => one.region === wish.region),
      created_at: now(),
    }
    state.vpcs.push(vpc)
    cloud.save()
    return c.json({ vpc: view(vpc) }, 201)
  })
  app.delete('/v2/vpcs/:id', (c) => {
    const vpc = need(state.vpcs.find((one) => one.id === c.req.param('id')))
    if (vpc.default) throw new Refusal(403, 'Can not delete default VPC')
    if (state.droplets.some((one) => one.vpc === vpc.id))
      throw new Refusal(403, 'Can not delete VPC with members')
    state.vpcs.splice(state.vpcs.indexOf(vpc), 1)
    cloud.save()
    return c.body(null, 204)
  })
}

const rules = z.array(
  z.strictObject({
    protocol: z.enum(['tcp', 'udp', 'icmp']),
    ports: z.string().optional(),
    sources: z.record(z.string(), z.unknown()).optional(),
    destinations: z.record(z.string(), z.unknown()).optional(),
  }),
)
const firewallWish = z.object({
  name: z.string(),
  inbound_rules: rules.nullish(),
  outbound_rules: rules.nullish(),
  droplet_ids: z.array(z.number()).nullish(),
  tags: z.array(z.string()).nullish(),
})

function firewallRoutes(cloud: Cloud): void {
  const { app, state } = cloud
  const view = (one: Firewall) => ({ ...one, pending_changes: [] })
  // All ports come back as "0", whatever was sent for them, and ICMP always has "0".
  const ports = (list: Rule[] | null | undefined): Rule[] =>
    (list ?? []).map((one) => ({
      ...one,
      ports:
        one.protocol === 'icmp' || ['all', '1-65535', undefined].includes(one.ports)
          ? '0'
          : (one.ports ?? '0'),
    }))
  const check = (wish: z.infer<typeof firewallWish>) => {
    for (const tag of wish.tags ?? [])
      if (!state.tags.includes(tag)) throw new Refusal(422, `tag ${tag} does not exist`)
    if ((wish.inbound_rules ?? []).length + (wish.outbound_rules ?? []).length === 0)
      throw new Refusal(422, 'must have at least one inbound rule or one outbound rule')
  }
  const read = async (json: Promise<unknown>) => {
    const wish = firewallWish.parse(await json) as z.infer<typeof firewallWish> & {
      inbound_rules?: Rule[]
      outbound_rules?: Rule[]
    }
    check(wish)
    return {
      name: wish.name,
      inbound_rules: ports(wish.inbound_rules),
      outbound_rules: ports(wish.outbound_rules),
      droplet_ids: wish.droplet_ids ?? [],
      tags: wish.tags ?? [],
    }
  }
  app.get('/v2/firewalls', (c) => page(c, 'firewalls', state.firewalls.map(view)))
  app.get('/v2/firewalls/:id', (c) =>
    c.json({ firewall: view(need(state.firewalls.find((one) => one.id === c.req.param('id')))) }),
  )
  app.post('/v2/firewalls', async (c) => {
    const wish = await read(c.req.json())
    if (state.firewalls.some((one) => one.name === wish.name)) throw new Refusal(409, 'duplicate name')
    const firewall: Firewall = { id: cloud.uuid(), status: 'waiting', created_at: now(), ...wish }
    state.firewalls.push(firewall)
    cloud.save()
    void cloud.world.latency(3).then(() => {
      firewall.status = 'succeeded'
      cloud.save()
    })
    return c.json({ firewall: view(firewall) }, 202)
  })
  app.put('/v2/firewalls/:id', async (c) => {
    const firewall = need(state.firewalls.find((one) => one.id === c.req.param('id')))
    Object.assign(firewall, await read(c.req.json()))
    cloud.save()
    return c.json({ firewall: view(firewall) })
  })
  app.delete('/v2/firewalls/:id', (c) => {
    const firewall = need(state.firewalls.find((one) => one.id === c.req.param('id')))
    state.firewalls.splice(state.firewalls.indexOf(firewall), 1)
    cloud.save()
    return c.body(null, 204)
  })
}

function reservedIpRoutes(cloud: Cloud): void {
  const { app, state, world } = cloud
  const view = (one: (typeof state.reservedIps)[number]) => ({
    ip: one.ip,
    region: { slug: one.region, name: one.region, available: true, features: [], sizes: [] },
    droplet:
      one.droplet === null
        ? null
        : dropletView(cloud, need(state.droplets.find((each) => each.id === one.droplet))),
    locked: false,
    project_id: one.project_id,
  })
  const find = (ip: string) => need(state.reservedIps.find((one) => one.ip === ip))
  app.get('/v2/reserved_ips', (c) => page(c, 'reserved_ips', state.reservedIps.map(view)))
  app.get('/v2/reserved_ips/:ip', (c) => c.json({ reserved_ip: view(find(c.req.param('ip'))) }))
  app.post('/v2/reserved_ips', async (c) => {
    const wish = z
      .object({
        region: z.string().optional(),
        project_id: z.string().optional(),
        droplet_id: z.number().optional(),
      })
      .parse(await c.req.json())
    if (state.reservedIps.length >= 3)
      throw new Refusal(422, 'You have reached the reserved IP limit for your account')
    const used = new Set(state.reservedIps.map((one) => one.ip))
    const ip = Array.from({ length: 250 }, (_, index) => world.addresses.host(200, index + 1)).find(
      (one) => !used.has(one),
    )
    if (!ip || !wish.region) throw new Refusal(422, 'region is required')
    const address = { ip, region: wish.region, project_id: '', droplet: null }
    state.reservedIps.push(address)
    cloud.assign(`do:floatingip:${ip}`, wish.project_id)
    cloud.save()
    return c.json({ reserved_ip: view(address), links: { droplets: [], actions: [] } }, 202)
  })
  app.delete('/v2/reserved_ips/:ip', async (c) => {
    const address = find(c.req.param('ip'))
    state.reservedIps.splice(state.reservedIps.indexOf(address), 1)
    cloud.forget(`do:floatingip:${address.ip}`)
    cloud.save()
    await world.machines.route(address.ip, undefined)
    return c.body(null, 204)
  })
  app.post('/v2/reserved_ips/:ip/actions', async (c) => {
    const address = find(c.req.param('ip'))
    const wish = z
      .object({ type: z.enum(['assign', 'unassign']), droplet_id: z.number().optional() })
      .parse(await c.req.json())
    const droplet =
      wish.type === 'assign' ? need(state.droplets.find((one) => one.id === wish.droplet_id)) : undefined
    if (droplet && cloud.busy(droplet.id)) throw new Refusal(422, 'Droplet already has a pending event.')
    const action = cloud.begin(
      wish.type === 'assign' ? 'assign_ip' : 'unassign_ip',
      { id: 0, kind: 'reserved_ip', region: address.region },
      6,
      async () => {
        address.droplet = droplet?.id ?? null
        await world.machines.route(address.ip, droplet?.id)
      },
    )
    return c.json({ action: { ...actionView(action), project_id: address.project_id } }, 201)
  })
}
