import { change, mayChange } from '../../base/change.ts'
import { DryRunEnd, isDryRun } from '../../base/dry-run.ts'
import { again } from '../../base/hint.ts'
import { forAll } from '../../base/parallel.ts'
import { Problem, Problems } from '../../base/problem.ts'
import { tell } from '../../base/story.ts'
import { backoff, waitFor } from '../../base/wait.ts'
import { cloudTime } from '../../clients/clock.ts'
import type { DigitalOcean } from '../../clients/digitalocean.ts'
import type { Snapshot } from '../../clients/digitalocean-types.ts'
import { asOf } from '../../clients/lately.ts'
import type { Bucket } from '../../clients/s3.ts'
import { doctl, type Output, ToolFailure } from '../../clients/tools.ts'
import { bucketPlaces, type Cluster } from '../../cluster/cluster.ts'
import { type Inventory, inventory, isOurs, type OwnProject, ownProject } from '../../cluster/ours.ts'
import { whyItStays } from '../../gitops/whose-repository.ts'
import { isGiven, strangers } from '../../machines/foundation/strangers.ts'
import { openBuckets } from '../../store/buckets.ts'
import { removeBundles } from '../../store/bundles.ts'
import { missingBuckets } from '../../store/existence.ts'
import { isAbandoned, isShortLived, removeKey } from '../../store/keys.ts'
import { deleteBuckets } from '../../store/setup.ts'
import { type Kept, seenIn } from './removal.ts'

/**
 * Removes everything of ours at DigitalOcean but what is to stay, in the order in which it lets go: load balancers, which
 * are known by the machines behind them; machines; their network last.
 */
export async function removeCloud(cluster: Cluster, keep: Kept): Promise<void> {
  const { cloud } = cluster
  const own = await inventory(cloud, cluster.name)
  const others = strangers(cluster, own, keep.noted)
  if (others.length > 0) throw new Problems(others)
  nothingCame(own, keep.seen)
  const now = cloudTime(cloud).getTime()
  const known = { droplets: new Set(own.droplets.map((one) => one.id)) }
  await forAll(own.loadBalancers ?? [], (one) =>
    gone(cluster, {
      what: `load balancer ${one.name}`,
      look: async (cloud) => (await cloud.loadBalancers()).find((each) => each.id === one.id),
      isOurs: async (one, project) => isOurs('loadBalancer', one, cluster.name, await project(), known),
      remove: () => doctl`compute load-balancer delete ${one.id} --force`,
    }),
  )
  await forAll(own.droplets, (one) =>
    gone(cluster, {
      what: `droplet ${one.name}`,
      look: (cloud) => cloud.droplet(one.id),
      isOurs: async (one, project) =>
        isGiven(cluster, one.name, keep.noted) &&
        (isOurs('droplet', one, cluster.name) || isOurs('droplet', one, cluster.name, await project())),
      remove: () => doctl`compute droplet delete ${one.id} --force`,
    }),
  )
  await forAll(
    own.volumes.filter((one) => !keep.volumes.has(one.id)),
    (one) =>
      gone(cluster, {
        what: `volume ${one.name}`,
        look: async (cloud) => (await cloud.volumes()).find((each) => each.id === one.id),
        isOurs: async (one, project) =>
          isOurs('volume', one, cluster.name) || isOurs('volume', one, cluster.name, await project()),
        remove: () => doctl`compute volume delete ${one.id} --force`,
      }),
  )
  await removeSnapshots(
    cluster,
    own.snapshots.filter((one) => !keep.snapshots.has(one.id)),
  )
  await Promise.all([
    forAll(
      own.reservedIps.filter((one) => !keep.reservedIps.has(one.ip)),
      (one) =>
        gone(cluster, {
          what: `reserved IP ${one.ip}`,
          look: async (cloud) => (await cloud.reservedIps()).find((each) => each.ip === one.ip),
          isOurs: async (one, project) => isOurs('reservedIp', one, cluster.name, await project()),
          remove: () => doctl`compute reserved-ip delete ${one.ip} --force`,
        }),
    ),
    forAll(own.firewalls, (one) =>
      gone(cluster, {
        what: `firewall ${one.name}`,
        look: async (cloud) => (await cloud.firewalls()).find((each) => each.id === one.id),
        isOurs: async (one) => isOurs('firewall', one, cluster.name),
        remove: () => doctl`compute firewall delete ${one.id} --force`,
      }),
    ),
    forAll(own.sshKeys, (one) =>
      gone(cluster, {
        what: `SSH key ${one.name}`,
        look: async (cloud) => (await cloud.sshKeys()).find((each) => each.id === one.id),
        isOurs: async (one) => isOurs('sshKey', one, cluster.name),
        remove: () => doctl`compute ssh-key delete ${one.id} --force`,
      }),
    ),
    // This run still looks with its own, and puts it away at its end.
    forAll(
      own.spacesKeys.filter((one) => !isShortLived(one.name) || isAbandoned(one, now, true)),
      async (one) => {
        await removeKey(cluster, one)
        if (!isDryRun()) tell('-', `Spaces key ${one.name}`)
      },
    ),
    forAll(
      own.vpcs.filter((one) => !keep.networks.has(one.id)),
      (one) =>
        gone(cluster, {
          what: `network ${one.name}`,
          look: async (cloud) => (await cloud.vpcs()).find((each) => each.id === one.id),
          isOurs: async (one) => isOurs('vpc', one, cluster.name),
          remove: () => doctl`vpcs delete ${one.id} --force`,
        }),
    ),
  ])
  await forAll(keep.project ? [] : own.projects, (one) =>
    gone(cluster, {
      what: `project ${one.name}`,
      look: async (cloud) => (await cloud.projects()).find((each) => each.id === one.id),
      // Emptied, only its description can tell; it was found with the cluster's things in it.
      isOurs: async (now) => now.name === one.name && !now.is_default,
      remove: () => doctl`projects delete ${one.id} --force`,
    }),
  )
  await removeTag(cluster)
}

/** @throws Problem for what came since a person was shown what goes: nothing of it was agreed to */
function nothingCame(own: Inventory, seen: Kept['seen']): void {
  const late = Object.entries(seenIn(own)).flatMap(([id, what]) => (Object.hasOwn(seen, id) ? [] : [what]))
  if (late.length > 0)
    throw new Problem(`${late.join(', ')} came since it was shown what goes: nothing was removed`, {
      cure: `Run ${again()}: it shows what goes now.`,
    })
}

async function removeTag(cluster: Cluster): Promise<void> {
  if (!(await cluster.cloud.tags()).includes(cluster.tag)) return
  // Snapshots and volumes that are kept are known by it: then it stays.
  const { snapshots, volumes } = await inventory(cluster.cloud, cluster.name)
  if (snapshots.length + volumes.length > 0) return
  await doctl`compute tag delete ${cluster.tag} --force`
}

async function removeSnapshots(cluster: Cluster, snapshots: readonly Snapshot[]): Promise<void> {
  await forAll(snapshots, (one) =>
    gone(cluster, {
      what: `snapshot ${one.name}`,
      look: async (cloud) => (await cloud.volumeSnapshots()).find((each) => each.id === one.id),
      isOurs: async (one) => isOurs('snapshot', one, cluster.name),
      remove: () => doctl`compute snapshot delete ${one.id} --force`,
    }),
  )
}

/** Removes both buckets with everything in them, and the snapshots that backups stand on. */
export async function removeBuckets(cluster: Cluster, keep: Pick<Kept, 'seen'>): Promise<void> {
  const { cloud } = cluster
  const { snapshots } = await inventory(cloud, cluster.name)
  await removeSnapshots(
    cluster,
    snapshots.filter(({ id }) => Object.hasOwn(keep.seen, id)),
  )
  await removeTag(cluster)
  await deleteBuckets(cluster)
}

/**
 * Removes the bundles of machines that are gone, where the buckets stay: no run may ever come that does it.
 * @param seen the kit's bucket as this run looks into it
 */
export async function removeLeftBundles(cluster: Cluster, seen: Bucket | undefined): Promise<void> {
  if (!seen || (await seen.list('bundles/', 1)).length === 0) return
  const kit = (await openBuckets(cluster, 'readwrite'))?.kit
  if (kit) await removeBundles(kit)
}

/** Deletes the GitOps repository; right before, it is looked at once more. @throws Problem where it holds more than this cluster */
export async function removeRepository(cluster: Cluster): Promise<void> {
  const { github, place } = cluster
  if (!cluster.repository || !(await github.repository(place.owner, place.name))) return
  const stays = await whyItStays(cluster)
  if (stays) throw stays
  await change(`gh repo delete ${place.owner}/${place.name}`, () =>
    github.removeRepository(place.owner, place.name),
  )
  if (!isDryRun()) tell('-', `repository ${place.owner}/${place.name}`)
}

/**
 * Looks again: what is still there of what should be gone. Lists lag behind what was removed, so something that is
 * still in one is looked at some times more, for some ten seconds.
 */
export async function whatIsLeft(
  cluster: Cluster,
  flags: { 'with-backups': boolean; 'with-repository': boolean },
  keep: Kept,
): Promise<string[]> {
  if (isDryRun()) throw new DryRunEnd('nothing was removed')
  for (let attempt = 1; ; attempt++) {
    const left = await leftNow(cluster, flags, keep)
    if (left.length === 0 || attempt === 6) return left
    await backoff(attempt)
  }
}

async function leftNow(
  cluster: Cluster,
  flags: { 'with-backups': boolean; 'with-repository': boolean },
  keep: Kept,
): Promise<string[]> {
  const { cloud, github, place, name, tag } = cluster
  const [own, tags, repository] = await Promise.all([
    inventory(cloud, name),
    cloud.tags(),
    flags['with-repository'] ? github.repository(place.owner, place.name) : undefined,
  ])
  const isKept = own.volumes.length + own.snapshots.length > 0
  return [
    ...(own.loadBalancers ?? []).map((one) => `load balancer ${one.name}`),
    ...own.droplets.map((one) => `droplet ${one.name}`),
    ...own.volumes.filter((one) => !keep.volumes.has(one.id)).map((one) => `volume ${one.name}`),
    ...own.snapshots.filter((one) => !keep.snapshots.has(one.id)).map((one) => `snapshot ${one.name}`),
    ...own.reservedIps.filter((one) => !keep.reservedIps.has(one.ip)).map((one) => `reserved IP ${one.ip}`),
    ...own.firewalls.map((one) => `firewall ${one.name}`),
    ...own.vpcs.filter((one) => !keep.networks.has(one.id)).map((one) => `network ${one.name}`),
    ...own.sshKeys.map((one) => `SSH key ${one.name}`),
    ...(keep.project ? [] : own.projects.map((one) => `project ${one.name}`)),
    ...own.spacesKeys.filter((one) => !isShortLived(one.name)).map((one) => `Spaces key ${one.name}`),
    ...(tags.includes(tag) && !isKept ? [`tag ${tag}`] : []),
    ...(flags['with-backups'] ? await bucketsLeft(cluster) : []),
    ...(repository ? [`repository ${place.owner}/${place.name}`] : []),
  ]
}

async function bucketsLeft(cluster: Cluster): Promise<string[]> {
  const places = bucketPlaces(cluster)
  if (!places.spaces) return []
  const missing = await missingBuckets(places)
  return [places.velero, places.kit].filter((one) => !missing.includes(one)).map((one) => `bucket ${one}`)
}

/** One thing that goes. */
interface Going<T> {
  what: string
  /** The thing as it is; undefined when there is none. */
  look: (cloud: DigitalOcean) => Promise<T | undefined>
  /** Whether it is the cluster's now; `project` is the cluster's, where that is needed to tell. */
  isOurs: (thing: T, project: () => Promise<OwnProject | undefined>) => Promise<boolean>
  remove: () => Promise<Output>
}

/**
 * Removes one thing and waits until it is seen to be gone. Right before, it is asked once more whose it is. A refusal may heal
 * (a network's last members leave some minutes after their droplets), and a 404 only means that an earlier attempt had its
 * effect: so it is looked at.
 * @throws Problem where it is not the cluster's any more
 */
async function gone<T>({ cloud, name }: Cluster, { what, look, isOurs, remove }: Going<T>): Promise<void> {
  if (isDryRun()) {
    await remove()
    return
  }
  const started = performance.now()
  let accepted = false
  let since = started
  let attempt = 0
  await waitFor({ until: `${what} is gone`, every: 5, within: 600 }, async (note) => {
    if (!accepted) {
      // Others wait for the same lists: what they were told within this second will do.
      const recent = asOf(cloud, performance.now() - 1000)
      const thing = await look(recent)
      if (thing && !(await isOurs(thing, () => ownProject(recent, name))))
        throw new Problem(`${what} is not of cluster ${name} any more: it was left as it is`, {
          cure: `Run ${again()}: it shows what goes now.`,
        })
      try {
        await remove()
        accepted = true
      } catch (error) {
        if (!(error instanceof ToolFailure)) throw error
        note(error.message)
      }
      since = performance.now()
    }
    if (!(await look(asOf(cloud, Math.max(since, performance.now() - 1000))))) return true
    // What was given away again is there for ever; a run that took the lock over may have been given it.
    if (accepted) await mayChange()
    // Each look is a request of the account's 250 a minute: a thing that stays is asked after ever more seldom.
    await backoff(Math.min(++attempt, 5))
    return undefined
  })
  tell('-', what, '', (performance.now() - started) / 1000)
}
