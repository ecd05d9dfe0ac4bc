#!/usr/bin/env -S sh -c 'exec node --max-semi-space-size=4 --import "$(dirname "$(realpath "$0")")/../lib/commands/start.mjs" "$0" "$@"'
// Which backups there are, and whether each is whole, read from the bucket: no cluster is needed.
import { ageOf } from '../lib/backup/backups.ts'
import { deletedBackups, deletedTable } from '../lib/backup/deleted.ts'
import { backupTable, records, vouchedLine } from '../lib/backup/record.ts'
import { lastWhole } from '../lib/backup/vouch/last.ts'
import { describe } from '../lib/cluster/cluster.ts'
import { ownSnapshots } from '../lib/cluster/ours.ts'
import { clusterFlags } from '../lib/commands/flags.ts'
import { run } from '../lib/commands/run.ts'
import { preflightReading } from '../lib/machines/preflight/preflight.ts'
import { needBuckets } from '../lib/store/buckets.ts'
import { daysNoted } from '../lib/store/past.ts'

const backups = {
  about: 'Which backups there are, from the bucket: no cluster is needed.',
  flags: {
    ...clusterFlags,
    deleted: { about: 'those deleted or overwritten that can be brought back' },
  },
}

await run(backups, async ({ flags }) => {
  const cluster = await describe(flags)
  await preflightReading(cluster)
  const buckets = await needBuckets(cluster)
  if (flags.deleted) {
    const deleted = await deletedBackups(buckets, cluster, await daysNoted(buckets.kit))
    return flags.json ? deleted : deletedTable(deleted).join('\n')
  }
  const snapshots = await ownSnapshots(cluster.cloud, cluster.name)
  const all = await records(buckets, cluster, snapshots)
  if (flags.json) return all
  const last = ageOf(await lastWhole(buckets, cluster), cluster)
  return [...backupTable(all), vouchedLine(all), `last backup  ${last}`].join('\n')
})
