import { Field } from '../../base/result.ts'
import type { Bucket } from '../../clients/s3.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { ageOf, type Backup, wholeBackups } from '../backups.ts'
import { isAnother, type Vouching, vouchersOf, vouchingLine, type Witness } from './vouching.ts'

/** A backup that counts as the last one, with who says that it is what a cluster made. */
export type Last<T = Backup> = T & { vouching: Vouching }

/** Of this many backups the cluster is asked at most: with more that it did not make somebody floods the bucket. */
const mostAsked = 100

/**
 * Of backups the first that counts. One that was altered never does. Where the cluster can be asked, one that it did not
 * make does not either: whoever has the key to the bucket could hide with it that no backup is made any more.
 * @param all the newest first
 * @param witness the cluster whose backups they are, where it answers
 * @returns with those before it that do not count, one line each
 */
export async function firstThatCounts<T extends { metadata: { name: string } }>(
  all: Iterable<T> | AsyncIterable<T>,
  { velero, kit }: { velero: Bucket; kit: Bucket },
  witness?: Witness,
): Promise<{ found: Last<T> | undefined; passedOver: string[] }> {
  const vouchers = vouchersOf(velero, kit)
  const passedOver: string[] = []
  for await (const one of all) {
    const { name } = one.metadata
    const vouching = await counted(await vouchers.look(name), name, witness)
    const counts = vouching.state === 'vouched for' || (vouching.state === 'not vouched for' && !witness)
    if (counts) return { found: { ...one, vouching }, passedOver }
    passedOver.push(`backup ${name} does not count, it is ${vouchingLine(vouching)}`)
    if (passedOver.length === mostAsked) break
  }
  return { found: undefined, passedOver }
}

/** What was known of a backup, or what the cluster itself says where that is more. */
async function counted(known: Vouching, name: string, witness: Witness | undefined): Promise<Vouching> {
  if (known.state === 'vouched for' || !witness) return known
  const seen = await witness(name)
  if (typeof seen !== 'string')
    return isAnother(known, seen.voucher) ? { state: 'vouched for', voucher: seen.voucher } : known
  return known.state === 'altered' ? known : { ...known, why: seen }
}

/** The last backup as every flow tells it: its name, when it began (RFC 3339) and who says so; `null` where there is none. */
export const lastBackupField = (last: Last | undefined, cluster: Pick<Cluster, 'cloud'>): Field =>
  new Field(
    last
      ? { name: last.metadata.name, at: last.status?.startTimestamp, vouching: last.vouching.state }
      : null,
    ageOf(last, cluster),
  )

/** The newest whole backup that counts. @param witness the cluster, where it answers */
export async function lastWhole(
  buckets: { velero: Bucket; kit: Bucket },
  cluster: Pick<Cluster, 'cloud' | 'name'>,
  witness?: Witness,
): Promise<Last | undefined> {
  return (await firstThatCounts(wholeBackups(buckets.velero, cluster), buckets, witness)).found
}
