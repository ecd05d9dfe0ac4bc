import { randomUUID } from 'node:crypto'
import { BlockList, isIPv4 } from 'node:net'
import { z } from 'zod'
import type { Cloud } from './cloud.ts'
import { need, page, read, refuse } from './reply.ts'
import { type Droplet, type Firewall, made, type Rule } from './state.ts'

const peers = z
  .strictObject({
    addresses: z.array(z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()])),
    droplet_ids: z.array(z.number().int()),
    load_balancer_uids: z.array(z.string()),
    kubernetes_ids: z.array(z.string()),
    tags: z.array(z.string()).nullable(),
  })
  .partial()
  .refine((some) => Object.values(some).some((list) => list?.length), 'must specify sources or destinations')
const ports = z.string().regex(/^(all|\d{1,5}(-\d{1,5})?|)$/, 'ports is invalid')
const rule = { protocol: z.enum(['tcp', 'udp', 'icmp']), ports: ports.optional() }
/**
 * However all ports are asked for, they come back as "0", and so do those of ICMP; sent like that they are refused
 * (https://github.com/digitalocean/doctl/pull/278, https://github.com/digitalocean/api-v2/issues/171).
 */
const canonical = <T extends { protocol: string; ports?: string | undefined }>(one: T) => {
  const refused = one.ports === '0' || (one.protocol === 'icmp' && one.ports)
  refuse(422, 'You must specify a positive value for ports.', Boolean(refused))
  return { ...one, ports: !one.ports || ['all', '1-65535'].includes(one.ports) ? '0' : one.ports }
}
const rules = {
  inbound_rules: z.array(z.strictObject({ ...rule, sources: peers }).transform(canonical)).nullish(),
  outbound_rules: z.array(z.strictObject({ ...rule, destinations: peers }).transform(canonical)).nullish(),
}
const wish = z.strictObject({
  ...rules,
  name: z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9.-]+$/, 'name is invalid'),
  droplet_ids: z.array(z.number().int()).nullish(),
  tags: z.array(z.string()).nullish(),
})

/** The firewalls that protect a droplet, by its id or by a tag. One that is being deleted protects no more. */
export function firewallsOf(cloud: Cloud, droplet: Droplet): Firewall[] {
  return cloud.state.firewalls.filter(
    (one) =>
      !one.leaving &&
      (one.droplet_ids.includes(droplet.id) || one.tags.some((tag) => droplet.tags.includes(tag))),
  )
}

/** Whether a firewall lets an IPv4 address of the world in on a TCP port. */
export function admits({ inbound_rules }: Firewall, port: number, from: string): boolean {
  return inbound_rules.some(({ protocol, ports: range, sources }) => {
    const [low = 0, high = low] = range === '0' ? [0, 65_535] : range.split('-').map(Number)
    if (protocol !== 'tcp' || port < low || port > high) return false
    const list = new BlockList()
    for (const one of peers.parse(sources).addresses ?? []) {
      const [address = '', bits = '32'] = one.split('/')
      if (isIPv4(address)) list.addSubnet(address, Number(bits), 'ipv4')
    }
    return list.check(from)
  })
}

/** A firewall as the API shows it. */
function firewallView({ born: _, leaving: __, ...firewall }: Firewall) {
  const pending = firewall.status === 'waiting' ? firewall.droplet_ids : []
  const changes = pending.map((droplet_id) => ({ droplet_id, removing: false, status: 'waiting' }))
  return { ...firewall, pending_changes: changes }
}

/** Cloud firewalls: changes take effect after a while, and so does their removal. */
export function firewallRoutes(cloud: Cloud): void {
  const { app, state } = cloud
  const find = cloud.show('/v2/firewalls', {
    names: ['firewall', 'firewalls'],
    all: () => state.firewalls,
    keys: (one) => [one.id],
    view: firewallView,
    remove: (firewall) => {
      firewall.leaving = true
      cloud.later(3, () => cloud.drop(state.firewalls, firewall))
    },
  })
  const check = (given: Pick<Firewall, 'tags' | 'droplet_ids'>) => {
    for (const tag of given.tags)
      refuse(422, `tag ${tag} does not exist`, !state.tags.some((one) => one.name === tag))
    for (const id of given.droplet_ids)
      refuse(422, `droplet ${id} does not exist`, !state.droplets.some((one) => one.id === id))
  }
  const whole = (given: z.infer<typeof wish>) => {
    const firewall = {
      name: given.name,
      inbound_rules: given.inbound_rules ?? [],
      outbound_rules: given.outbound_rules ?? [],
      droplet_ids: given.droplet_ids ?? [],
      tags: given.tags ?? [],
    }
    const none = firewall.inbound_rules.length + firewall.outbound_rules.length === 0
    refuse(422, 'must have at least one inbound rule or one outbound rule', none)
    check(firewall)
    return firewall
  }
  const unnamed = (name: string, self?: Firewall) =>
    refuse(
      409,
      'duplicate name',
      state.firewalls.some((one) => one !== self && one.name === name),
    )
  const spread = (firewall: Firewall) => {
    firewall.status = 'waiting'
    cloud.later(3, () => {
      firewall.status = 'succeeded'
    })
    cloud.save()
    return { firewall: firewallView(firewall) }
  }
  app.post('/v2/firewalls', async (c) => {
    const given = whole(await read(c, wish))
    unnamed(given.name)
    const firewall: Firewall = { id: randomUUID(), status: 'waiting', ...made(), ...given }
    state.firewalls.push(firewall)
    return c.json(spread(firewall), 202)
  })
  app.put('/v2/firewalls/:key', async (c) => {
    const firewall = find(c.req.param('key'))
    const given = whole(await read(c, wish))
    unnamed(given.name, firewall)
    return c.json(spread(Object.assign(firewall, given)))
  })
  app.get('/v2/droplets/:id/firewalls', (c) => {
    const droplet = need(state.droplets.find((one) => String(one.id) === c.req.param('id')))
    return page(c, 'firewalls', firewallsOf(cloud, droplet).map(firewallView))
  })
  partRoutes(cloud, find, check, spread)
}

/** Adds parts to a firewall and takes them away. */
function partRoutes(
  cloud: Cloud,
  find: (key: string | undefined) => Firewall,
  check: (given: Pick<Firewall, 'tags' | 'droplet_ids'>) => void,
  spread: (firewall: Firewall) => unknown,
): void {
  const parts = z
    .strictObject({ ...rules, droplet_ids: z.array(z.number()), tags: z.array(z.string()) })
    .partial()
  const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b)
  for (const method of ['post', 'delete'] as const)
    cloud.app[method]('/v2/firewalls/:key/:part{droplets|tags|rules}', async (c) => {
      const firewall = find(c.req.param('key'))
      const given = await read(c, parts)
      check({ tags: given.tags ?? [], droplet_ids: given.droplet_ids ?? [] })
      const change = <T>(before: T[], some: T[] | null | undefined): T[] => {
        const rest = before.filter((one) => !some?.some((each) => same(one, each)))
        return method === 'post' ? [...rest, ...(some ?? [])] : rest
      }
      firewall.tags = change(firewall.tags, given.tags)
      firewall.droplet_ids = change(firewall.droplet_ids, given.droplet_ids)
      firewall.inbound_rules = change<Rule>(firewall.inbound_rules, given.inbound_rules)
      firewall.outbound_rules = change<Rule>(firewall.outbound_rules, given.outbound_rules)
      spread(firewall)
      return cloud.done(c)
    })
}
