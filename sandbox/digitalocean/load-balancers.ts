import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { regionOf } from './catalog.ts'
import type { Cloud } from './cloud.ts'
import { need, read, refuse } from './reply.ts'
import { type LoadBalancer, made } from './state.ts'

const port = z.number().int().min(1).max(65_535)
const protocol = z.enum(['http', 'https', 'http2', 'http3', 'tcp', 'udp'])
const wish = z.strictObject({
  name: z.string().min(1),
  region: z.string(),
  forwarding_rules: z
    .array(
      z.strictObject({
        entry_protocol: protocol,
        entry_port: port,
        target_protocol: protocol,
        target_port: port,
      }),
    )
    .min(1),
  size_unit: z.number().int().min(1).max(100).default(1),
  droplet_ids: z.array(z.number().int()).default([]),
  tag: z.string().default(''),
  vpc_uuid: z.string().optional(),
  project_id: z.string().optional(),
})

/** What nobody chose comes back as its default, as in the description's example. */
const usual = {
  ipv6: '',
  algorithm: 'round_robin',
  status: 'active',
  size: 'lb-small',
  type: 'REGIONAL',
  network: 'EXTERNAL',
  network_stack: 'IPV4',
  tls_cipher_policy: 'DEFAULT',
  http_idle_timeout_seconds: 60,
  health_check: {
    protocol: 'http',
    port: 80,
    path: '/',
    check_interval_seconds: 10,
    response_timeout_seconds: 5,
    healthy_threshold: 5,
    unhealthy_threshold: 3,
  },
  sticky_sessions: { type: 'none' },
  firewall: { deny: [], allow: [] },
  redirect_http_to_https: false,
  enable_proxy_protocol: false,
  enable_backend_keepalive: false,
  disable_lets_encrypt_dns_records: false,
}
const usualRule = { certificate_id: '', tls_passthrough: false }

/** Load balancers as a cloud controller makes them for Services; no traffic goes through them. */
export function loadBalancerRoutes(cloud: Cloud): void {
  const { app, state } = cloud
  const urn = (id: string) => `do:loadbalancer:${id}`
  const view = ({ born: _, region, droplet_ids: ids, ...one }: LoadBalancer) => ({
    ...usual,
    ...one,
    forwarding_rules: one.forwarding_rules.map((rule) => ({ ...rule, ...usualRule })),
    region: regionOf(cloud, region),
    // With a tag they are whatever carries it; what is gone is in no list.
    droplet_ids: state.droplets
      .filter(({ id, tags }) => (one.tag ? tags.includes(one.tag) : ids.includes(id)))
      .map(({ id }) => id),
    project_id: state.projects.find(({ resources }) => resources.some((each) => each.urn === urn(one.id)))
      ?.id,
  })
  cloud.show('/v2/load_balancers', {
    names: ['load_balancer', 'load_balancers'],
    all: () => state.loadBalancers,
    keys: (one) => [one.id],
    view,
    remove: (one) => {
      cloud.unassign(urn(one.id))
      cloud.drop(state.loadBalancers, one)
    },
  })
  app.post('/v2/load_balancers', async (c) => {
    const { project_id, region, ...given } = await read(c, wish)
    refuse(422, 'either tag or droplet_ids', given.tag !== '' && given.droplet_ids.length > 0)
    for (const id of given.droplet_ids) need(state.droplets.find((one) => one.id === id))
    const vpc = state.vpcs.find((one) => (given.vpc_uuid ? one.id === given.vpc_uuid : one.default))
    const { slug } = regionOf(cloud, region)
    const ip = cloud.world.addresses.host(201, 1 + state.loadBalancers.length)
    const balancer = { id: randomUUID(), ...given, vpc_uuid: need(vpc).id, region: slug, ip, ...made() }
    state.loadBalancers.push(balancer)
    cloud.assign(urn(balancer.id), project_id)
    return cloud.done(c, { load_balancer: view(balancer) }, 202)
  })
}
