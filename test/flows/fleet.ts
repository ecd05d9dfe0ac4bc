import { readFileSync } from 'node:fs'
import { request as ask } from 'node:https'
import { join } from 'node:path'
import { load } from 'js-yaml'
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

/** What is read of a kubeconfig. */
export const kubeconfig = z.object({
  clusters: z.array(
    z.object({
      cluster: z.object({
        server: z.string(),
        'certificate-authority-data': z.base64(),
        'tls-server-name': z.string(),
      }),
    }),
  ),
  users: z.array(
    z.object({ user: z.object({ 'client-certificate-data': z.base64(), 'client-key-data': z.base64() }) }),
  ),
})

/** A node's kubelet stops, while its machine stays on: what Kubernetes notes then, written as its controller does. */
export async function kubeletStops({ dir }: TestBox, node: string): Promise<void> {
  const { clusters, users } = kubeconfig.parse(
    load(readFileSync(join(dir, '.sandbox', 'kubeconfig-main.yaml'), 'utf8')),
  )
  const [cluster, user] = [clusters[0]?.cluster, users[0]?.user]
  const decoded = (text = '') => Buffer.from(text, 'base64')
  const condition = { type: 'Ready', status: 'Unknown', reason: 'NodeStatusUnknown' }
  const status = await new Promise<number | undefined>((done, failed) => {
    const url = `${cluster?.server}/api/v1/nodes/${node}/status`
    const headers = { 'content-type': 'application/merge-patch+json' }
    const tls = {
      ca: decoded(cluster?.['certificate-authority-data']),
      servername: cluster?.['tls-server-name'] ?? '',
      cert: decoded(user?.['client-certificate-data']),
      key: decoded(user?.['client-key-data']),
    }
    const sent = ask(url, { method: 'PATCH', headers, ...tls }, (answer) => {
      answer.resume()
      done(answer.statusCode)
    })
    sent.once('error', failed)
    sent.end(JSON.stringify({ status: { conditions: [condition] } }))
  })
  if (status !== 200) throw new Error(`the status of node ${node} was not taken: ${status}`)
}
