import { installSteps } from '#cloud-init/index.ts'
import { change, holdsLock } from '../base/change.ts'
import { tell } from '../base/story.ts'
import { cloudTime } from '../clients/clock.ts'
import type { Bucket } from '../clients/s3.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { ownMachines } from '../cluster/ours.ts'
import { reportKey } from './nodes.ts'

const prefix = 'bundles/'
const suffix = '.tar.gz'

/** Where a machine's bundle lies in the kit's bucket, until it fetched it. */
export const bundleKey = (name: string) => `${prefix}${name}${suffix}`

/** Seconds that the URLs of a bundle are signed for: the longest there is. */
export const bundleSeconds = 7 * 24 * 3600

/** Milliseconds after which a machine that was ordered shows in every list. */
const lag = 3600_000

/** What is known of machines when their bundles are judged. */
export interface Machines {
  /** Names of those that exist. */
  there: readonly string[]
  /** Names of those that the description wants. */
  wanted: readonly string[]
  /** Milliseconds since 1970, by the store's clock. */
  now: number
}

/**
 * Keys of bundles that no machine needs any more: it reported that it fetched its own, it is gone, or the URL that leads
 * there ended. A machine that still has to fetch its bundle keeps it, also one that is too new to show.
 */
export async function spentBundles(kit: Bucket, machines: () => Promise<Machines>): Promise<string[]> {
  const bundles = await kit.list(prefix)
  if (bundles.length === 0) return []
  const { there, wanted, now } = await machines()
  const reports = new Set((await kit.list('nodes/')).map(({ key }) => key))
  return bundles
    .filter(({ key, at }) => {
      const name = key.slice(prefix.length, -suffix.length)
      const age = now - at.getTime()
      // The step `started` says only that it is about to fetch; each later one that it did.
      if (installSteps('first-server').some((step) => reports.has(reportKey(name, step)))) return true
      if (age > bundleSeconds * 1000) return true
      return !there.includes(name) && !(wanted.includes(name) && age < lag)
    })
    .map(({ key }) => key)
}

const machinesOf = (cluster: Cluster) => async (): Promise<Machines> => ({
  there: (await ownMachines(cluster.cloud, cluster.name)).droplets.map(({ name }) => name),
  wanted: cluster.wanted.nodes.map(({ name }) => name),
  now: cloudTime(cluster.cloud).getTime(),
})

/** Whether bundles lie there that no machine needs: a run with nothing else to do removes them. */
export async function bundlesAreLeft(cluster: Cluster, kit: Bucket): Promise<boolean> {
  return (await spentBundles(kit, machinesOf(cluster))).length > 0
}

/** Removes the bundles that no machine needs; nothing where another run has the lock. */
export async function removeSpentBundles(cluster: Cluster, kit: Bucket): Promise<void> {
  const spent = await spentBundles(kit, machinesOf(cluster))
  if (spent.length === 0 || !(await holdsLock())) return
  await removeAll(kit, spent)
}

/** Removes every bundle of a cluster whose machines are all gone. */
export async function removeBundles(kit: Bucket): Promise<void> {
  await removeAll(
    kit,
    (await kit.list(prefix)).map(({ key }) => key),
  )
}

async function removeAll(kit: Bucket, keys: readonly string[]): Promise<void> {
  for (const key of keys) await change(`aws s3 rm s3://${kit.name}/${key}`, () => kit.remove(key))
  for (const key of keys)
    tell('-', `bundle ${key.slice(prefix.length, -suffix.length)}`, 'no machine needs it')
}
