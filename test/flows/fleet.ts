import { z } from 'zod'
import type { LogEntry } from '../../sandbox/world.ts'
import type { TestBox } from './box.ts'

const droplet = z.object({ name: z.string(), size_slug: z.string(), status: z.string() })

/** The machines of a box: as DigitalOcean lists them (`name size status`), and as Kubernetes does. */
export const fleetOf = (box: TestBox) => ({
  droplets: async () =>
    z
      .object({ droplets: z.array(droplet) })
      .parse(await box.cloud('GET', '/v2/droplets?per_page=200'))
      .droplets.map(({ name, size_slug: size, status }) => `${name} ${size} ${status}`),
  nodes: async () => (await box.run('kubectl', ['get', 'nodes', '-o', 'name'])).out.trim().split('\n'),
})

/** Whether a request is of this method and path. */
export const request = (method: string, path: RegExp) => (entry: LogEntry) =>
  entry.method === method && path.test(entry.path)
