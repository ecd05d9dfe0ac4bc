#!/usr/bin/env -S sh -c 'exec node --max-semi-space-size=4 --import "$(dirname "$(realpath "$0")")/../lib/start.mjs" "$0" "$@"'
// Which backups there are, read from the bucket: no cluster is needed.
import { ageOf, lastWhole } from '../lib/backup/backups.ts'
import { records, sizeOf } from '../lib/backup/record.ts'
import { describe } from '../lib/cluster/cluster.ts'
import { ownSnapshots } from '../lib/cluster/ours.ts'
import { dollars } from '../lib/cluster/prices.ts'
import { preflightReading } from '../lib/preflight/preflight.ts'
import { run } from '../lib/run.ts'
import { needBuckets } from '../lib/store/buckets.ts'

await run('backups', async ({ flags }) => {
  const cluster = await describe(flags)
  await preflightReading(cluster)
  const buckets = await needBuckets(cluster)
  const snapshots = await ownSnapshots(cluster.cloud, cluster.name)
  const all = await records(buckets.velero, snapshots)
  if (flags.json) return all
  return {
    backups: all
      .map((one) =>
        [
          one.name,
          one.whole ? 'whole' : `NOT WHOLE (${one.state})`,
          one.started ?? '',
          sizeOf(one.bytes),
          `${one.volumes.length} volumes`,
          `until ${one.expires ?? 'ever'}`,
          one.perMonth > 0 ? `${dollars(one.perMonth)} a month` : '',
          one.commit?.slice(0, 7) ?? '',
        ].filter(Boolean),
      )
      .map((words) => words.join('  ')),
    lastBackup: ageOf(await lastWhole(buckets.velero), cluster),
  }
})
