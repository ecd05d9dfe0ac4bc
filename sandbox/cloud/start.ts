import { Hono } from 'hono'
import { ZodError } from 'zod'
import { serve } from '../serve.ts'
import type { World } from '../world.ts'
import { accountRoutes } from './account.ts'
import { Cloud } from './cloud.ts'
import { dropletRoutes, hardwareOf } from './droplets.ts'
import { keyRoutes, makeSpacesKey } from './keys.ts'
import { networkRoutes } from './network.ts'
import { Refusal, refused } from './reply.ts'
import { openState, type SpacesKey } from './state.ts'
import { volumeRoutes } from './volumes.ts'

/** The running cloud: its address, its one token, and the keys that Spaces believes. */
export interface RunningCloud {
  /** Without `/v2`. */
  url: string
  token: string
  spacesKeys: () => SpacesKey[]
  /** A full-access key for the person in the box; no key of the account. */
  visitor: SpacesKey
}

/** Starts the simulated DigitalOcean; droplets that are on are powered on again. */
export async function startDigitalOcean(world: World): Promise<RunningCloud> {
  const app = new Hono()
  const cloud = new Cloud(world, openState(world), app)
  const { state } = cloud
  app.onError((error) => {
    if (error instanceof Refusal) return refused(error)
    if (error instanceof ZodError)
      return refused(new Refusal(422, error.issues[0]?.message ?? 'unprocessable'))
    process.stderr.write(`! simulated DigitalOcean: ${error.stack}\n`)
    return refused(new Refusal(500, 'Unexpected server-side error'))
  })
  app.notFound(() => refused(new Refusal(404, 'not simulated')))
  app.use('*', async (c, next) => {
    if (c.req.header('authorization') !== `Bearer ${state.token}`)
      throw new Refusal(401, 'Unable to authenticate you')
    await next()
    c.header('ratelimit-limit', '5000')
    c.header('ratelimit-remaining', '4999')
    c.header('ratelimit-reset', String(Math.floor(Date.now() / 1000) + 3600))
  })
  accountRoutes(cloud)
  networkRoutes(cloud)
  keyRoutes(cloud)
  dropletRoutes(cloud)
  volumeRoutes(cloud)
  const { host, port } = world.addresses.digitalocean
  await serve(world, 'digitalocean', { host, port }, app)
  cloud.save()
  for (const action of state.actions.filter((one) => one.status === 'in-progress'))
    action.status = 'completed'
  for (const droplet of state.droplets) {
    if (droplet.status === 'new') Object.assign(droplet, { status: 'active', networksKnown: true })
    if (droplet.status === 'active') await world.machines.boot(hardwareOf(cloud, droplet))
  }
  for (const address of state.reservedIps)
    await world.machines.route(address.ip, address.droplet ?? undefined)
  const visitor = makeSpacesKey('visitor', [{ bucket: '', permission: 'fullaccess' }])
  return {
    url: `http://${host}:${port}`,
    token: state.token,
    spacesKeys: () => [...state.spacesKeys, visitor],
    visitor,
  }
}
