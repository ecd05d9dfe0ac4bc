#!/usr/bin/env -S sh -c 'exec node --max-semi-space-size=4 --import "$(dirname "$(realpath "$0")")/../lib/commands/start.mjs" "$0" "$@"'
// Which backups there are, and whether each is whole, read from the bucket: no cluster is needed.
import {
  ageOf,
  backupTable,
  deletedBackups,
  deletedTable,
  lastWhole,
  records,
  vouchedLine,
} from '../lib/backup/index.ts'
import { describe, ownSnapshots } from '../lib/cluster/index.ts'
import { clusterFlags, run } from '../lib/commands/index.ts'
import { preflightReading } from '../lib/machines/index.ts'
import { daysNoted, needBuckets } from '../lib/store/index.ts'

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
