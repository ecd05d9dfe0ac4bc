#!/usr/bin/env -S sh -c 'exec node --max-semi-space-size=4 --import "$(dirname "$(realpath "$0")")/lib/commands/start.mjs" "$0" "$@"'
// Everything was lost but the buckets and Git. Bring it back, data before apps, and prove it.
import {
  beginRestore,
  concludeRestore,
  fitTogether,
  lastBackupField,
  lastWhole,
  openBackup,
  outcome,
  prepareRestore,
  prove,
  restoreChecks,
  restoreData,
  restorePlan,
  returnByHand,
  returnRest,
  snapshotsApart,
} from './lib/backup/index.ts'
import { Field, useKubeconfig } from './lib/base/index.ts'
import { describe } from './lib/cluster/index.ts'
import { adoptingFlags, askingFlags, clusterFlags, ensureTools, run } from './lib/commands/index.ts'
import { claim } from './lib/gitops/index.ts'
import { applyRoot, waitForApplication } from './lib/kubernetes/index.ts'
import {
  ensureFirstServer,
  ensureFoundation,
  ensureOtherMachines,
  preflight,
  preflightReading,
} from './lib/machines/index.ts'
import { needBuckets } from './lib/store/index.ts'

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
  const opened = await openBackup(source, await needBuckets(source), flags) // whole, and as it was made, or refused
  const restoring = await prepareRestore(opened, flags) // onto a new server, or the one begun; with --as into a copy
  const { cluster, isCopy, course, kept } = restoring
  const readOnly = !isCopy // a GitOps repository that can only be read is enough to bring it back
  const checks = restoreChecks({ ...restoring, flags, kit: restoring.before?.kit })
  const own = await preflight(cluster, checks, { readOnly, kit: kept.kit })
  const apart = isCopy ? [] : await snapshotsApart(restoring.past.seen, cluster, own, restoring.held) // in no backup
  await confirm(await restorePlan({ ...restoring, own, apart }))

  await claim(cluster, 'restore', flags, { readOnly })
  const foundation = await ensureFoundation(cluster, { past: isCopy, original: opened.sourceKit })
  const { address, buckets } = foundation
  await beginRestore(restoring, foundation, { own, unfinished: flags.unfinished }) // the earlier machines are off now
  const kube = await ensureFirstServer(cluster, foundation) // as bootstrap does
  await waitForApplication(kube, 'platform') // the engine; no app yet
  const data = await restoreData(kube, restoring, buckets, flags['with-apps']) // every byte, or no app starts

  if (!isCopy) await applyRoot(kube, cluster, address) // Git brings the apps, and the location read-write
  await returnByHand(data.returning, data.compared) // what Git does not bring, at once: apps may need it
  if (!isCopy) {
    await ensureOtherMachines(cluster, foundation, course.droplets) // the shape that cluster.yaml describes: apps may need it
    await waitForApplication(kube, 'root')
  }
  const rest = await returnRest(data.returning, data.compared) // once Git has taken over, all of it is looked at again
  const proof = await prove(kube, { ...restoring, ...data, ...rest, address })
  proof.stays = [...(await concludeRestore(kube, restoring, buckets, { proof, rest })), ...apart] // never before the proof
  const told = {
    kubeconfig: new Field(kube.file, useKubeconfig(kube.file)),
    lastBackup: lastBackupField(await lastWhole(kept, source), source),
  }
  return outcome(proof, told, { cluster, course })
})
