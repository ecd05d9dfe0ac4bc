#!/usr/bin/env -S sh -c 'exec node --max-semi-space-size=4 --import "$(dirname "$(realpath "$0")")/../lib/commands/start.mjs" "$0" "$@"'
// Removes a cluster: shows exactly what, asks for its name, removes, looks again, names what is left.
import { lastBackupField, lastWhole } from '../lib/backup/index.ts'
import { confirmName, Field } from '../lib/base/index.ts'
import { describe } from '../lib/cluster/index.ts'
import {
  askingFlags,
  clusterFlags,
  nameBucketsThere,
  removal,
  removalOutcome,
  removeBuckets,
  removeCloud,
  removeLeftBundles,
  removeRepository,
  run,
  whatIsLeft,
} from '../lib/commands/index.ts'
import { lockForRemoval } from '../lib/gitops/index.ts'
import {
  assertNoRestore,
  forgetRestorations,
  preflightReading,
  unfinishedRestore,
} from '../lib/machines/index.ts'
import { openBuckets } from '../lib/store/index.ts'

const destroy = {
  about: 'Remove a cluster; its backups and repository are kept unless you say otherwise.',
  flags: {
    ...clusterFlags,
    'with-backups': { about: 'remove the buckets as well: kit and every backup' },
    'with-repository': { about: 'delete the GitOps repository as well' },
    unfinished: { about: 'also the machines of an unfinished restore' },
    confirm: { value: 'NAME', about: 'the cluster’s name, instead of typing it' },
    'confirm-backups': { value: 'BUCKET', about: 'likewise the name of the backups’ bucket' },
    'confirm-kit': { value: 'BUCKET', about: 'likewise the name of the kit’s bucket' },
    ...askingFlags,
  },
}

await run(destroy, async ({ flags, confirm }) => {
  const cluster = await describe(flags)
  await preflightReading(cluster, flags)
  await nameBucketsThere(cluster) // Git names them, and may name others than there are
  const buckets = await openBuckets(cluster, 'read')
  const lastBackup = lastBackupField(buckets && (await lastWhole(buckets, cluster)), cluster)
  const own = flags.unfinished ? await unfinishedRestore(cluster, buckets?.kit) : undefined
  const noOther = () => assertNoRestore(cluster, buckets?.kit, '--unfinished removes its machines as well.')
  if (!flags.unfinished) await noOther() // its machines may be the only copy
  const list = await removal(cluster, flags, buckets, own) // exactly what goes, what stays, and what it saves
  await confirm(list)
  if (!list.nothing) await confirmName('cluster', cluster.name, flags, 'confirm')
  const { velero, kit } = list.buckets // each is typed, because their names may come from Git
  if (velero) await confirmName('bucket', velero, flags, 'confirm-backups')
  if (kit) await confirmName('bucket', kit, flags, 'confirm-kit')

  lockForRemoval(cluster, flags, flags.unfinished ? async () => {} : noOther)
  await removeCloud(cluster, list.keep) // no volume or snapshot that is the only copy of something
  if (flags['with-backups']) await removeBuckets(cluster, list.keep)
  else {
    await removeLeftBundles(cluster, buckets?.kit) // what no machine came for holds every key of the cluster
    if (flags.unfinished) await forgetRestorations(cluster)
  }
  if (flags['with-repository']) await removeRepository(cluster)

  const left = await whatIsLeft(cluster, flags, list.keep)
  return removalOutcome(list, left, flags['with-backups'] ? new Field(null, 'none') : lastBackup)
})
