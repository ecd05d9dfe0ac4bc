import { z } from 'zod'
import { change } from '../base/change.ts'
import { noneTooLarge } from '../clients/object-sizes.ts'
import type { Bucket, Store } from '../clients/s3.ts'
import type { BucketPlaces, Cluster } from '../cluster/cluster.ts'
import { parseRecord, recordText } from './records.ts'

/** Beside the kit: that the backups' bucket keeps versions, and for how many days. A key for one bucket may not ask that. */
export const pastNote = 'versions.json'
const noted = z.object({ days: z.number() })

/**
 * How many days a backup can be brought back after it was deleted: as long as backups are kept, so that the bucket holds at
 * most twice what they need, and not less than it may take until somebody notices.
 */
export const daysKept = ({ wanted }: Pick<Cluster, 'wanted'>): number => Math.max(30, wanted.backups.keepDays)

/** For how many days the backups' bucket keeps what is deleted, as it was last set; undefined when it never was. */
export async function daysNoted(kit: Bucket): Promise<number | undefined> {
  const bytes = await kit.get(pastNote).catch(noneTooLarge)
  return bytes && noted.safeParse(parseRecord(bytes)).data?.days
}

/**
 * Lets the backups' bucket keep what is deleted or overwritten, for a while. The kit's does not: what is removed from
 * there is secret.
 * @param store opened with full access, which this needs
 */
export async function keepPast(cluster: Cluster, places: BucketPlaces, store: Store): Promise<void> {
  const days = daysKept(cluster)
  const where = `--bucket ${places.velero} --endpoint-url ${places.endpoint}`
  await change(`aws s3api put-bucket-versioning ${where} --versioning-configuration Status=Enabled`, () =>
    store.keepVersions(places.velero),
  )
  await change(
    `aws s3api put-bucket-lifecycle-configuration ${where} --lifecycle-configuration file:///dev/stdin # ${days} days`,
    () => store.expireVersions(places.velero, days),
  )
  await change(`aws s3 cp - s3://${places.kit}/${pastNote} --endpoint-url ${places.endpoint}`, () =>
    store.bucket(places.kit).put(pastNote, recordText({ days }), { type: 'application/json' }),
  )
}
