import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { load } from 'js-yaml'
import t from 'tap'
import { z } from 'zod'
import type { LogEntry } from '../../../sandbox/world.ts'
import { openTestBox } from '../../flows/box.ts'
import { kubeconfig } from '../../flows/fleet.ts'
import { ids } from '../../flows/shop.ts'
import { peakMemory } from './peak-memory.ts'

// A SIMULATED cluster of one server and 50 agents with 300 claims, each on a machine, and 20,000 objects: backed up, lost,
// and brought back. What is measured is real: the memory of the flow's own process, and how often it asked the clouds.

t.setTimeout(900_000) // on a machine that may be busy
const box = await openTestBox(t)
box.behave({ digitalocean: { limits: { droplets: 60, volumes: 400 } } })

const claims = 300
const objects = 20_000
/** DigitalOcean's own limit, an hour. */
const anHour = 5000

/** A meter that tells, when a flow ends, the most memory that it had (MB). */
const meter = box.file(
  'meter.mjs',
  `import { writeFileSync } from 'node:fs'
${peakMemory}
process.once('exit', () => {
  if (/\\/(backup|restore|scale)\\.mts$/.test(process.argv[1])) writeFileSync(process.env.PEAK, String(peakMemory()))
})
`,
)

interface Measured {
  err: string
  out: string
  seconds: number
  peak: number
  /** Requests of the flow and its tools at DigitalOcean; the machines' own half is left out. */
  asked: number
}

async function measured(script: string, words: string[]): Promise<Measured> {
  const PEAK = join(box.dir, 'peak')
  const started = performance.now()
  const env = { NODE_OPTIONS: `--import=${pathToFileURL(meter)}`, PEAK }
  const ended = await box.run(script, words, { env })
  if (ended.code !== 0) throw new Error(ended.err)
  const isOwn = ({ service, agent }: LogEntry) =>
    service === 'digitalocean' && !/paper|argocd|csi/.test(agent ?? '')
  return {
    ...ended,
    seconds: (performance.now() - started) / 1000,
    peak: Number(readFileSync(PEAK, 'utf8')),
    asked: ended.requests.filter(isOwn).length,
  }
}

/** Writes objects into the cluster, sixteen at a time. */
async function fill(things: { path: string; body: object }[]): Promise<void> {
  const { clusters, users } = kubeconfig.parse(
    load(readFileSync(join(box.dir, '.sandbox', 'kubeconfig-main.yaml'), 'utf8')),
  )
  const [cluster, user] = [clusters[0]?.cluster, users[0]?.user]
  const decoded = (text = '') => Buffer.from(text, 'base64')
  const agent = new Agent({
    keepAlive: true,
    maxSockets: 16,
    ca: decoded(cluster?.['certificate-authority-data']),
    servername: cluster?.['tls-server-name'] ?? '',
    cert: decoded(user?.['client-certificate-data']),
    key: decoded(user?.['client-key-data']),
  })
  const post = ({ path, body }: (typeof things)[number]) =>
    new Promise<void>((done, failed) => {
      const headers = { 'content-type': 'application/json' }
      const sent = request(`${cluster?.server}${path}`, { method: 'POST', headers, agent }, (answer) => {
        answer.resume()
        answer.once('end', () =>
          answer.statusCode === 201 ? done() : failed(new Error(`${path}: ${answer.statusCode}`)),
        )
      })
      sent.once('error', failed)
      sent.end(JSON.stringify(body))
    })
  const rest = [...things]
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      for (let one = rest.pop(); one; one = rest.pop()) await post(one)
    }),
  )
  agent.destroy()
}

const namespace = (name: string) => ({
  path: '/api/v1/namespaces',
  body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
})
const spaces = Array.from({ length: 50 }, (_, n) => `crowd-${n}`)

/** Six pods with a claim each in every namespace. */
const sets = spaces.map((name) => ({
  path: `/apis/apps/v1/namespaces/${name}/statefulsets`,
  body: {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'store', namespace: name },
    spec: {
      serviceName: 'store',
      replicas: claims / spaces.length,
      selector: { matchLabels: { app: 'store' } },
      template: {
        metadata: { labels: { app: 'store' } },
        spec: {
          containers: [
            {
              name: 'app',
              image: 'docker.io/library/busybox',
              volumeMounts: [{ name: 'data', mountPath: '/data' }],
            },
          ],
        },
      },
      volumeClaimTemplates: [
        {
          metadata: { name: 'data' },
          spec: {
            accessModes: ['ReadWriteOnce'],
            storageClassName: 'do-block-storage',
            resources: { requests: { storage: '1Gi' } },
          },
        },
      ],
    },
  },
}))
const maps = Array.from({ length: objects - claims }, (_, n) => {
  const [name, space] = [`map-${n}`, spaces[n % spaces.length] ?? '']
  return {
    path: `/api/v1/namespaces/${space}/configmaps`,
    body: {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace: space },
      data: { text: `${n} `.repeat(40) },
    },
  }
})
const bound = async () =>
  (
    await box.run('kubectl', [
      'get',
      'persistentvolumeclaims',
      '-A',
      '-o',
      'jsonpath={.items[*].status.phase}',
    ])
  ).out
    .split(' ')
    .filter((phase) => phase === 'Bound').length
const since = performance.now()
const tell = (what: string) => t.comment(`${what} (${Math.round((performance.now() - since) / 1000)} s)`)

t.test('300 claims on 50 machines and 20,000 objects are there', async (t) => {
  t.equal((await box.run('bootstrap.mts')).code, 0)
  const grown = await measured('scale.mts', ['--add', '50'])
  tell(`50 agents: ${grown.asked} requests, ${grown.peak.toFixed(0)} MB, ${grown.seconds.toFixed(0)} s`)
  t.ok(grown.asked < anHour, `${grown.asked} requests`)
  await fill(spaces.map(namespace))
  await fill(sets)
  await fill(maps)
  tell('objects are there')
  while ((await bound()) < claims + 1) await new Promise((done) => setTimeout(done, 300))
  tell('claims are bound')
})

t.test('they are backed up', async (t) => {
  const taken = await measured('scripts/backup.mts', ['--backup', 'crowd', '--json'])
  tell(`backup: ${taken.asked} requests, ${taken.peak.toFixed(0)} MB, ${taken.seconds.toFixed(0)} s`)
  t.equal(JSON.parse(taken.out).volumes.length, claims + 1)
  t.ok(taken.asked < anHour, `${taken.asked} requests`)
  t.ok(taken.peak < 250, `${taken.peak} MB`)
})

const proof = z.looseObject({
  missing: z.array(z.string()),
  volumes: z.array(z.looseObject({ moved: z.number(), bytes: z.number() })),
  objects: z.array(z.looseObject({ resource: z.string(), outcome: z.string() })),
})

t.test('everything is lost, and comes back, with as many machines', async (t) => {
  for (const id of ids((await box.cloud('GET', '/v2/droplets?per_page=200')).droplets))
    await box.cloud('DELETE', `/v2/droplets/${id}`)
  for (let left = 1; left > 0; ) {
    const there = [1, 2].map((page) => box.cloud('GET', `/v2/volumes?per_page=200&page=${page}`))
    const all = (await Promise.all(there)).flatMap(({ volumes }) => ids(volumes))
    left = all.length
    for (const id of all) await box.cloud('DELETE', `/v2/volumes/${id}`).catch(() => {})
  }
  tell('lost')
  const back = await measured('restore.mts', ['--backup', 'crowd', '--json'])
  tell(`restore: ${back.asked} requests, ${back.peak.toFixed(0)} MB, ${back.seconds.toFixed(0)} s`)
  const { missing, volumes, objects: held } = proof.parse(JSON.parse(back.out))
  t.same(missing, [])
  t.equal(volumes.filter(({ moved, bytes }) => moved === bytes).length, claims + 1)
  const ofKind = (resource: string) =>
    held.filter((one) => one.resource === resource && one.outcome !== 'missing').length
  t.equal(ofKind('persistentvolumeclaims'), claims + 1)
  t.ok(ofKind('configmaps') >= objects - claims, `${ofKind('configmaps')} ConfigMaps`)
  t.equal(ids((await box.cloud('GET', '/v2/droplets?per_page=200')).droplets).length, 51)
  t.ok(back.asked < anHour, `${back.asked} requests`)
  t.ok(back.peak < 250, `${back.peak} MB`)
})
