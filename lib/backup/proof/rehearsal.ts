import { z } from 'zod'
import type { Shown } from '../../base/confirm.ts'
import { parseJson } from '../../base/json.ts'
import { clusterName } from '../../base/names.ts'
import { Problem } from '../../base/problem.ts'
import type { Field, Outcome } from '../../base/result.ts'
import type { ScriptEnd } from '../../base/script.ts'
import type { Bucket } from '../../clients/s3.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { dollars, hoursAMonth, prices } from '../../cluster/prices.ts'
import type { WantedClaim } from '../../machines/preflight/plan.ts'

/** The name of the throw-away cluster. */
export function drillName(cluster: string): string {
  const name = `${cluster.slice(0, 14)}-drill`
  return clusterName.test(name) ? name : 'drill'
}

/**
 * What a rehearsal will do and cost, in dollars: one hour of a droplet and its volumes.
 * @param left whether an earlier one was killed, and is removed first
 * @param vouching whether somebody vouches for the backup, one line each
 */
export async function drillPlan(
  { cloud, wanted, name }: Cluster,
  backup: string,
  claims: readonly WantedClaim[],
  left: boolean,
  vouching: readonly string[],
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
      ...vouching,
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

/** What `restore.mts --json` prints. */
const proof = z.looseObject({
  verdict: z.enum(['PROVEN', 'NOT PROVEN']),
  headline: z.string(),
  volumes: z.array(
    z.looseObject({
      claim: z.string(),
      kept: z.enum(['s3', 'snapshot']),
      moved: z.number().optional(),
      missing: z.string().optional(),
    }),
  ),
  objects: z.array(
    z.looseObject({
      resource: z.string(),
      id: z.string(),
      outcome: z.enum(['back', 'made anew', 'from Git', 'not restored', 'missing']),
    }),
  ),
  notRestored: z.array(z.string()),
  missing: z.array(z.string()),
})
type Proof = z.infer<typeof proof>

/** What `destroy.mts --json` prints. */
const removal = z.looseObject({ removed: z.array(z.string()) })

/** What a rehearsal showed. */
export interface Drill {
  restored: ScriptEnd
  destroyed: ScriptEnd
  seconds: number
  cost: number
  /** Keys under `backups/` that are not as they were. */
  changed: string[]
  /** Newer backups that were passed over, one line each. */
  passedOver: readonly string[]
  /** Of these, and of the rest, those that somebody altered, one line each. */
  altered: readonly string[]
  /** Copies of upstream in the kit's bucket that a restore could not use, one line each. */
  wrongCopies: string[]
  /** The age of the original's last whole backup. */
  lastBackup: Field
}

/**
 * A rehearsal's result: the proof, how long the real thing takes, what it cost; exit code 1 when anything is amiss. One
 * that came to no proof tells no duration, and one that made nothing no cost.
 */
export function drillOutcome(drill: Drill): Outcome & Record<string, unknown> {
  const { restored, destroyed, changed, passedOver, altered, wrongCopies, lastBackup } = drill
  const read = proof.safeParse(parseJson(restored.out)).data
  // What cannot be told may have been made.
  const made = removal.safeParse(parseJson(destroyed.out)).data?.removed.length !== 0
  const wrong = [
    ...(read ? notProven(read) : ['the restore did not reach a proof; see above']),
    ...(destroyed.code === 0
      ? []
      : ['the rehearsal’s cluster was not removed completely; what is left is listed above']),
    ...changed.map((key) => `${key} of the original’s backups has changed`),
    ...altered,
    ...wrongCopies,
  ]
  const result = {
    proof: read,
    ...(read ? { seconds: drill.seconds } : {}),
    ...(made ? { cost: drill.cost } : {}),
    changed,
    passedOver,
    wrong,
    lastBackup,
  }
  const fault =
    wrong.length > 0
      ? new Problem(`the rehearsal failed:\n    ${wrong.join('\n    ')}`, {
          cure: 'Fix it before the day you need it; then rehearse again.',
        })
      : undefined
  return {
    ...result,
    shown: () => ({
      ...(read ? page(read, drill.seconds) : { proof: 'none' }),
      cost: made ? `about ${dollars(drill.cost)}` : 'nothing was made',
      passedOver: passedOver.length > 0 ? passedOver : undefined,
      originalsBackups: changed.length > 0 ? changed : read ? 'unchanged' : undefined,
      lastBackup,
    }),
    fault: () => fault,
  }
}

const notProven = ({ verdict, headline, missing }: Proof) =>
  verdict === 'PROVEN' ? [] : missing.length > 0 ? missing : [headline]

function page({ headline, volumes, objects, notRestored }: Proof, seconds: number): Record<string, unknown> {
  const outcomes = [...new Set(objects.map(({ outcome }) => outcome))]
  const count = (which: string) => objects.filter(({ outcome }) => outcome === which).length
  return {
    proof: headline,
    volumes: volumes.map(
      ({ claim, moved, missing }) =>
        `${claim}  ${missing ?? `back${moved === undefined ? '' : `, ${moved} bytes`}`}`,
    ),
    objects: outcomes.map((one) => `${count(one)} ${one}`).join(', '),
    notRestored,
    estimatedRestoreTime: `${(seconds / 60).toFixed(1)} min, plus the time until your DNS follows`,
  }
}
