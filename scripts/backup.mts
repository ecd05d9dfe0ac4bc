#!/usr/bin/env -S sh -c 'exec node --max-semi-space-size=4 --import "$(dirname "$(realpath "$0")")/../lib/commands/start.mjs" "$0" "$@"'
// A backup now: whole, or told why not. Read back from the bucket before it counts.
import {
  backupChecks,
  backupSpec,
  bytesIn,
  lastBackupField,
  lastWhole,
  partial,
  recordOf,
  sizeOf,
  takeBackup,
  tellThreats,
  vouchersOf,
  vouchForNew,
} from '../lib/backup/index.ts'
import { describe, ownSnapshots } from '../lib/cluster/index.ts'
import { askingFlags, clusterFlags, ensureTools, run } from '../lib/commands/index.ts'
import { writeKubeconfig } from '../lib/kubernetes/index.ts'
import { addressOf, preflightReading } from '../lib/machines/index.ts'
import { needBuckets, needKit, openBuckets, operatorGroup } from '../lib/store/index.ts'

const backup = {
  about: 'Take a backup now; it counts once it is verified in the bucket.',
  flags: {
    ...clusterFlags,
    backup: { value: 'NAME', about: 'its name (the cluster’s and the time)' },
    volumes: { value: 's3|snapshot', about: 'bytes into the bucket, or kept at DigitalOcean' },
    ttl: { value: 'TIME', about: 'how long it is kept, such as 30d' },
    yes: askingFlags.yes,
  },
}

await run(backup, async ({ flags }) => {
  await ensureTools(flags)
  const cluster = await describe(flags)
  await preflightReading(cluster)
  const wish = backupSpec(flags, cluster)
  const address = await addressOf(cluster)
  const buckets = await needBuckets(cluster)
  const kit = await needKit(buckets, cluster.name) // without it a backup could not be opened
  const group = await operatorGroup(buckets.kit)
  const kube = await writeKubeconfig(cluster, kit, address.ip, { group })
  await backupChecks(cluster, buckets.velero, wish, kube) // DigitalOcean's limits, before anything is begun
  await tellThreats(kube, cluster) // what Velero cannot save, and what was told not to be saved

  const taken = await takeBackup(kube, cluster, buckets.velero, wish)
  await vouchForNew(kube, cluster, buckets, async () => (await openBuckets(cluster, 'readwrite'))?.kit)

  const snapshots = await ownSnapshots(cluster.cloud, cluster.name)
  const bytes = bytesIn(buckets.velero, cluster)
  const vouchers = vouchersOf(buckets.velero, buckets.kit)
  const record = await recordOf(buckets.velero, taken, snapshots, bytes, vouchers)
  const lastBackup = lastBackupField(await lastWhole(buckets, cluster), cluster)
  return {
    ...record,
    lastBackup,
    shown: () => ({
      backup: `${record.name}  ${record.wholeness}`,
      volumes: record.volumes.map(
        (one) => `${one.claim}  ${one.bytes === undefined ? 'snapshot' : sizeOf(one.bytes)}`,
      ),
      size: sizeOf(record.bytes),
      keptUntil: record.expires,
      vouching: [record.vouching, record.vouchingReason].filter(Boolean).join(': '),
      commit: record.commit,
      lastBackup,
    }),
    fault: () => partial(kube, taken), // exit code 1
  }
})
