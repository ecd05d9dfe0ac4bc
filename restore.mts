#!/usr/bin/env -S sh -c 'exec "$(dirname "$(realpath "$0")")/node_modules/.bin/tsx" "$0" "$@"'
// Everything was lost but the buckets and Git. Bring it back, data before apps, and prove it.
import { backedVolumes } from './lib/backup/backed.ts'
import { bringBack } from './lib/backup/bring-back.ts'
import { chooseBackup } from './lib/backup/choose.ts'
import { dataBack } from './lib/backup/data.ts'
import { extendExpirations } from './lib/backup/expiry.ts'
import { readOnlyLocation, synced } from './lib/backup/location.ts'
import { backedObjects } from './lib/backup/objects.ts'
import { outcome, prove } from './lib/backup/proof.ts'
import { restoreChecks } from './lib/backup/restore-checks.ts'
import { restorePlan } from './lib/backup/restore-plan.ts'
import { returnWorkloads } from './lib/backup/workloads.ts'
import { describe } from './lib/cluster/cluster.ts'
import { powerOffEarlier, removeEarlier } from './lib/cluster/earlier.ts'
import { growFirstServer } from './lib/cluster/grow.ts'
import { preflight, preflightReading } from './lib/cluster/preflight.ts'
import { beginRestoration, finishRestoration, setCourse } from './lib/cluster/restoration.ts'
import { reviveFirstServer } from './lib/cluster/revive.ts'
import { ensureAddress } from './lib/digitalocean/address.ts'
import { ensureNetwork } from './lib/digitalocean/network.ts'
import { ensureProject } from './lib/digitalocean/project.ts'
import { claim } from './lib/gitops/claim.ts'
import { ensureTools } from './lib/install/ensure-tools.ts'
import { applyRoot, healthy } from './lib/kubernetes/applications.ts'
import { run } from './lib/run.ts'
import { growOthers } from './lib/scale/grow-others.ts'
import { ensureBuckets, needBuckets } from './lib/store/buckets.ts'
import { needKit } from './lib/store/kit.ts'

await run('restore', async ({ flags, confirm }) => {
  await ensureTools(flags)
  const cluster = await describe(flags) // what it is to be stands in Git
  preflightReading(cluster)
  const kept = await needBuckets(cluster)
  const kit = await needKit(kept, cluster.name) // asks for the passphrase
  const backup = await chooseBackup(kept.velero, flags.backup, cluster) // whole, or refused with the reason
  const backed = await backedVolumes(kept.velero, backup.metadata.name)
  const held = await backedObjects(kept.velero, backup.metadata.name)
  const course = await setCourse(cluster, kept, backup.metadata.name, flags.replace) // onto a new server, or the one begun
  await preflight(cluster, restoreChecks({ course, backed, bucket: kept.velero, replace: flags.replace }))
  await confirm(await restorePlan(cluster, course, backup, held))

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
  const ground = { project, network, address, buckets, kit }
  const kube = await growFirstServer(cluster, ground) // as bootstrap does
  await healthy(kube, 'platform') // the engine; no app yet
  const extended = await extendExpirations(cluster, buckets.velero, course.backup)
  await readOnlyLocation(kube, cluster) // Velero reads, and deletes nothing
  await synced(kube, course.backup)
  const volumes = await bringBack(kube, { ...course, backed }) // every volume, or no app starts
  const data = await dataBack(kube, held) // object by object, before Git changes any

  await applyRoot(kube, cluster, address) // Git brings the apps and turns the location read-write
  await healthy(kube, 'root')
  const workloads = await returnWorkloads(kube, buckets.velero, course.backup, held) // what Git does not have
  const proof = await prove(kube, {
    backup,
    course,
    address,
    volumes,
    objects: [...data, ...workloads],
    extended,
  })
  if (proof.missing.length === 0) {
    await finishRestoration(cluster, buckets, course)
    proof.stays = await removeEarlier(cluster, course, backed) // what was replaced, and nothing that is an only copy
    await growOthers(cluster, ground) // the shape that cluster.yaml describes
  }
  return outcome(proof)
})
