import { change, mayChange } from '../../base/change.ts'
import { DryRunEnd, isDryRun } from '../../base/dry-run.ts'
import { again } from '../../base/hint.ts'
import { isShortLived } from '../../base/names.ts'
import { forAll } from '../../base/parallel.ts'
import { Problem, Problems } from '../../base/problem.ts'
import { tell } from '../../base/story.ts'
import { backoff, waitFor } from '../../base/wait.ts'
import { cloudTime } from '../../clients/clock.ts'
import type { SpacesKey } from '../../clients/digitalocean-types.ts'
import { asOf } from '../../clients/lately.ts'
import type { Bucket } from '../../clients/s3.ts'
import { doctl, ToolFailure } from '../../clients/tools.ts'
import { bucketPlaces, type Cluster } from '../../cluster/cluster.ts'
import {
  inventory,
  isOursNow,
  ownSnapshots,
  seeOne,
  type Things,
  type Told,
  told,
} from '../../cluster/ours.ts'
import { type Kind, type Kinds, resources, steps } from '../../cluster/resources.ts'
import { whyItStays } from '../../gitops/whose-repository.ts'
import { isGiven, strangers } from '../../machines/foundation/strangers.ts'
import { openBuckets } from '../../store/buckets.ts'
import { removeBundles } from '../../store/bundles.ts'
import { missingBuckets } from '../../store/existence.ts'
import { isAbandoned, removeKey } from '../../store/keys.ts'
import { deleteBuckets } from '../../store/setup.ts'
import { going, type Kept, seenIn } from './removal.ts'

/**
 * Removes everything of ours at DigitalOcean but what is to stay, in the order in which it lets go: load balancers, which
 * are known by the machines behind them; machines; their network last.
 */
export async function removeCloud(cluster: Cluster, keep: Kept): Promise<void> {
  const own = await inventory(cluster.cloud, cluster.name)
  const others = strangers(cluster, own, keep.noted)
  if (others.length > 0) throw new Problems(others)
  nothingCame(own, keep.seen)
  const known = { droplets: new Set(own.droplets.map((one) => one.id)), noted: keep.noted }
  const goes = going(own, keep)
  for (const step of steps)
    await Promise.all(
      step.map((kind) =>
        kind === 'spacesKeys'
          ? removeKeys(cluster, own.spacesKeys)
          : forAll(
              goes.filter((one) => one.kind === kind),
              (one) => gone(cluster, kind, one, known),
            ),
      ),
    )
  await removeTag(cluster)
}

/** A key goes at once, whatever lists say; this run still looks with its own, and puts it away at its end. */
async function removeKeys(cluster: Cluster, keys: readonly SpacesKey[]): Promise<void> {
  const now = cloudTime(cluster.cloud).getTime()
  await forAll(
    keys.filter((one) => !isShortLived(one.name) || isAbandoned(one, now, true)),
    async (one) => {
      await removeKey(cluster, one)
      if (!isDryRun()) tell('-', `Spaces key ${one.name}`)
    },
  )
}

/** @throws Problem for what came since a person was shown what goes: nothing of it was agreed to */
function nothingCame(own: Things, seen: Kept['seen']): void {
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

/** Removes both buckets with everything in them, and the snapshots that backups stand on. */
export async function removeBuckets(cluster: Cluster, keep: Pick<Kept, 'seen'>): Promise<void> {
  const snapshots = told({ snapshots: await ownSnapshots(cluster.cloud, cluster.name) }, ['snapshots'])
  await forAll(
    snapshots.filter(({ id }) => Object.hasOwn(keep.seen, id)),
    (one) => gone(cluster, 'snapshots', one),
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
    ...going(own, keep).map(({ what }) => what),
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

/** What is known of a cluster whose things go. */
interface Known {
  droplets?: ReadonlySet<string>
  /** Names of machines that the kit's bucket has a note of. */
  noted?: ReadonlySet<string>
}

/** Whether a thing is the cluster's, as it is now. */
async function isStillOurs<K extends Kind>(cluster: Cluster, kind: K, one: Kinds[K], known: Known) {
  const { id, name } = resources[kind]
  if (kind === 'droplets' && !isGiven(cluster, name(one), known.noted)) return false
  // Emptied, only its description can tell; it was found with the cluster's things in it.
  const project = kind === 'projects' ? { id: id(one), urns: new Set<string>() } : undefined
  return isOursNow(cluster, kind, one, { ...known, project })
}

/**
 * Removes one thing and waits until it is seen to be gone. Right before, it is asked once more whose it is. A refusal may heal
 * (a network's last members leave some minutes after their droplets), and a 404 only means that an earlier attempt had its
 * effect: so it is looked at.
 * @throws Problem where it is not the cluster's any more
 */
async function gone(cluster: Cluster, kind: Kind, { id, what }: Told, known: Known = {}): Promise<void> {
  const { remove } = resources[kind]
  const asTold = (since: number) => ({ ...cluster, cloud: asOf(cluster.cloud, since) })
  if (isDryRun()) {
    await remove(id)
    return
  }
  const started = performance.now()
  let accepted = false
  let since = started
  let attempt = 0
  await waitFor({ until: `${what} is gone`, every: 5, within: 600 }, async (note) => {
    if (!accepted) {
      // Others wait for the same lists: what they were told within this second will do.
      const recent = asTold(performance.now() - 1000)
      const one = await seeOne(recent, kind, id)
      if (one && !(await isStillOurs(recent, kind, one, known)))
        throw new Problem(`${what} is not of cluster ${cluster.name} any more: it was left as it is`, {
          cure: `Run ${again()}: it shows what goes now.`,
        })
      try {
        await remove(id)
        accepted = true
      } catch (error) {
        if (!(error instanceof ToolFailure)) throw error
        note(error.message)
      }
      since = performance.now()
    }
    if (!(await seeOne(asTold(Math.max(since, performance.now() - 1000)), kind, id))) return true
    // What was given away again is there for ever; a run that took the lock over may have been given it.
    if (accepted) await mayChange()
    // Each look is a request of the account's 250 a minute: a thing that stays is asked after ever more seldom.
    await backoff(Math.min(++attempt, 5))
    return undefined
  })
  tell('-', what, '', (performance.now() - started) / 1000)
}
