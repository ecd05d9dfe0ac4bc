import { Hono } from 'hono'
import { serve } from '../serve.ts'
import type { World } from '../world.ts'
import { accountRoutes } from './account.ts'
import { actionRoutes } from './actions.ts'
import { Cloud } from './cloud.ts'
import { hardwareOf } from './droplet-view.ts'
import { dropletRoutes } from './droplets.ts'
import { firewallRoutes } from './firewalls.ts'
import { guard } from './guard.ts'
import { keyRoutes } from './keys.ts'
import { loadBalancerRoutes } from './load-balancers.ts'
import { projectRoutes } from './projects.ts'
import { Refusal, refused } from './reply.ts'
import { reservedIpRoutes } from './reserved-ips.ts'
import { snapshotRoutes } from './snapshots.ts'
import { openState, type SpacesKey } from './state.ts'
import { tagRoutes } from './tags.ts'
import { volumeRoutes } from './volumes.ts'
import { vpcRoutes } from './vpcs.ts'

/** The running cloud: where it is, its token, and what Spaces must believe. */
export interface RunningCloud {
  /** Without `/v2`. */
  url: string
  /** Drawn once per world. */
  token: string
  /** The keys that Spaces accept at this moment: the account's and the visitor's. */
  spacesKeys: () => SpacesKey[]
  /** A full-access Spaces key for the person in the box, which the account does not list. */
  visitor: { accessKey: string; secretKey: string }
}

/** Starts the simulated DigitalOcean; it finds the world as it was left, and powers on the droplets that were on. */
export async function startDigitalOcean(world: World): Promise<RunningCloud> {
  const app = new Hono()
  const cloud = new Cloud(world, openState(world), app)
  const { state } = cloud
  app.onError(refused)
  app.notFound((c) => refused(new Refusal(404, `the sandbox has no ${c.req.method} ${c.req.path}`)))
  guard(cloud)
  const subjects = [accountRoutes, projectRoutes, keyRoutes, vpcRoutes, firewallRoutes, reservedIpRoutes]
  subjects.push(tagRoutes, actionRoutes, snapshotRoutes, dropletRoutes, volumeRoutes, loadBalancerRoutes)
  for (const routes of subjects) routes(cloud)
  const { host, port } = world.addresses.digitalocean
  await serve(world, 'digitalocean', { host, port }, app)
  await goOn(cloud)
  return {
    url: `http://${host}:${port}`,
    token: state.token,
    spacesKeys: () => [...state.spacesKeys, state.visitor],
    visitor: { accessKey: state.visitor.access_key, secretKey: state.visitor.secret_key },
  }
}

/** Brings back what a former wrapper left: power, routes, and all that was under way. */
async function goOn(cloud: Cloud): Promise<void> {
  const { state, world } = cloud
  state.firewalls = state.firewalls.filter((one) => !one.leaving)
  for (const firewall of state.firewalls) firewall.status = 'succeeded'
  for (const { ip, droplet } of state.reservedIps) await world.machines.route(ip, droplet ?? undefined)
  for (const droplet of state.droplets)
    if (droplet.status === 'active') await world.machines.boot(hardwareOf(cloud, droplet))
  for (const volume of state.volumes)
    for (const droplet of volume.droplet_ids) await world.machines.plug(droplet, volume, true)
  for (const action of state.actions) if (action.status === 'in-progress') cloud.finish(action)
  cloud.save()
}
