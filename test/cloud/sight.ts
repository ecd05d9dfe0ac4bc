import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { thisProcess } from '../../lib/base/alive.ts'
import { endpoints, tokens } from '../../lib/base/environment.ts'
import { names } from '../../lib/base/names.ts'
import { toolsFolder } from '../../lib/base/tools-folder.ts'
import { cloudTime } from '../../lib/clients/clock.ts'
import { connectStore, type Store, StoreRefusal } from '../../lib/clients/s3.ts'
import { steadyFetch } from '../../lib/clients/steady-fetch.ts'
import { bucketPlaces, type Cluster } from '../../lib/cluster/cluster.ts'
import { mintKey, removeKey } from '../../lib/store/keys.ts'
import { type Look, lookManifest, lookPod, parseLook } from './look.ts'
import type { Passed } from './relay.ts'

/** What questions are asked with. */
export interface Sight {
  cluster: Cluster
  /** Path of the kubeconfig. */
  kubeconfig: string
  /** The cluster's address on the internet. */
  address: string
  /** Every request of the play so far, of scripts and tools too. */
  requests: readonly Passed[]
  /** Seconds that something in the cluster may take. */
  patience: number
}

/** DigitalOcean's answer to what the typed client, which only looks, does not ask. */
export interface Said {
  status: number
  body: unknown
  /** In the refusal's own words. */
  message: string
}

/** Asks DigitalOcean; refusals are answers. @param path with `/v2` */
export async function askCloud(method: string, path: string, body?: object): Promise<Said> {
  const answer = await steadyFetch(`${endpoints().digitalocean}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${tokens().digitalocean.reveal()}`,
      'content-type': 'application/json',
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  })
  const said = await answer.text()
  const parsed: unknown = said ? JSON.parse(said) : {}
  const message = z.object({ message: z.string() }).safeParse(parsed).data?.message ?? ''
  return { status: answer.status, body: parsed, message }
}

/** Runs kubectl as a person does. @throws Error with its words */
export async function kubectl(kubeconfig: string, words: readonly string[], input = ''): Promise<string> {
  const child = spawn('kubectl', ['--kubeconfig', kubeconfig, ...words], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, PATH: [toolsFolder(), process.env.PATH].join(':'), KUBERC: 'off' },
  })
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const ended = new Promise<number | null>((done, failed) => child.once('exit', done).once('error', failed))
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  if (code !== 0) throw new Error(`kubectl ${words.slice(0, 3).join(' ')}: ${err.trim().split('\n').pop()}`)
  return out
}

/** Objects as kubectl lists them, parsed. */
export async function listed<T>(kubeconfig: string, kind: string, schema: z.ZodType<T>): Promise<T[]> {
  const out = await kubectl(kubeconfig, ['get', kind, '-A', '-o', 'json'])
  return z.object({ items: z.array(schema) }).parse(JSON.parse(out)).items
}

/** Applies objects, with an owner of its own for their fields. */
export const applied = (kubeconfig: string, ...objects: object[]): Promise<string> =>
  kubectl(
    kubeconfig,
    ['apply', '--server-side', '--field-manager', 'first-contact', '-f', '-'],
    objects.map((one) => JSON.stringify(one)).join('\n---\n'),
  )

/** Asks again until something is seen; undefined when it was not within so many seconds. */
export async function until<T>(seconds: number, look: () => Promise<T | undefined>): Promise<T | undefined> {
  for (const end = performance.now() + seconds * 1000; ; ) {
    const seen = await look()
    if (seen !== undefined || performance.now() > end) return seen
    await sleep(500)
  }
}

/** Has a pod look at a machine. @throws Error where it did not end well */
export async function lookAt({ kubeconfig, patience }: Sight, node: string): Promise<Look> {
  const pod = ['pod', lookPod, '-n', 'kube-system']
  await applied(kubeconfig, lookManifest(node))
  try {
    const phase = await until(patience, async () => {
      const out = await kubectl(kubeconfig, ['get', ...pod, '-o', 'json'])
      const seen = z.object({ status: z.object({ phase: z.string().optional() }) }).parse(JSON.parse(out))
      return ['Succeeded', 'Failed'].find((one) => one === seen.status.phase)
    })
    if (!phase) throw new Error(`the pod that looks at ${node} did not end within ${patience} s`)
    return parseLook(await kubectl(kubeconfig, ['logs', lookPod, '-n', 'kube-system']))
  } finally {
    await kubectl(kubeconfig, ['delete', ...pod, '--ignore-not-found'])
  }
}

/** What a key of this play may do: full access, or a permission on the bucket of the backups. */
export type Permission = 'read' | 'readwrite' | 'full'

/**
 * Works in Spaces with a key of its own, which goes afterwards; `destroy` removes it where this is cut off.
 * @param work gets the store, the backups' bucket, and the seconds until the key was known
 */
export async function withKey<T>(
  { cluster }: Sight,
  permission: Permission,
  work: (store: Store, bucket: string, known: number) => Promise<T>,
): Promise<T> {
  const places = bucketPlaces(cluster)
  const now = cloudTime(cluster.cloud)
  const [name, grant] =
    permission === 'full'
      ? [names.setupKey(cluster.name, now), 'bucket=;permission=fullaccess']
      : [
          names.operatorKey(cluster.name, now, thisProcess()),
          `bucket=${places.velero};permission=${permission}`,
        ]
  const key = await mintKey(cluster, name, [grant])
  try {
    const store = await connectStore(places.endpoint, places.region, key, cluster.cloud.clockOffset())
    const started = performance.now()
    await until(120, async () => ((await store.look(places.velero)) === 'foreign' ? undefined : true))
    return await work(store, places.velero, (performance.now() - started) / 1000)
  } finally {
    await removeKey(cluster, { name, access_key: key.accessKey })
  }
}

/** Whether the store let something be done; other failures than a refusal are thrown. */
export async function isAllowed(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work()
    return true
  } catch (error) {
    if (error instanceof StoreRefusal && error.status !== undefined) return false
    throw error
  }
}

/** The project's folder. */
export const root = join(import.meta.dirname, '../..')
