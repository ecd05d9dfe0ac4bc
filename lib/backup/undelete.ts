import { change } from '../base/change.ts'
import { isDryRun } from '../base/dry-run.ts'
import { command } from '../base/hint.ts'
import { forAll } from '../base/parallel.ts'
import { Problem } from '../base/problem.ts'
import { shellQuote } from '../base/shell-quote.ts'
import { tell } from '../base/story.ts'
import type { Bucket } from '../clients/s3.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { type Buckets, openBuckets } from '../store/buckets.ts'
import { namesIn, type Past, pastOf, seenWith, type Undeletion, undeletionOf } from './past.ts'
import { readVoucher } from './vouch/voucher.ts'

/** What is to be brought back before a restore, and the backups as they will be then. */
export interface Undeleted {
  seen: Bucket
  /** Undefined where nothing is to be done. */
  undeletion: Undeletion | undefined
}

/**
 * Finds what brings a deleted backup back, where that is wished for; nothing is changed yet.
 * @throws Problem (exit code 2) when nothing of this name can be brought back
 */
export async function toUndelete(
  { velero: bucket, kit }: Pick<Buckets, 'velero' | 'kit'>,
  { backup = '', undelete }: { backup: string | undefined; undelete: boolean },
): Promise<Undeleted> {
  if (!undelete) return { seen: bucket, undeletion: undefined }
  const past = pastOf(bucket)
  const undeletion = await undeletionOf(bucket, past, backup, await readVoucher(kit, backup))
  if (!undeletion) throw await nothingOf(backup, bucket, past)
  if (undeletion.back.length + undeletion.away.length > 0)
    return { seen: seenWith(bucket, undeletion), undeletion }
  tell('=', `backup ${backup}`, 'is there: nothing is to be brought back first')
  return { seen: bucket, undeletion: undefined }
}

async function nothingOf(name: string, bucket: Bucket, past: Past): Promise<Problem> {
  const names = await namesIn(past)
  const keepsNone = (await past('')).every(({ id }) => id === 'null')
  return names.length === 0 || keepsNone
    ? new Problem(
        `no backup “${name}” can be brought back: ${bucket.name} keeps no versions of what is deleted`,
        {
          cure: `What is there now ${command('scripts/backups.mts')} lists. In Spaces every bootstrap sees to it that versions are kept from then on; of another store ask its maker.`,
          exitCode: 2,
        },
      )
    : new Problem(`there is no backup “${name}”, and none of that name was deleted or can still be read`, {
        cure: `${command('scripts/backups.mts', '--deleted')} lists those that can be brought back; give the whole name.`,
        exitCode: 2,
      })
}

/** What a restore's plan says of it. */
export function undeletionLines({ undeletion }: Undeleted): string[] {
  if (!undeletion) return []
  const { backup, back, away, younger, since } = undeletion
  return [
    `  + ${back.length} objects of ${backup.metadata.name} come back into the bucket${since ? `, gone since ${since.toISOString().slice(0, 19)}Z` : ''}`,
    ...(away.length > 0
      ? [`  - ${away.length} objects written there later, behind which versions stay`]
      : []),
    ...(since && younger.length > 0
      ? [
          `  ! if Velero itself deleted it (it expired, or you had Velero delete it), its volumes are struck off and will not come back beside younger backups (${younger.join(', ')}): the restore will name them`,
        ]
      : []),
  ]
}

/** Brings a deleted backup back into the bucket; what was killed on the way begins anew and does what is left. */
export async function undelete(source: Cluster, { undeletion }: Undeleted): Promise<void> {
  if (!undeletion) return
  const started = performance.now()
  const bucket = (await openBuckets(source, isDryRun() ? 'read' : 'readwrite'))?.velero
  const { back, away, backup } = undeletion
  const last = back.filter(({ key }) => key.endsWith('/velero-backup.json'))
  const first = back.filter((one) => !last.includes(one))
  // Its own file last: it says when the backup ended, by which the rest is found.
  for (const some of [first, last]) {
    const [one] = some
    if (one)
      await change(
        `aws s3api copy-object --bucket ${bucket?.name} --key ${shellQuote(one.key)} --copy-source ${shellQuote(`${bucket?.name}/${one.key}?versionId=${one.id}`)}${some.length > 1 ? ` # and ${some.length - 1} more` : ''}`,
        () => forAll(some, async ({ key, id }) => bucket?.putBack(key, id), 8),
      )
    const [later] = some === first ? away : []
    if (later)
      await change(
        `aws s3 rm ${shellQuote(`s3://${bucket?.name}/${later}`)}${away.length > 1 ? ` # and ${away.length - 1} more` : ''}`,
        () => forAll(away, async (key) => bucket?.remove(key), 8),
      )
  }
  if (!isDryRun())
    tell(
      '+',
      `backup ${backup.metadata.name}`,
      `${back.length} objects are back in the bucket`,
      (performance.now() - started) / 1000,
    )
}
