#!/usr/bin/env -S sh -c 'exec node --max-semi-space-size=4 --import "$(dirname "$(realpath "$0")")/../lib/commands/start.mjs" "$0" "$@"'
// A backup now: whole, or told why not. Read back from the bucket before it counts.
import { ageOf } from '../lib/backup/backups.ts'
import { bytesIn } from '../lib/backup/bytes.ts'
import { recordOf, sizeOf } from '../lib/backup/record.ts'
import { partial, takeBackup } from '../lib/backup/take/take.ts'
import { backupChecks } from '../lib/backup/take/take-checks.ts'
import { tellThreats } from '../lib/backup/take/threats.ts'
import { backupWish } from '../lib/backup/take/wish.ts'
import { lastWhole } from '../lib/backup/vouch/last.ts'
import { vouchersOf } from '../lib/backup/vouch/vouching.ts'
import { vouchForNew } from '../lib/backup/vouch/witness.ts'
import { describe } from '../lib/cluster/cluster.ts'
import { ownSnapshots } from '../lib/cluster/ours.ts'
import { askingFlags, clusterFlags } from '../lib/commands/flags.ts'
import { run } from '../lib/commands/run.ts'
import { ensureTools } from '../lib/commands/tools/ensure-tools.ts'
import { writeKubeconfig } from '../lib/kubernetes/kubeconfig.ts'
import { addressOf } from '../lib/machines/foundation/address.ts'
import { preflightReading } from '../lib/machines/preflight/preflight.ts'
import { needBuckets, openBuckets } from '../lib/store/buckets.ts'
import { needKit } from '../lib/store/kit.ts'
import { operatorGroup } from '../lib/store/operators.ts'

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
  const wish = backupWish(flags, cluster)
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
  const lastBackup = ageOf(await lastWhole(buckets, cluster), cluster)
  return {
    ...record,
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
