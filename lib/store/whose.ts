import { z } from 'zod'
import { change } from '../base/change.ts'
import { hint } from '../base/hint.ts'
import { parseJson } from '../base/json.ts'
import { names } from '../base/names.ts'
import { Problem, Problems } from '../base/problem.ts'
import { tell } from '../base/story.ts'
import { noneTooLarge } from '../clients/object-sizes.ts'
import type { Bucket, Store } from '../clients/s3.ts'
import type { BucketUse, SeenBucket } from '../cluster/bucket.ts'
import { accountOf, type BucketPlaces, type Cluster } from '../cluster/cluster.ts'
import { descriptionPath } from '../cluster/description.ts'
import { isOurs } from '../cluster/ours.ts'
import type { Buckets } from './buckets.ts'
import { isClusterKey } from './keys.ts'
import { plainKit, readKit, sealedKit } from './kit.ts'
import { pastNote } from './past.ts'
import { parseRecord, recordText } from './records.ts'

/** Where regrow marks a bucket. Velero looks at folders alone. */
export const markKey = 'regrow.json'

const markSchema = z.object({ bucket: z.string(), cluster: z.string(), use: z.enum(['velero', 'kit']) })

/** The folders that Velero makes (`isValidSubdir`, velero/pkg/persistence/object_store_layout.go); it refuses others. */
const veleros = ['backups/', 'restores/', 'restic/', 'metadata/', 'plugins/', 'kopia/']

/**
 * Makes sure that buckets are this cluster's, before anything is written to them, deleted in them or believed of them. What
 * Git says names them only.
 * @param uses which of the two are there
 * @throws Problem, or Problems for both
 */
export async function needOurs(
  cluster: Cluster,
  places: BucketPlaces,
  store: Pick<Store, 'bucket' | 'top'>,
  uses: readonly BucketUse[] = ['kit', 'velero'],
): Promise<void> {
  const see = async (use: BucketUse, ownKit?: SeenBucket) =>
    uses.includes(use) ? look(cluster, places, store, use, ownKit) : undefined
  const kit = await see('kit')
  const velero = await see('velero', kit && isOurs('buckets', kit, cluster.name) ? kit : undefined)
  const problems = [kit, velero]
    .filter((one) => one !== undefined)
    .filter((one) => !isOurs('buckets', one, cluster.name))
    .map((one) => notOurs(cluster, places, one))
  if (problems[1]) throw new Problems(problems)
  if (problems[0]) throw problems[0]
}

async function look(
  cluster: Cluster,
  places: BucketPlaces,
  store: Pick<Store, 'bucket' | 'top'>,
  use: BucketUse,
  ownKit: SeenBucket | undefined,
): Promise<SeenBucket> {
  const name = places[use]
  const bucket = store.bucket(name)
  const isNamed = places.spaces && name === names.buckets(cluster.name, accountOf(cluster))[use]
  const isVouched = cluster.vouched.has(name)
  const seen = { name, use, isNamed, isVouched, isEmpty: false, isVeleros: false, isPaired: false }
  const mark = await readMark(bucket)
  if (mark) return { ...seen, mark }
  // Made by a person, or by a regrow that knew no mark; one that was killed had written no more than this note.
  const none = [markKey, ...(isNamed ? [pastNote] : [])]
  const top = (await store.top(name)).filter((one) => !none.includes(one))
  return {
    ...seen,
    isEmpty: top.length === 0,
    isVeleros: top.every((one) => veleros.includes(one)),
    isPaired: ownKit !== undefined && (isNamed || (await isUsed(cluster, places, name, ownKit))),
    kit: await kitIn(bucket, top, isNamed),
  }
}

/**
 * Whether a cluster is known to use a bucket beside its kit's: the account has a key of its Velero for it. Another store
 * tells nothing; there a kit's bucket with a mark, which comes last, means that the backups' had got one, too.
 */
const isUsed = async (cluster: Cluster, { spaces }: BucketPlaces, name: string, ownKit: SeenBucket) =>
  spaces ? isGranted(cluster, name) : ownKit.mark === undefined

const isGranted = async ({ cloud, name: cluster }: Cluster, name: string) =>
  (await cloud.spacesKeys()).some(
    (key) => isClusterKey(key, cluster) && key.grants.some(({ bucket }) => bucket === name),
  )

async function kitIn(kit: Bucket, top: readonly string[], isNamed: boolean): Promise<string | undefined> {
  if (top.includes(sealedKit)) return isNamed ? 'sealed' : (await readKit({ kit }))?.cluster
  const bytes = await kit.get(plainKit)
  if (!bytes) return undefined
  return ofCluster.safeParse(parseJson(Buffer.from(bytes).toString())).data?.cluster ?? ''
}

const ofCluster = z.object({ cluster: z.string() })

async function readMark(bucket: Bucket): Promise<z.infer<typeof markSchema> | undefined> {
  // The key in the cluster can write one: what is no mark hides nothing.
  const bytes = await bucket.get(markKey).catch(noneTooLarge)
  return bytes ? markSchema.safeParse(parseRecord(bytes)).data : undefined
}

/** Marks buckets of this cluster that have no mark yet: made just now, by an earlier regrow, or by a person. */
export async function markBuckets(
  { name: cluster }: Pick<Cluster, 'name'>,
  buckets: Pick<Buckets, 'velero' | 'kit'>,
  { tells = true } = {},
): Promise<void> {
  for (const use of ['velero', 'kit'] as const) {
    const bucket = buckets[use]
    if (await readMark(bucket)) continue
    const mark: z.infer<typeof markSchema> = { bucket: bucket.name, cluster, use }
    await change(`aws s3 cp - s3://${bucket.name}/${markKey}`, () =>
      bucket.put(markKey, recordText(mark), { type: 'application/json' }),
    )
    if (tells) tell('~', `bucket ${bucket.name}`, `marked as cluster ${cluster}’s`)
  }
}

function notOurs(cluster: Cluster, { spaces }: BucketPlaces, one: SeenBucket): Problem {
  const { name, use, mark, kit } = one
  const mayAdopt = !mark && (one.isEmpty || (use === 'velero' && one.isVeleros && kit === undefined))
  const key = `store.${use} in ${descriptionPath(cluster.name)}`
  const instead = spaces
    ? `Name a bucket that is not there as ${key}: regrow makes it.`
    : `Name an empty bucket of yours as ${key}.`
  const adopt = hint('bootstrap.mts', cluster, '--adopt-buckets', name)
  return new Problem(
    `bucket ${name} is not the one of cluster ${cluster.name} for its ${what[use]}: ${whyNot(one)}`,
    {
      cure: mayAdopt
        ? `${instead} If it is yours, and nothing else uses it: ${adopt} takes it over.`
        : instead,
    },
  )
}

const what: Record<BucketUse, string> = { velero: 'backups', kit: 'kit' }

function whyNot({ name, use, mark, kit, isEmpty }: SeenBucket): string {
  if (mark && mark.bucket !== name) return `its mark is a copy of that in ${mark.bucket}`
  if (mark) return `it is marked for the ${what[mark.use]} of cluster ${mark.cluster}`
  if (use === 'velero' && kit !== undefined) return 'a kit is in it, which the key in the cluster would open'
  if (kit === '') return 'a kit is in it that cannot be read'
  if (kit !== undefined) return `the kit of cluster ${kit} is in it`
  return isEmpty ? 'it is empty, and regrow did not make it' : 'regrow did not make it, nor what is in it'
}
