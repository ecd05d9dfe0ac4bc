#!/usr/bin/env -S sh -c 'exec node --max-semi-space-size=4 --import "$(dirname "$(realpath "$0")")/../lib/start.mjs" "$0" "$@"'
// A backup now: whole or failed, nothing between. Read back from the bucket before it counts.
import { ageOf, listBackups } from '../lib/backup/backups.ts'
import { recordOf, sizeOf } from '../lib/backup/record.ts'
import { takeBackup } from '../lib/backup/take.ts'
import { backupChecks } from '../lib/backup/take-checks.ts'
import { backupWish } from '../lib/backup/wish.ts'
import { describe } from '../lib/cluster/cluster.ts'
import { ownSnapshots } from '../lib/cluster/ours.ts'
import { addressOf } from '../lib/digitalocean/address.ts'
import { ensureTools } from '../lib/install/ensure-tools.ts'
import { writeKubeconfig } from '../lib/kubernetes/kubeconfig.ts'
import { preflightReading } from '../lib/preflight/preflight.ts'
import { run } from '../lib/run.ts'
import { needBuckets } from '../lib/store/buckets.ts'
import { needKit } from '../lib/store/kit.ts'

await run('backup', async ({ flags }) => {
  await ensureTools(flags)
  const cluster = await describe(flags)
  await preflightReading(cluster)
  const wish = backupWish(flags, cluster)
  const address = await addressOf(cluster)
  const buckets = await needBuckets(cluster)
  const kit = await needKit(buckets, cluster.name) // without it a backup could not be opened
  await backupChecks(cluster, buckets.velero, wish) // DigitalOcean's limits, before anything is begun

  const kube = await writeKubeconfig(cluster, kit, address.ip)
  const name = await takeBackup(kube, cluster, buckets.velero, wish)

  const made = (await listBackups(buckets.velero)).find((one) => one.metadata.name === name)
  const snapshots = await ownSnapshots(cluster.cloud, cluster.name)
  const record = made && (await recordOf(buckets.velero, made, snapshots))
  if (flags.json) return record
  return {
    backup: name,
    volumes: record?.volumes.map(
      (one) => `${one.claim}  ${one.bytes === undefined ? 'snapshot' : sizeOf(one.bytes)}`,
    ),
    size: sizeOf(record?.bytes ?? 0),
    keptUntil: record?.expires,
    commit: record?.commit,
    lastBackup: ageOf(made, cluster),
  }
})
