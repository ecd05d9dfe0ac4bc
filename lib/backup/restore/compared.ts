import { z } from 'zod'
import { change } from '../../base/change.ts'
import { isDryRun } from '../../base/dry-run.ts'
import { tell } from '../../base/story.ts'
import { cloudTime } from '../../clients/clock.ts'
import type { Bucket } from '../../clients/s3.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { readRecord, recordText } from '../../store/records.ts'
import type { BackedObject } from '../objects.ts'
import type { Live } from '../proof/live.ts'
import { keyOf, type ObjectProof } from '../proof/outcome.ts'
import { comesLater, isNeverMade } from '../take/selection.ts'
import type { VolumeProof } from './volumes.ts'

/**
 * What was compared before Git and apps could change anything. It lies beside the server's other records in the kit's
 * bucket, where the cluster cannot write: a proof that is told again later stands on it.
 */
const comparison = z.object({
  /** When, RFC 3339. */
  at: z.string(),
  backup: z.string(),
  /** How many objects had the backup's content. */
  equal: z.number(),
  /** Which had another one. */
  unequal: z.array(z.object({ key: z.string(), why: z.string() })),
  /** Claims whose bytes were back, with the identities of claim and volume that had them. */
  volumes: z.array(z.object({ claim: z.string(), uid: z.string(), handle: z.string(), bytes: z.number() })),
})
export type Comparison = z.infer<typeof comparison>

const keyFor = (server: string) => `nodes/${server}/compared.json`

/** The comparison that was made for a server's restore, if one was. @throws Problem when it cannot be read */
export async function readComparison(kit: Bucket, server: string): Promise<Comparison | undefined> {
  return readRecord(kit, keyFor(server), comparison)
}

/**
 * Compares the content of what came back with the backup, object by object, and keeps the result in the kit's bucket.
 * @param at the time, RFC 3339
 */
export async function compareData(
  kit: Bucket,
  { server, backup }: { server: string; backup: string },
  at: string,
  found: { backed: readonly BackedObject[]; live: Live; volumes: readonly VolumeProof[] },
): Promise<Comparison> {
  const started = performance.now()
  const result: Comparison = {
    at,
    backup,
    ...contents(found.backed, found.live),
    volumes: handles(found.volumes),
  }
  if (!isDryRun())
    await change(`aws s3 cp - s3://${kit.name}/${keyFor(server)}`, () =>
      kit.put(keyFor(server), recordText(result), { type: 'application/json' }),
    )
  tell(
    result.unequal.length > 0 ? 'x' : '=',
    'objects',
    result.unequal.length > 0
      ? `${result.unequal.length} differ from the backup`
      : `${result.equal} match the backup`,
    (performance.now() - started) / 1000,
  )
  return result
}

/** Which objects have the backup's content; only what this restore made counts, the cluster's own is its own. */
function contents(backed: readonly BackedObject[], live: Live): Pick<Comparison, 'equal' | 'unequal'> {
  let equal = 0
  const unequal: Comparison['unequal'] = []
  for (const one of backed) {
    if (comesLater(one.resource) || isNeverMade(one.resource) || one.resource === 'persistentvolumes')
      continue
    if (one.type === 'kubernetes.io/service-account-token') continue
    const there = live.objects.get(one.resource)?.get(one.id)
    if (!there) continue
    if (there.digest === one.digest) equal++
    else if (there.restoredBy !== undefined)
      unequal.push({ key: keyOf(one), why: 'its content is not the backup’s' })
  }
  return { equal, unequal }
}

const handles = (volumes: readonly VolumeProof[]): Comparison['volumes'] =>
  volumes.flatMap(({ claim, missing, uid, handleNow, moved }) =>
    missing === undefined && uid && handleNow ? [{ claim, uid, handle: handleNow, bytes: moved ?? 0 }] : [],
  )

const told = z.object({
  at: z.string(),
  headline: z.string(),
  notRestored: z.array(z.object({ resource: z.string(), id: z.string(), why: z.string().optional() })),
})

/** What the last proof of a server's restore told as not restored; nothing before the first. */
export async function toldBefore(kit: Bucket | undefined, server: string): Promise<ObjectProof[]> {
  const found = kit && (await readRecord(kit, `nodes/${server}/proof.json`, told))
  return (found?.notRestored ?? []).map(({ why, ...one }) => ({
    ...one,
    outcome: 'not restored',
    ...(why ? { why } : {}),
  }))
}

/** Keeps what a proof told, so that the plan of a later run can name it; the same told again is not written again. */
export async function keepProof(
  { cloud }: Pick<Cluster, 'cloud'>,
  kit: Bucket,
  server: string,
  { headline, objects }: { headline: string; objects: readonly ObjectProof[] },
): Promise<void> {
  const key = `nodes/${server}/proof.json`
  const at = cloudTime(cloud).toISOString()
  const before = await toldBefore(kit, server)
  const notRestored = objects
    .filter((one) => one.outcome === 'not restored')
    .map(({ resource, id, why }) => ({ resource, id, ...(why ? { why } : {}) }))
  const isTold = ({ resource, id }: Pick<ObjectProof, 'resource' | 'id'>) =>
    before.some((one) => one.resource === resource && one.id === id)
  if (notRestored.length === before.length && notRestored.every(isTold)) return
  await change(`aws s3 cp - s3://${kit.name}/${key}`, () =>
    kit.put(key, recordText({ at, headline, notRestored }), { type: 'application/json' }),
  )
}
