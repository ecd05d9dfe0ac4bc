import { change } from '../change.ts'
import { DryRunEnd, isDryRun } from '../dry-run.ts'
import { Problem } from '../problem.ts'
import { deleteBuckets } from '../store/buckets.ts'
import { removeKey } from '../store/keys.ts'
import { tell } from '../story.ts'
import { doctl, type Output, ToolFailure } from '../tools.ts'
import { backoff, waitFor } from '../wait.ts'
import type { Cluster } from './cluster.ts'
import { type Inventory, inventory } from './ours.ts'

/** Removes everything of ours at DigitalOcean, in the order in which it lets go: machines first, their network last. */
export async function removeCloud(cluster: Cluster): Promise<void> {
  const own = await inventory(cluster.cloud, cluster.name)
  await all(own.droplets, (one) =>
    gone(
      cluster,
      `droplet ${one.name}`,
      (now) => now.droplets.some((each) => each.id === one.id),
      () => doctl`compute droplet delete ${one.id} --force`,
    ),
  )
  await all(own.volumes, (one) =>
    gone(
      cluster,
      `volume ${one.name}`,
      (now) => now.volumes.some((each) => each.id === one.id),
      () => doctl`compute volume delete ${one.id} --force`,
    ),
  )
  await Promise.all([
    all(own.reservedIps, (one) =>
      gone(
        cluster,
        `reserved IP ${one.ip}`,
        (now) => now.reservedIps.some((each) => each.ip === one.ip),
        () => doctl`compute reserved-ip delete ${one.ip} --force`,
      ),
    ),
    all(own.firewalls, (one) =>
      gone(
        cluster,
        `firewall ${one.name}`,
        (now) => now.firewalls.some((each) => each.id === one.id),
        () => doctl`compute firewall delete ${one.id} --force`,
      ),
    ),
    all(own.sshKeys, (one) =>
      gone(
        cluster,
        `SSH key ${one.name}`,
        (now) => now.sshKeys.some((each) => each.id === one.id),
        () => doctl`compute ssh-key delete ${one.id} --force`,
      ),
    ),
    all(own.spacesKeys, async (one) => {
      await removeKey(cluster, one)
      if (!isDryRun()) tell('-', `Spaces key ${one.name}`)
    }),
    // The first network of a region is its default, which DigitalOcean never removes.
    all(
      own.vpcs.filter((one) => !one.default),
      (one) =>
        gone(
          cluster,
          `network ${one.name}`,
          (now) => now.vpcs.some((each) => each.id === one.id),
          () => doctl`vpcs delete ${one.id} --force`,
        ),
    ),
  ])
  await all(own.projects, (one) =>
    gone(
      cluster,
      `project ${one.name}`,
      (now) => now.projects.some((each) => each.id === one.id),
      () => doctl`projects delete ${one.id} --force`,
    ),
  )
  await removeTag(cluster)
}

async function removeTag(cluster: Cluster): Promise<void> {
  if (!(await cluster.cloud.tags()).includes(cluster.tag)) return
  // Snapshots that are kept backups carry it: then it stays.
  if ((await inventory(cluster.cloud, cluster.name)).snapshots.length > 0) return
  await doctl`compute tag delete ${cluster.tag} --force`
}

/** Removes both buckets with everything in them, and the snapshots that backups stand on. */
export async function removeBuckets(cluster: Cluster): Promise<void> {
  const own = await inventory(cluster.cloud, cluster.name)
  await all(own.snapshots, (one) =>
    gone(
      cluster,
      `snapshot ${one.name}`,
      (now) => now.snapshots.some((each) => each.id === one.id),
      () => doctl`compute snapshot delete ${one.id} --force`,
    ),
  )
  await removeTag(cluster)
  await deleteBuckets(cluster)
}

/** Deletes the GitOps repository. */
export async function removeRepository(cluster: Cluster): Promise<void> {
  const { github, place } = cluster
  if (!cluster.repository) return
  await change(`gh repo delete ${place.owner}/${place.name}`, () =>
    github.removeRepository(place.owner, place.name),
  )
  if (!isDryRun()) tell('-', `repository ${place.owner}/${place.name}`)
}

/** Looks again: what is still there of what should be gone. */
export async function whatIsLeft(cluster: Cluster, flags: { 'with-backups': boolean }): Promise<string[]> {
  if (isDryRun()) throw new DryRunEnd('nothing was removed')
  const own = await inventory(cluster.cloud, cluster.name)
  return [
    ...own.droplets.map((one) => `droplet ${one.name}`),
    ...own.volumes.map((one) => `volume ${one.name}`),
    ...own.reservedIps.map((one) => `reserved IP ${one.ip}`),
    ...own.firewalls.map((one) => `firewall ${one.name}`),
    ...own.vpcs.filter((one) => !one.default).map((one) => `network ${one.name}`),
    ...own.sshKeys.map((one) => `SSH key ${one.name}`),
    ...own.projects.map((one) => `project ${one.name}`),
    ...(flags['with-backups'] ? own.snapshots.map((one) => `snapshot ${one.name}`) : []),
  ]
}

/**
 * Removes one thing and waits until it is seen to be gone. A refusal may heal (a network's last members leave some
 * minutes after their droplets), and a 404 only means that an earlier attempt had its effect: so it is looked at.
 */
async function gone(
  cluster: Cluster,
  what: string,
  there: (now: Inventory) => boolean,
  remove: () => Promise<Output>,
): Promise<void> {
  if (isDryRun()) {
    await remove()
    return
  }
  const started = performance.now()
  const still = async () => there(await inventory(cluster.cloud, cluster.name))
  let said = ''
  let attempt = 0
  await waitFor({ wish: `${what} is gone`, every: 5, within: 600 }, async (note) => {
    if (attempt > 0 && !(await still())) return true
    attempt++
    try {
      await remove()
    } catch (error) {
      if (!(error instanceof ToolFailure)) throw error
      said = error.message
      if (!(await still())) return true
      await backoff(Math.min(attempt, 5))
    }
    note(said)
    return (await still()) ? undefined : true
  })
  tell('-', what, '', (performance.now() - started) / 1000)
}

/** Does all, even when one fails; then tells the failures together. */
async function all<T>(things: T[], work: (thing: T) => Promise<void>): Promise<void> {
  const results = await Promise.allSettled(things.map(work))
  const failed = results.filter((one) => one.status === 'rejected').map((one) => one.reason as unknown)
  if (failed.length === 1) throw failed[0]
  if (failed.length > 1)
    throw new Problem(failed.map((one) => (one instanceof Error ? one.message : String(one))).join('\n  '), {
      cure: 'Run the same command again: it goes on with what is left.',
    })
}
