import { z } from 'zod'
import { change } from '../base/change.ts'
import { parseJson } from '../base/json.ts'
import { Problem } from '../base/problem.ts'
import { tell } from '../base/story.ts'
import type { Bucket } from '../clients/s3.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { type Backup, listBackups } from './backups.ts'
import { isWhole } from './whole.ts'

/** A backup that is kept longer than it was to be; times as RFC 3339. */
export interface Extension {
  backup: string
  from: string
  to: string
}

const expiring = z.looseObject({ status: z.looseObject({ expiration: z.string() }) })
const day = 86_400_000
/** So many of the newest whole backups are looked after. */
const newest = 7

/**
 * Keeps the backup that comes back, and the newest others, from being deleted: Velero removes what expired as soon as
 * it may write (`gc_controller.go`), and who comes back after the time to live would lose the history right behind the
 * restore. It is written into the bucket before Velero looks, so that the cluster and every later one read it there.
 */
export async function extendExpirations(
  cluster: Pick<Cluster, 'cloud' | 'name' | 'wanted'>,
  bucket: Bucket,
  chosen: string,
): Promise<Extension[]> {
  const { cloud, wanted } = cluster
  const now = Date.now() + cloud.clockOffset()
  const all = await listBackups(bucket, cluster)
  const extensions = toExtend(all, chosen, now, wanted.backups.keepDays)
  for (const { backup, from, to } of extensions) {
    const key = `backups/${backup}/velero-backup.json`
    await change(`aws s3 cp - s3://${bucket.name}/${key} # expires ${to}`, async () => {
      const text = Buffer.from((await bucket.get(key)) ?? '').toString()
      // No other byte changes, so that whoever vouched for it still does.
      const put = text.replace(/("expiration":\s*")([^"]*)"/g, (all, name, time) =>
        time === from ? `${name}${to}"` : all,
      )
      const whole = expiring.safeParse(parseJson(put)).data
      if (!whole) throw new Problem(`${key} in ${bucket.name} cannot be read any more`)
      const isDone = whole.status.expiration === to
      whole.status.expiration = to
      await bucket.put(key, isDone ? put : JSON.stringify(whole), { type: 'application/json' })
    })
    tell('~', `backup ${backup}`, `kept until ${to}`)
  }
  return extensions
}

/** Which backups are to be kept longer: those that expired or will within a week (half the time, if that is less). */
export function toExtend(all: readonly Backup[], chosen: string, now: number, keepDays: number): Extension[] {
  const soon = now + Math.min(7, keepDays / 2) * day
  const to = `${new Date(now + keepDays * day).toISOString().slice(0, 19)}Z`
  const kept = all.filter(isWhole).slice(0, newest)
  return all
    .filter((one) => one.metadata.name === chosen || kept.includes(one))
    .flatMap(({ metadata, status }) =>
      status?.expiration && Date.parse(status.expiration) < soon
        ? [{ backup: metadata.name, from: status.expiration, to }]
        : [],
    )
}
