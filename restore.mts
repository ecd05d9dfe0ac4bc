#!/usr/bin/env -S npx tsx
// Everything was lost but the buckets and Git. Bring it back, data before apps, and prove it.
import { backedVolumes } from './lib/backup/backed.ts'
import { bringBack } from './lib/backup/bring-back.ts'
import { chooseBackup } from './lib/backup/choose.ts'
import { extendExpirations } from './lib/backup/expiry.ts'
import { readOnlyLocation, synced } from './lib/backup/location.ts'
import { restoreChecks } from './lib/backup/restore-checks.ts'
import { restorePlan } from './lib/backup/restore-plan.ts'
import { describe } from './lib/cluster/cluster.ts'
import { powerOffEarlier, removeEarlier } from './lib/cluster/earlier.ts'
import { ensureBundle, firstServerName } from './lib/cluster/first-server.ts'
import { preflight, preflightReading } from './lib/cluster/preflight.ts'
import { beginRestoration, finishRestoration, setCourse } from './lib/cluster/restoration.ts'
import { reviveFirstServer } from './lib/cluster/revive.ts'
import { ensureAddress } from './lib/digitalocean/address.ts'
import { ensureDroplet } from './lib/digitalocean/droplet.ts'
import { ensureNetwork } from './lib/digitalocean/network.ts'
import { ensureProject } from './lib/digitalocean/project.ts'
import { ensureSshKey } from './lib/digitalocean/ssh-key.ts'
import { claim } from './lib/gitops/claim.ts'
import { seed } from './lib/gitops/seed.ts'
import { ensureTools } from './lib/install/ensure-tools.ts'
import { applyRoot, healthy } from './lib/kubernetes/applications.ts'
import { connect } from './lib/kubernetes/connect.ts'
import { run } from './lib/run.ts'
import { ensureBuckets, needBuckets, retireClusterKeys } from './lib/store/buckets.ts'
import { needKit } from './lib/store/kit.ts'

await run('restore', async ({ flags, confirm }) => {
  await ensureTools(flags)
  const cluster = await describe(flags) // what it is to be stands in Git
  preflightReading(cluster)
  const kept = await needBuckets(cluster)
  const kit = await needKit(kept, cluster.name) // asks for the passphrase
  const backup = await chooseBackup(kept.velero, flags.backup, cluster) // whole, or refused with the reason
  const backed = await backedVolumes(kept.velero, backup.metadata.name)
  const course = await setCourse(cluster, kept, backup.metadata.name, flags.replace) // onto a new server, or the one begun
  await preflight(cluster, restoreChecks({ course, replace: flags.replace }))
  await confirm(await restorePlan(cluster, course, backup, []))

  await claim(cluster, 'restore', flags)
  const project = await ensureProject(cluster)
  const [network, address, buckets] = await Promise.all([
    ensureNetwork(cluster),
    ensureAddress(cluster, project),
    ensureBuckets(cluster),
  ])
  await reviveFirstServer(cluster, buckets)
  await beginRestoration(cluster, buckets, course)
  await powerOffEarlier(cluster, course) // with --replace: two clusters never write to one bucket
  const [sshKey, userData] = await Promise.all([
    ensureSshKey(cluster, kit),
    ensureBundle(cluster, { kit, buckets, address }),
    seed(cluster, kit, address),
  ])
  const name = firstServerName(cluster)
  const { size } = cluster.wanted
  await ensureDroplet(cluster, { name, size, userData, project, network, sshKey, address })

  const kube = await connect(cluster, { kit, buckets, address, name })
  await retireClusterKeys(cluster, buckets, name) // of the earlier cluster
  await healthy(kube, 'platform') // the engine; no app yet
  const extended = await extendExpirations(cluster, buckets.velero, course.backup)
  await readOnlyLocation(kube, cluster) // Velero reads, and deletes nothing
  await synced(kube, course.backup)
  const volumes = await bringBack(kube, { ...course, backed }) // every volume, or no app starts

  await applyRoot(kube, cluster, address) // Git brings the apps and turns the location read-write
  await healthy(kube, 'root')
  await finishRestoration(cluster, buckets, course)
  const stays = await removeEarlier(cluster, course, new Set(volumes.map((one) => one.volume)))
  return { backup: course.backup, volumes, extended, stays }
})
