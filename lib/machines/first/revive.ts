import { installSteps, type Report, type Step } from '#cloud-init/index.ts'
import { change, holdsSince } from '../../base/change.ts'
import { isDryRun } from '../../base/dry-run.ts'
import { again } from '../../base/hint.ts'
import { names } from '../../base/names.ts'
import { Problem } from '../../base/problem.ts'
import { tell } from '../../base/story.ts'
import type { Droplet } from '../../clients/digitalocean-types.ts'
import type { Bucket } from '../../clients/s3.ts'
import { doctl, ToolFailure } from '../../clients/tools.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import type { Description } from '../../cluster/description.ts'
import { describeInGit } from '../../gitops/claim.ts'
import { hasPlatform } from '../../kubernetes/applications.ts'
import { apiAnswers, runKubeconfig } from '../../kubernetes/kubeconfig.ts'
import { silenceDeadline } from '../../kubernetes/reports.ts'
import type { Buckets } from '../../store/buckets.ts'
import { bundleKey } from '../../store/bundles.ts'
import { readKit } from '../../store/kit.ts'
import { readNote, readReport, reportKey } from '../../store/nodes.ts'
import { findDroplets } from '../foundation/droplet.ts'
import { assertOurs, removeDroplet } from '../foundation/still-ours.ts'
import { firstServerName } from './first-server.ts'

const week = 7 * 24 * 3600_000

/**
 * A first server that once ran and is gone leaves its number behind, because names are never used twice: the wish gets
 * the next one, so that the plan shows what will be made. The buckets tell whether it ever ran, and of earlier ones too
 * where the description that counted them is lost.
 * @param droplets those of the cluster that exist
 */
export async function renumberLostServer(
  cluster: Cluster,
  droplets: readonly Droplet[],
  { kit }: Buckets,
): Promise<void> {
  const name = firstServerName(cluster)
  if (droplets.some((one) => one.name === name)) return
  if (!(await everReported(kit, name))) return
  while (await everReported(kit, firstServerName(cluster))) takeNextNumber(cluster)
  tell('·', `first server ${firstServerName(cluster)}`, `instead of ${name}: it is gone`)
  tell('!', 'backups', `those of ${name} stay; this run grows an empty cluster beside them`)
}

/**
 * Helps a first server that an earlier run left in trouble, so that the same command completes once the cause is gone:
 * a droplet that never got its bundle is replaced (user-data cannot be changed, its URLs end after seven days), and so is
 * one of which nothing was heard in its time. None that answers or has a volume plugged in is: what a node reports is its
 * own word. One whose later step failed is restarted, because its unit takes up the work at boot; unless Kubernetes there
 * has all that the step brings.
 */
export async function repairFirstServer(cluster: Cluster, buckets: Buckets): Promise<void> {
  if (isDryRun()) return
  const name = firstServerName(cluster)
  const [[droplet], note, reports] = await Promise.all([
    findDroplets(cluster, name, holdsSince()),
    readNote(buckets.kit, name),
    reportsOf(buckets.kit, name),
  ])
  if (!note) return
  if (!droplet) {
    if (reports.length === 0) return
    throw new Problem(`droplet ${name} vanished while this run looked`, {
      cure: `Run ${again()}: it shows what it will make in its place.`,
    })
  }
  if (reports.some((one) => one.step === note.lastStep && one.state === 'done')) return
  const failed = reports.find((one) => one.state === 'failed')
  const fetched = reports.some((one) => one.step !== 'started' && one.state === 'done')
  const age = Date.now() + cluster.cloud.clockOffset() - Date.parse(note.at)
  const expired = !fetched && age > week
  // A machine that fetched its bundle removed it.
  const silent =
    reports.length === 0 && age > silenceDeadline * 1000 && (await buckets.kit.exists(bundleKey(name)))
  // Before it has its bundle a node has one URL, and says by it that the bundle never came.
  if ((failed?.step === 'started' && !fetched) || expired || silent) {
    const why = expired ? 'its URLs expired after seven days' : (failed?.message ?? 'it never reported')
    const alive = await signOfLife(droplet)
    if (alive) tell('!', `droplet ${name}`, `${why}; ${alive}, so it stays`)
    else await replace(cluster, droplet, why)
  } else if (failed && failed.step !== 'started') {
    if (await isGrown(cluster, buckets, droplet))
      tell(
        '!',
        `droplet ${name}`,
        `says that its step “${failed.step}” failed (${failed.message}); but its cluster has the platform, so it is left as it is`,
      )
    else await restart(cluster, buckets, droplet, failed)
  }
}

/** What shows that a machine works or has data, whatever it reported; undefined where nothing does. */
async function signOfLife(droplet: Droplet): Promise<string | undefined> {
  if (droplet.volume_ids.length > 0) return 'but a volume is plugged into it'
  const heard = await Promise.all(publicAddresses(droplet).map(apiAnswers))
  return heard.includes(true) ? 'but its Kubernetes API answers' : undefined
}

const publicAddresses = ({ networks }: Droplet) =>
  networks.v4.flatMap((one) => (one.type === 'public' ? [one.ip_address] : []))

/** Whether Kubernetes on a first server has the platform, which is the last thing that the machine itself brings. */
async function isGrown(cluster: Cluster, buckets: Buckets, droplet: Droplet): Promise<boolean> {
  const kit = await readKit(buckets)
  if (!kit) return false
  for (const address of publicAddresses(droplet))
    if (await hasPlatform({ file: await runKubeconfig(cluster, kit, address) })) return true
  return false
}

/** Whether a server of this name was ever heard of: then its name is used up. */
export const everReported = async (kit: Bucket, name: string) => (await reportsOf(kit, name)).length > 0

async function reportsOf(kit: Bucket, name: string): Promise<Report[]> {
  const steps: Step[] = ['started', ...installSteps('first-server')]
  const found = await Promise.all(steps.map((step) => readReport(kit, name, step)))
  return found.filter((one) => one !== undefined)
}

async function replace(cluster: Cluster, droplet: Droplet, why: string): Promise<void> {
  // Killed behind this, the next run finds it lost and takes the next number by itself.
  await removeDroplet(cluster, droplet, why)
  takeNextNumber(cluster)
  await describeInGit(cluster)
  tell('~', `first server ${firstServerName(cluster)}`, `instead of ${droplet.name}: ${why}`)
}

/** Wishes for the first server under the next number; it goes into Git before anything is made under it. */
export function takeNextNumber(cluster: Cluster): void {
  cluster.wanted = renumbered(cluster.wanted, firstServerName(cluster))
}

/** The same machine under the next number. */
export function renumbered(before: Description, name: string): Description {
  const next = names.droplet(before.cluster, before.nextNode)
  return {
    ...before,
    nodes: before.nodes.map((node) => (node.name === name ? { ...node, name: next } : node)),
    nextNode: before.nextNode + 1,
  }
}

/** Starts a machine anew: in order where it has data, and hard where it has none and may hang. */
async function restart(cluster: Cluster, buckets: Buckets, droplet: Droplet, failed: Report): Promise<void> {
  await assertOurs(cluster, droplet.id)
  const key = reportKey(droplet.name, failed.step)
  await change(`aws s3 rm s3://${buckets.kit.name}/${key}`, () => buckets.kit.remove(key))
  const hasData = droplet.volume_ids.length > 0
  const how = hasData ? 'rebooted' : 'power-cycled'
  try {
    if (hasData) await doctl`compute droplet-action reboot ${droplet.id}`
    else await doctl`compute droplet-action power-cycle ${droplet.id}`
  } catch (error) {
    if (!(error instanceof ToolFailure)) throw error
    tell('!', `droplet ${droplet.name}`, `could not be ${how}; it may be starting already`)
  }
  tell('~', `droplet ${droplet.name}`, `${how}: its step “${failed.step}” had failed (${failed.message})`)
}
