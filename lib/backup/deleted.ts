import type { Bucket } from '../clients/s3.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { bytesIn } from './bytes.ts'
import { namesIn, pastOf, seenWith, undeletionOf } from './past.ts'
import { minuteOf, table } from './table.ts'
import { readVoucher } from './vouch/voucher.ts'
import { isWhole, judge, reasonsOf, type Wholeness } from './whole.ts'

/** A backup that is not there as it was, and can be brought back. Times are RFC 3339. */
export interface DeletedBackup {
  name: string
  started: string | undefined
  /** When the first thing of it was deleted or overwritten. */
  deleted: string | undefined
  /** Until when it can be brought back, in Spaces; undefined where the store alone knows. */
  until: string | undefined
  /** Whether it is whole once it is back. */
  wholeness: Wholeness['state']
  reasons: string[]
  /** Objects that would be brought back. */
  objects: number
}

/**
 * The backups that can be brought back, the last deleted first: those whose own files were deleted or overwritten, and
 * those whose bytes were.
 * @param days how long the bucket keeps what is deleted, if that is known
 */
export async function deletedBackups(
  { velero: bucket, kit }: { velero: Bucket; kit?: Bucket },
  cluster: Pick<Cluster, 'cloud' | 'name'>,
  days: number | undefined,
): Promise<DeletedBackup[]> {
  const past = pastOf(bucket)
  const names = await namesIn(past)
  const found = await Promise.all(
    names.map(async (name): Promise<DeletedBackup[]> => {
      const undeletion = await undeletionOf(bucket, past, name, kit && (await readVoucher(kit, name)))
      if (!undeletion || undeletion.back.length === 0) return []
      const { backup, back, since } = undeletion
      const judged = async (one: Bucket) => ({ wholeness: await judge(one, backup, bytesIn(one, cluster)) })
      const then = await judged(seenWith(bucket, undeletion))
      // kopia clears up in its repositories: what is whole without that lost nothing.
      if (!since && (isWhole(await judged(bucket)) || !isWhole(then))) return []
      const until = since && days !== undefined ? new Date(since.getTime() + days * 86_400_000) : undefined
      return [
        {
          name,
          started: backup.status?.startTimestamp,
          deleted: since?.toISOString(),
          until: until?.toISOString(),
          wholeness: then.wholeness.state,
          reasons: reasonsOf(then),
          objects: back.length,
        },
      ]
    }),
  )
  return found.flat().toSorted((a, b) => ((a.deleted ?? '') < (b.deleted ?? '') ? 1 : -1))
}

/** Deleted backups as a table for a screen of 80 columns. */
export function deletedTable(all: readonly DeletedBackup[]): string[] {
  if (all.length === 0) return ['no deleted backups that can be brought back']
  return table(
    ['name', 'state', 'taken (UTC)', 'deleted (UTC)', 'kept until'],
    all.map((one) => ({
      cells: [
        one.name,
        one.wholeness,
        minuteOf(one.started) ?? 'unknown',
        minuteOf(one.deleted) ?? 'unknown',
        one.until?.slice(0, 10) ?? 'unknown',
      ],
      below: one.reasons.map((reason) => `  ! ${reason}`),
    })),
  )
}
