#!/usr/bin/env -S sh -c 'exec node --max-semi-space-size=4 --import "$(dirname "$(realpath "$0")")/../lib/commands/start.mjs" "$0" "$@"'
// The drill: bring a backup back onto a throw-away droplet, prove it, destroy it. The original is only read.
import {
  alteredLines,
  backedObjects,
  backupObjects,
  changedSince,
  chooseBackup,
  claimsOf,
  clusterAsWitness,
  drillName,
  drillOutcome,
  drillPlan,
  lastBackupField,
  lastWhole,
  listBackups,
  powerOf,
  vouchersOf,
  vouchingLines,
} from '../lib/backup/index.ts'
import { DryRunEnd, names, Problem, script } from '../lib/base/index.ts'
import { accountOf, describe } from '../lib/cluster/index.ts'
import { askingFlags, clusterFlags, drillIsLeft, ensureTools, run } from '../lib/commands/index.ts'
import { assertNoRestore, preflightReading } from '../lib/machines/index.ts'
import { needBuckets, needKit, wrongCopies } from '../lib/store/index.ts'

const rehearse = {
  about: 'The drill: a backup onto a throw-away droplet, proven, destroyed.',
  flags: {
    ...clusterFlags,
    backup: { value: 'NAME', about: 'name, prefix, date or “latest” (default)' },
    'as-repo': { value: 'OWNER/NAME', about: 'the drill’s repository, if you made one' },
    'not-vouched': { about: 'even a backup that nobody vouches for' },
    yes: askingFlags.yes,
    'dry-run': askingFlags['dry-run'],
  },
}

await run(rehearse, async ({ flags, confirm }) => {
  await ensureTools(flags)
  const cluster = await describe(flags)
  await preflightReading(cluster)
  const buckets = await needBuckets(cluster)
  const { velero, kit } = buckets
  await assertNoRestore(cluster, kit)
  const alive = clusterAsWitness(cluster, velero, await needKit(buckets, cluster.name))
  const chosen = await chooseBackup(velero, flags.backup ?? 'latest', cluster, {
    vouchers: vouchersOf(velero, kit, alive),
    vouched: !flags['not-vouched'],
  })
  const backup = chosen.metadata.name
  const as = drillName(cluster.name)
  const repo = flags['as-repo']
  const left = await drillIsLeft(as, repo) // by a rehearsal that was killed
  const planned = await drillPlan(
    cluster,
    backup,
    claimsOf(await backedObjects(chosen.bucket, backup)),
    left,
    [...vouchingLines(chosen, await powerOf(chosen))],
  )
  await confirm(planned) // what it does, and what it costs

  const its = names.buckets(as, accountOf(cluster))
  const destroy = () =>
    script(
      'scripts/destroy.mts',
      ...[
        '--name',
        as,
        ...(repo === undefined ? [] : ['--repo', repo]),
        '--with-backups',
        '--confirm',
        as,
        '--confirm-backups',
        its.velero,
        '--confirm-kit',
        its.kit,
        '--unfinished',
        '--yes',
        '--json',
      ],
    )
  if (left && (await destroy()).code !== 0)
    throw new Problem(`what an earlier rehearsal left as ${as} could not be removed; see above`, {
      cure: 'Fix that, then rehearse again.',
    })
  const { owner, name } = cluster.place
  const before = await backupObjects(velero)
  const started = performance.now()
  const restored = await script(
    'restore.mts',
    ...[
      '--name',
      cluster.name,
      '--repo',
      `${owner}/${name}`,
      '--backup',
      backup,
      '--as',
      as,
      ...(repo === undefined ? [] : ['--as-repo', repo]),
      '--yes',
      '--json',
    ],
  )
  const seconds = (performance.now() - started) / 1000
  const destroyed = await destroy()
  if (flags['dry-run']) throw new DryRunEnd('nothing was changed')
  const changed = changedSince(before, await backupObjects(velero))
  const lastBackup = lastBackupField(await lastWhole(buckets, cluster), cluster)
  const copies = await wrongCopies(cluster, kit) // of what upstream may serve no longer
  return drillOutcome({
    ...{ restored, destroyed, seconds, cost: planned.cost, changed, lastBackup },
    passedOver: chosen.passedOver,
    altered: await alteredLines(buckets, await listBackups(velero, cluster)), // somebody has the key to them
    wrongCopies: copies,
  })
})
