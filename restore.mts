#!/usr/bin/env -S sh -c 'exec node --max-semi-space-size=4 --import "$(dirname "$(realpath "$0")")/lib/start.mjs" "$0" "$@"'
// Everything was lost but the buckets and Git. Bring it back, data before apps, and prove it.
import { backedVolumes } from './lib/backup/backed.ts'
import { ageOf, lastWhole } from './lib/backup/backups.ts'
import { besideOriginal, fitTogether, leaveOriginal } from './lib/backup/beside.ts'
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
import { ensureAddress } from './lib/digitalocean/address.ts'
import { ensureNetwork } from './lib/digitalocean/network.ts'
import { ensureProject } from './lib/digitalocean/project.ts'
import { claim } from './lib/gitops/claim.ts'
import { ensureTools } from './lib/install/ensure-tools.ts'
import { applyRoot, healthy } from './lib/kubernetes/applications.ts'
import { preflight, preflightReading } from './lib/preflight/preflight.ts'
import { run } from './lib/run.ts'
import { growOthers } from './lib/scale/grow-others.ts'
import { setCourse } from './lib/server/course.ts'
import { powerOffEarlier, removeEarlier } from './lib/server/earlier.ts'
import { growFirstServer } from './lib/server/grow.ts'
import { beginRestoration, finishRestoration } from './lib/server/restoration.ts'
import { reviveFirstServer } from './lib/server/revive.ts'
import { ensureBuckets, needBuckets, openBuckets } from './lib/store/buckets.ts'
import { ensureKit, needKit } from './lib/store/kit.ts'

await run('restore', async ({ flags, confirm }) => {
  fitTogether(flags)
  await ensureTools(flags)
  const source = await describe({ name: flags.name, repo: flags.repo }) // what it is to be stands in Git
  await preflightReading(source)
  const kept = await needBuckets(source)
  const sourceKit = await needKit(kept, source.name) // asks for the passphrase
  const backup = await chooseBackup(kept.velero, flags.backup, source, flags) // whole, or refused with the reason
  const { name: chosen } = backup.metadata
  const backed = await backedVolumes(kept.velero, chosen)
  const held = await backedObjects(kept.velero, chosen)
  const cluster = flags.as === undefined ? source : await besideOriginal(source, flags.as, flags.region)
  const before = cluster === source ? kept : await openBuckets(cluster, 'read')
  const course = await setCourse(cluster, before, chosen, {
    again: flags.replace,
    instead: flags.unfinished,
    source,
    words: flags['with-apps'] ? ['--with-apps'] : [],
  }) // onto a new server, or the one begun
  const readOnly = cluster === source // a GitOps repository that can only be read is enough to bring it back
  const checks = restoreChecks({ course, backed, bucket: kept.velero, replace: flags.replace, source })
  const own = await preflight(cluster, checks, { readOnly })
  await confirm(await restorePlan({ cluster, own, course, backup, held }))

  await claim(cluster, 'restore', flags, { readOnly })
  const project = await ensureProject(cluster)
  const [network, address, buckets] = await Promise.all([
    ensureNetwork(cluster),
    ensureAddress(cluster, project),
    ensureBuckets(cluster),
  ])
  const kit = await ensureKit(buckets, cluster, sourceKit)
  await reviveFirstServer(cluster, buckets)
  await beginRestoration(cluster, buckets, course)
  await powerOffEarlier(cluster, course) // with --replace: two clusters never write to one bucket
  const ground = { project, network, address, buckets, kit }
  const kube = await growFirstServer(cluster, ground) // as bootstrap does
  await healthy(kube, 'platform') // the engine; no app yet
  const extended = cluster === source ? await extendExpirations(cluster, buckets.velero, chosen) : []
  await readOnlyLocation(kube, cluster) // Velero reads, and deletes nothing
  await synced(kube, chosen)
  const volumes = await bringBack(kube, { ...course, backed }) // every volume, or no app starts
  const data = await dataBack(kube, held) // object by object, before Git changes any

  if (cluster === source) {
    await applyRoot(kube, cluster, address) // Git brings the apps and turns the location read-write
    await growOthers(cluster, ground, course.droplets) // the shape that cluster.yaml describes: apps may need it
    await healthy(kube, 'root')
  }
  const apps = cluster === source ? undefined : flags['with-apps'] ? 'awake' : 'asleep'
  const workloads = await returnWorkloads(kube, kept.velero, chosen, held, apps) // what Git does not bring
  const objects = [...data, ...workloads]
  const proof = await prove(kube, { cluster, backup, course, address, volumes, objects, extended })
  if (proof.missing.length === 0) {
    if (cluster !== source) await leaveOriginal(kube, cluster, source, buckets)
    const provenVolumes = new Set(
      course.volumes.filter(({ name }) => backed.some((one) => one.volume === name)).map(({ id }) => id),
    )
    await finishRestoration(cluster, buckets, course, provenVolumes)
    proof.stays = await removeEarlier(cluster, course, { provenVolumes, mayRemove: true }) // what was replaced, and nothing that is an only copy
  }
  return outcome(proof, ageOf(await lastWhole(kept.velero), source))
})
