#!/usr/bin/env -S sh -c 'exec node --max-semi-space-size=4 --import "$(dirname "$(realpath "$0")")/lib/commands/start.mjs" "$0" "$@"'
import { backedVolumes } from './lib/backup/backed.ts'
import { ageOf } from './lib/backup/backups.ts'
import { bytesIn } from './lib/backup/bytes.ts'
import { chooseBackup } from './lib/backup/choose.ts'
import { extendExpirations } from './lib/backup/expiry.ts'
import { backedObjects } from './lib/backup/objects.ts'
import { outcome, prove } from './lib/backup/proof/proof.ts'
import type { Returning } from './lib/backup/proof/sight.ts'
// Everything was lost but the buckets and Git. Bring it back, data before apps, and prove it.
import { snapshotsApart } from './lib/backup/restore/apart.ts'
import { accessKept, besideOriginal, fitTogether, leaveOriginal } from './lib/backup/restore/beside.ts'
import { bringBack } from './lib/backup/restore/bring-back.ts'
import { keepProof } from './lib/backup/restore/compared.ts'
import { dataBack } from './lib/backup/restore/data.ts'
import { readOnlyLocation, synced } from './lib/backup/restore/location.ts'
import { returnByHand, returnRest } from './lib/backup/restore/rest.ts'
import { restoreChecks } from './lib/backup/restore/restore-checks.ts'
import { restorePlan } from './lib/backup/restore/restore-plan.ts'
import { isAccepted, termsOf, wordsOf } from './lib/backup/restore/terms.ts'
import { provenIds } from './lib/backup/restore/volumes.ts'
import { toUndelete, undelete } from './lib/backup/undelete.ts'
import { lastWhole } from './lib/backup/vouch/last.ts'
import { powerOf } from './lib/backup/vouch/powerful.ts'
import { keepVoucher, pinned, unaltered, vouchersOf } from './lib/backup/vouch/vouching.ts'
import { clusterAsWitness } from './lib/backup/vouch/witness.ts'
import { finishedBy, useKubeconfig } from './lib/base/hint.ts'
import { describe } from './lib/cluster/cluster.ts'
import { adoptingFlags, askingFlags, clusterFlags } from './lib/commands/flags.ts'
import { run } from './lib/commands/run.ts'
import { ensureTools } from './lib/commands/tools/ensure-tools.ts'
import { claim } from './lib/gitops/claim.ts'
import { revertRemoved } from './lib/gitops/git-removed.ts'
import { applyRoot, healthy } from './lib/kubernetes/applications.ts'
import { recordLateVolumes, setCourse } from './lib/machines/first/course.ts'
import { powerOffEarlier, removeEarlier } from './lib/machines/first/earlier.ts'
import { growFirstServer } from './lib/machines/first/grow.ts'
import {
  beginRestoration,
  finishing,
  finishRestoration,
  noteUnproven,
} from './lib/machines/first/restoration.ts'
import { reviveFirstServer } from './lib/machines/first/revive.ts'
import { ensureAddress } from './lib/machines/foundation/address.ts'
import { ensureNetwork } from './lib/machines/foundation/network.ts'
import { ensureProject } from './lib/machines/foundation/project.ts'
import { preflight, preflightReading } from './lib/machines/preflight/preflight.ts'
import { growOthers } from './lib/machines/scale/grow-others.ts'
import { ensureBuckets, needBuckets, openBuckets } from './lib/store/buckets.ts'
import { ensureKit, needKit } from './lib/store/kit.ts'
import { carryUpstream } from './lib/store/upstream.ts'

const restore = {
  about: 'Everything was lost but buckets and Git: bring it back, and prove it.',
  flags: {
    ...clusterFlags,
    backup: { value: 'NAME', about: 'name, prefix, date or “latest”' },
    as: { value: 'NAME', about: 'beside the original: own keys, buckets, repository' },
    'as-repo': { value: 'OWNER/NAME', about: 'with --as: its repository, if you made one' },
    'with-apps': { about: 'with --as: wake the apps too' },
    region: { value: 'REGION', about: 'with --as: another region (not for snapshots)' },
    replace: { about: 'stop the live cluster; delete it once all is proven' },
    partial: { about: 'with --backup NAME: even one that is not whole' },
    undelete: { about: 'with --backup NAME: one that was deleted, too' },
    'not-vouched': { about: 'with --replace: even a backup that nobody vouches for' },
    'git-removed': { value: 'HOW', about: 'what Git deleted since: revert, keep or drop' },
    unfinished: { about: 'give up a restore that is unfinished or not proven' },
    ...adoptingFlags,
    ...askingFlags,
  },
}

await run(restore, async ({ flags, confirm }) => {
  fitTogether(flags)
  await ensureTools(flags)
  const { name, repo, 'adopt-buckets': adopt } = flags
  const source = await describe({ name, repo, 'adopt-buckets': adopt }) // what it is to be stands in Git
  await preflightReading(source)
  const kept = await needBuckets(source)
  const sourceKit = await needKit(kept, source.name) // asks for the passphrase
  const past = await toUndelete(kept, flags) // with --undelete: the bucket as it will be once that is done
  const alive = flags.replace || flags.as ? clusterAsWitness(source, past.seen, sourceKit) : undefined
  const backup = await chooseBackup(past.seen, flags.backup, source, {
    ...flags,
    vouchers: vouchersOf(past.seen, kept.kit, alive),
    vouched: flags.replace && !flags['not-vouched'],
  }) // whole, and as it was made, or refused with the reason; from here on nothing else is read for it
  const { name: chosen } = backup.metadata
  const backed = await backedVolumes(backup.bucket, chosen, bytesIn(backup.bucket, source))
  const held = await backedObjects(backup.bucket, chosen)
  const power = await powerOf(backup) // of one that nobody vouches for
  const cluster =
    flags.as === undefined
      ? source
      : await besideOriginal(source, flags.as, { region: flags.region, repo: flags['as-repo'] })
  const before = cluster === source ? kept : await openBuckets(cluster, 'read')
  const course = await setCourse(cluster, before, chosen, {
    again: flags.replace,
    instead: flags.unfinished,
    source,
    words: wordsOf(flags),
    known: held.flatMap(({ handle }) => handle ?? []),
  }) // onto a new server, or the one begun
  const readOnly = cluster === source // a GitOps repository that can only be read is enough to bring it back
  const terms = await termsOf(cluster, {
    course,
    backup,
    held,
    backed,
    source: backup.bucket,
    kit: before?.kit,
    flags,
  })
  const checks = restoreChecks({ course, backed, held, terms, flags, source, kit: before?.kit })
  const own = await preflight(cluster, checks, { readOnly, kit: kept.kit })
  const apart = cluster === source ? await snapshotsApart(past.seen, cluster, own, held) : [] // a person's own, in no backup
  await confirm(await restorePlan({ cluster, own, course, backup, held, terms, apart, past, power }))

  await claim(cluster, 'restore', flags, { readOnly })
  const project = await ensureProject(cluster)
  const [network, address, buckets] = await Promise.all([
    ensureNetwork(cluster),
    ensureAddress(cluster, project),
    ensureBuckets(cluster, { past: cluster !== source }), // a copy's are made here, in as many runs as it takes
  ])
  const kit = await ensureKit(buckets, cluster, sourceKit)
  await carryUpstream(cluster, kept.kit, buckets.kit) // what upstream serves no longer, for a copy
  await reviveFirstServer(cluster, buckets)
  if (cluster === source) await keepVoucher(buckets.kit, backup) // the cluster cannot say it again once it is off
  await beginRestoration(cluster, buckets, course)
  if (flags.unfinished) finishedBy(finishing(cluster, { begun: course, own })) // it is given up once
  await powerOffEarlier(cluster, course) // with --replace: two clusters never write to one bucket
  await undelete(source, past) // nobody deletes it again now
  if (terms.choice === 'revert') await revertRemoved(cluster, terms.git) // now no earlier machine follows it
  await recordLateVolumes(cluster, buckets, course) // what it made until then is not forgotten
  const ground = { project, network, address, buckets, kit }
  const kube = await growFirstServer(cluster, ground) // as bootstrap does
  await healthy(kube, 'platform') // the engine; no app yet
  const extended = cluster === source ? await extendExpirations(cluster, buckets.velero, chosen) : []
  await readOnlyLocation(kube, cluster) // Velero reads, and deletes nothing
  await synced(kube, chosen)
  const back: Returning = {
    kube,
    cluster,
    course,
    bucket: pinned(kept.velero, chosen, backup.prints),
    held,
    terms,
    awake: flags['with-apps'],
  }
  const volumes = await unaltered(kept.velero, backup, () =>
    bringBack(kube, { ...course, backed: terms.volumes }),
  ) // every volume, of what was chosen, or no app starts
  const compared = await dataBack(back, buckets.kit, volumes) // object by object, before Git changes any of it

  if (cluster === source) await applyRoot(kube, cluster, address) // Git brings the apps, and the location read-write
  await returnByHand(back, compared) // what Git does not bring, at once: apps may need it
  if (cluster === source) {
    await growOthers(cluster, ground, course.droplets) // the shape that cluster.yaml describes: apps may need it
    await healthy(kube, 'root')
  }
  const rest = await returnRest(back, compared) // once Git has taken over, all of it is looked at again
  const proof = await prove(kube, { cluster, backup, course, address, extended, compared, ...rest })
  await keepProof(cluster, buckets.kit, course.server, proof)
  const proven = proof.verdict === 'PROVEN'
  // One that nobody vouches for proves nothing about what was there before: all of that stays.
  const isVouched = backup.vouching.state === 'vouched for'
  const provenVolumes = provenIds(rest.volumes, isVouched ? held : [])
  if (proven && cluster !== source) await leaveOriginal(kube, cluster, source, buckets)
  if (proven) await finishRestoration(cluster, buckets, course, provenVolumes)
  else await noteUnproven(cluster, buckets, course)
  const mayRemove = proven && isVouched && isAccepted(rest.objects, terms) // nothing that may be an only copy goes
  const removable = {
    provenVolumes,
    proven,
    mayRemove,
    of: { completed: backup.status?.completionTimestamp, volumes: backed.length },
  }
  const access = !proven && cluster !== source ? [accessKept(cluster, source)] : []
  proof.stays = [...(await removeEarlier(cluster, course, removable)), ...apart, ...access]
  const told = { kubeconfig: kube.file, lastBackup: ageOf(await lastWhole(kept, source), source) }
  return outcome(proof, told, { kubeconfig: useKubeconfig(kube.file) }, { cluster, course })
})
