import { change } from '../../base/change.ts'
import { command, hint } from '../../base/hint.ts'
import { Problem } from '../../base/problem.ts'
import { shellQuote } from '../../base/shell-quote.ts'
import { tell } from '../../base/story.ts'
import type { Kube } from '../../clients/tools.ts'
import { bucketPlaces, type Cluster, describe } from '../../cluster/cluster.ts'
import { kubectlRepeated } from '../../kubernetes/repeated.ts'
import { firstServerName } from '../../machines/first/first-server.ts'
import { type Buckets, openBuckets } from '../../store/buckets.ts'
import { giveClusterKey } from '../take/cluster-key.ts'

/** Flags that mean something only with another one, or nothing with it. @throws Problem (exit code 2) */
export function fitTogether(flags: {
  as: string | undefined
  region: string | undefined
  'as-repo': string | undefined
  replace: boolean
  'with-apps': boolean
  backup: string | undefined
  undelete: boolean
}): void {
  const wrong = (message: string, cure: string) => new Problem(message, { cure, exitCode: 2 })
  if (flags.undelete && (flags.backup === undefined || flags.backup === 'latest'))
    throw wrong(
      '--undelete needs the name of a backup',
      `Name it with --backup NAME; ${command('scripts/backups.mts', '--deleted')} lists those that can be brought back.`,
    )
  if (flags.as !== undefined && flags.replace)
    throw wrong(
      '--replace and --as do not go together: beside the original nothing is replaced',
      'Omit one of them.',
    )
  const alone = [
    ...(flags.region === undefined ? [] : ['--region']),
    ...(flags['as-repo'] === undefined ? [] : ['--as-repo']),
    ...(flags['with-apps'] ? ['--with-apps'] : []),
  ]
  if (flags.as === undefined && alone.length > 0)
    throw wrong(
      `${alone[0]} works only with --as`,
      'Without --as the cluster comes back as Git describes it, with its apps.',
    )
}

/**
 * Describes a cluster that is to stand beside the original and be made from its backup: like it, with a name,
 * repository, network, keys and buckets of its own; without its domain, so that no certificate is asked for.
 * @param repo its repository, where that is not the usual one
 * @throws Problem (exit code 2) when it cannot be told from the original
 */
export async function besideOriginal(
  original: Cluster,
  name: string,
  { region, repo }: { region: string | undefined; repo: string | undefined },
): Promise<Cluster> {
  if (name === original.name)
    throw new Problem(`--as ${name} is the name of the cluster itself`, {
      cure: 'Give another name; without --as the cluster itself comes back.',
      exitCode: 2,
    })
  const places = bucketPlaces(original)
  if (!places.spaces)
    throw new Problem(
      'a cluster beside the original needs buckets of its own, and regrow can make them only in Spaces',
      {
        cure: 'Make two buckets there, describe the other cluster in a cluster.yaml, and copy the backup.',
      },
    )
  const cluster = await describe({ name, repo })
  const { domain: _, email: __, ...alike } = original.wanted
  const { nodes, nextNode, network } = cluster.wanted
  const where = region ?? cluster.committed?.region ?? alike.region
  cluster.wanted = { ...alike, cluster: name, region: where, nodes, nextNode, network, store: {} }
  cluster.original = places
  return cluster
}

/**
 * Ends what a cluster beside the original may do with the original's backups, once it is proven: its storage location
 * and its key for them go, and so does what its restore wrote beside them (velero `PutRestoreLog`). Its Velero gets a
 * key for its own bucket alone.
 */
export async function leaveOriginal(
  kube: Kube,
  cluster: Cluster,
  original: Cluster,
  buckets: Buckets,
): Promise<void> {
  await kubectlRepeated(kube)`delete backupstoragelocations.velero.io default -n velero --ignore-not-found`
  await giveClusterKey(kube, cluster, buckets)
  const velero = (await openBuckets(original, 'readwrite'))?.velero
  for (const { key: left } of (await velero?.list(`restores/restore-${firstServerName(cluster)}`)) ?? [])
    await change(`aws s3 rm ${shellQuote(`s3://${velero?.name}/${left}`)}`, async () => velero?.remove(left))
  tell('-', `access to the backups of ${original.name}`, 'they are unchanged')
}

/** That a copy which is not proven still writes to the original's backups, as what stays of its restore. */
export const accessKept = (cluster: Cluster, original: Cluster): string =>
  `write access of ${cluster.name} to the backups of ${original.name}, until it is proven, or removed: ${hint('scripts/destroy.mts', cluster)}`
