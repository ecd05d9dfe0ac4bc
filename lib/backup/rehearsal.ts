import { z } from 'zod'
import type { Bucket } from '../clients/s3.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { clusterName } from '../cluster/names.ts'
import { dollars, prices } from '../cluster/prices.ts'
import { parseJson } from '../json.ts'
import type { WantedClaim } from '../preflight/plan.ts'
import { Problem } from '../problem.ts'
import type { Outcome } from '../result.ts'
import type { Shown } from '../run.ts'
import type { ScriptEnd } from '../script.ts'

/** DigitalOcean bills by the hour up to 672 a month, each begun one whole. */
const hoursAMonth = 672

/** The name of the throw-away cluster. */
export function drillName(cluster: string): string {
  const name = `${cluster.slice(0, 14)}-drill`
  return clusterName.test(name) ? name : 'drill'
}

/**
 * What a rehearsal will do and cost, in dollars: one hour of a droplet and its volumes.
 * @param left whether an earlier one was killed, and is removed first
 */
export async function drillPlan(
  { cloud, wanted, name }: Cluster,
  backup: string,
  claims: readonly WantedClaim[],
  left: boolean,
): Promise<Shown & { cost: number }> {
  const size = (await cloud.sizes()).find((one) => one.slug === wanted.size)
  const gib = claims.reduce((sum, one) => sum + one.gib, 0)
  const cost = ((size?.price_monthly ?? 0) + gib * prices.volumeGib) / hoursAMonth
  const drill = drillName(name)
  return {
    cost,
    destructive: left,
    text: [
      ...(left ? [`what an earlier rehearsal left as ${drill} is removed first`] : []),
      `rehearsal of cluster ${name}: backup ${backup} comes back as ${drill}, asleep, is proven, and is destroyed`,
      `  about ${dollars(cost)} for an hour of ${wanted.size} and ${gib} GiB of volumes; its empty repository stays`,
    ].join('\n'),
    toJSON: () => ({ cluster: name, backup, as: drill, cost, left }),
  }
}

/** What lies under `backups/`: each key with size and time. */
export async function backupObjects(bucket: Bucket): Promise<Map<string, string>> {
  return new Map(
    (await bucket.list('backups/')).map(({ key, size, at }) => [key, `${size} ${at.toISOString()}`]),
  )
}

/** What was there before and is another or gone afterwards. */
export const changedSince = (before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>) =>
  [...before].filter(([key, was]) => after.get(key) !== was).map(([key]) => key)

const proof = z.looseObject({
  volumes: z.array(z.looseObject({ claim: z.string(), moved: z.number().optional() })),
  objects: z.array(z.looseObject({ back: z.number() })),
  missing: z.array(z.string()),
})

/** What a rehearsal showed. */
export interface Drill {
  restored: ScriptEnd
  destroyed: ScriptEnd
  seconds: number
  cost: number
  /** Keys under `backups/` that are not as they were. */
  changed: string[]
  /** The age of the original's last whole backup. */
  lastBackup: string
}

/** A rehearsal's result: the proof, how long the real thing takes, what it cost; exit code 1 when anything is amiss. */
export function drillOutcome({
  restored,
  destroyed,
  seconds,
  cost,
  changed,
  lastBackup,
}: Drill): Outcome & Record<string, unknown> {
  const read = proof.safeParse(parseJson(restored.out)).data
  const wrong = [
    ...(restored.code === 0 ? [] : ['the restore failed; it said why above']),
    ...(read?.missing ?? []),
    ...(destroyed.code === 0
      ? []
      : ['the rehearsal’s cluster was not removed whole; it said what is left above']),
    ...changed.map((key) => `${key} of the original’s backups is not as it was`),
  ]
  const minutes = `${(seconds / 60).toFixed(1)} min`
  const fault =
    wrong.length > 0
      ? new Problem(`the rehearsal failed:\n    ${wrong.join('\n    ')}`, {
          cure: 'Mend it before the day you need it; then rehearse again.',
        })
      : undefined
  return {
    proof: read,
    seconds,
    cost,
    changed,
    wrong,
    lastBackup,
    shown: () => ({
      volumes: read?.volumes.map(
        (one) => `${one.claim}  back${one.moved === undefined ? '' : `, ${one.moved} bytes`}`,
      ),
      objects: `${read?.objects.reduce((sum, one) => sum + one.back, 0) ?? 0} back`,
      theRealThingTakes: `${minutes}, and until your DNS follows`,
      cost: `about ${dollars(cost)}`,
      originalsBackups: changed.length === 0 ? 'as they were' : changed,
      lastBackup,
    }),
    fault: () => fault,
  }
}
