import { z } from 'zod'
import { gunzip } from '../../base/gunzip.ts'
import { tell } from '../../base/story.ts'
import { waitFor } from '../../base/wait.ts'
import { cloudTime } from '../../clients/clock.ts'
import type { Bucket } from '../../clients/s3.ts'
import { type Kube, ToolFailure } from '../../clients/tools.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { kubectlRepeated } from '../../kubernetes/repeated.ts'
import type { Lack } from '../backed.ts'
import type { Manifest } from '../tarball.ts'

// Velero asks the API server for its kinds when it starts and every five minutes (`server.go`, v1.18.3). Of a kind that
// was defined since, no object is in a backup, and neither its phase nor its warnings say so.

/** Milliseconds after which Velero knows a new kind for certain: its five minutes, and half of one for their drift. */
export const known = 330_000

const definitions = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ creationTimestamp: z.string() }),
      status: z
        .object({
          conditions: z
            .array(z.object({ type: z.string(), lastTransitionTime: z.string().optional() }))
            .default([]),
        })
        .prefault({}),
    }),
  ),
})

/** When a kind began to be served, in milliseconds. */
const servedSince = ({ metadata, status }: z.infer<typeof definitions>['items'][number]): number => {
  const established = status.conditions.find(({ type }) => type === 'Established')
  return Date.parse(established?.lastTransitionTime ?? metadata.creationTimestamp)
}

const pods = z.object({
  items: z.array(
    z.object({
      metadata: z.object({
        name: z.string(),
        uid: z.string(),
        creationTimestamp: z.string(),
        deletionTimestamp: z.string().optional(),
      }),
      spec: z.object({ containers: z.array(z.object({ args: z.array(z.string()).default([]) })) }),
      status: z
        .object({
          conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]),
          containerStatuses: z
            .array(
              z.object({
                state: z
                  .object({ running: z.object({ startedAt: z.string().optional() }).optional() })
                  .prefault({}),
              }),
            )
            .default([]),
        })
        .prefault({}),
    }),
  ),
})
type Pod = z.infer<typeof pods>['items'][number]

/**
 * Has Velero start anew where a kind may have come since it last looked, so that the backup that is taken next has all of
 * them. What it has under way is waited for: a Velero that starts fails it.
 */
export async function letVeleroLearn(kube: Kube, { cloud }: Pick<Cluster, 'cloud'>): Promise<void> {
  const [all, servers] = await Promise.all([
    kubectlRepeated(kube)`get customresourcedefinitions -o json`,
    serversOf(kube),
  ])
  const newest = Math.max(...all.json(definitions).items.map(servedSince))
  if (!mayBeLate(newest, servers.map(startOf), cloudTime(cloud).getTime())) return
  await nothingUnderWay(kube)
  for (const { metadata } of servers)
    await kubectlRepeated(kube)`delete pod ${metadata.name} -n velero --ignore-not-found --wait=false`
  const gone = new Set(servers.map(({ metadata }) => metadata.uid))
  await waitFor({ until: 'Velero runs again', every: 2, within: 300 }, async () => {
    const now = await serversOf(kube).catch(nothingYet)
    return now?.some((one) => !gone.has(one.metadata.uid) && isReady(one)) || undefined
  })
  tell('~', 'velero', 'starts anew, to learn of kinds that came since')
}

/**
 * Whether a kind may have come behind Velero's last look.
 * @param newest when the youngest kind began to be served; all in milliseconds
 * @param starts when each of Velero's processes started
 */
export function mayBeLate(newest: number, starts: readonly number[], now: number): boolean {
  // A process looks some seconds after it started, and clocks of two machines differ.
  return now - newest < known && starts.some((start) => newest > start - 10_000)
}

async function serversOf(kube: Kube): Promise<Pod[]> {
  const { items } = (await kubectlRepeated(kube)`get pods -n velero -o json`).json(pods)
  // Beside it run node agents (“node-agent server”), and pods that move the bytes of volumes.
  return items.filter(
    ({ metadata, spec }) =>
      !metadata.deletionTimestamp && spec.containers.some(({ args }) => args[0] === 'server'),
  )
}

const startOf = ({ metadata, status }: Pod) =>
  Date.parse(status.containerStatuses[0]?.state.running?.startedAt ?? metadata.creationTimestamp)

const isReady = ({ status }: Pod) =>
  status.conditions.some(({ type, status: is }) => type === 'Ready' && is === 'True')

const nothingYet = (error: unknown): undefined => {
  if (!(error instanceof ToolFailure)) throw error
}

const runs = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string() }),
      status: z.object({ phase: z.string().optional() }).prefault({}),
    }),
  ),
})

async function nothingUnderWay(kube: Kube): Promise<void> {
  await waitFor({ until: 'no other backup is under way', every: 3, within: 3600 }, async (note) => {
    const answer = await kubectlRepeated(kube)`get backups.velero.io -n velero -o json`.catch(nothingYet)
    const running = answer
      ?.json(runs)
      .items.filter(({ status }) => !/Completed|Failed|Deleting/.test(status.phase ?? ''))
    note(running?.map(({ metadata }) => metadata.name).join(', ') ?? '')
    return running?.length === 0 || undefined
  })
}

const definition = z.object({
  metadata: z.object({ name: z.string(), creationTimestamp: z.string() }),
  status: definitions.shape.items.element.shape.status,
})

/** A kind that is defined in a backup: `widgets.example.org`, and since when it was served, in milliseconds. */
export interface Defined {
  resource: string
  since: number
}

/** What an object of a backup defines; undefined for all but definitions of kinds. */
export function definedBy(resource: string, one: Manifest): Defined | undefined {
  if (resource !== 'customresourcedefinitions.apiextensions.k8s.io') return undefined
  const read = definition.safeParse(one).data
  return read && { resource: read.metadata.name, since: servedSince(read) }
}

/**
 * The kinds that Velero did not look for, because they were younger than its last look. Its log says which it looked for.
 * @param defined the kinds that are defined in the backup and of which it has no object
 * @param began when it began, in milliseconds
 */
export async function notLookedFor(
  bucket: Bucket,
  name: string,
  defined: readonly Defined[],
  began: number,
): Promise<Lack[]> {
  const young = defined.filter(({ since }) => began - since < known)
  if (young.length === 0) return []
  const looked = await lookedFor(bucket, name).catch(() => undefined)
  return young
    .filter(({ resource }) => !looked?.has(resource))
    .map(({ resource }) => ({
      why: looked
        ? `kind ${resource}: Velero did not know it yet, so no object of it is in the backup`
        : `kind ${resource} was new, and Velero’s log, which says whether it was looked for, cannot be read`,
      cure: 'Take another backup: Velero learns of new kinds within five minutes.',
    }))
}

/** Bytes that a backup's log may become. */
const logBytes = 32 * 1024 ** 2

/** Which kinds a backup's log says that Velero looked for; undefined where there is no log. @throws where it is damaged */
async function lookedFor(bucket: Bucket, name: string): Promise<Set<string> | undefined> {
  const bytes = await bucket.get(`backups/${name}/${name}-logs.gz`)
  if (!bytes) return undefined
  const lines = gunzip(bytes, logBytes).split('\n')
  return new Set(
    lines
      .filter((line) => line.includes('Getting items for resource'))
      .map((line) => {
        const [group = ''] = wordOf(line, 'group').split('/')
        return `${wordOf(line, 'resource')}.${group}`
      }),
  )
}

/** The word of a log's line, which is written as text (`a=b`) or as JSON. */
const wordOf = (line: string, word: string) =>
  new RegExp(`\\b${word}"?[=:]"?([^\\s",}]+)`).exec(line)?.[1] ?? ''
