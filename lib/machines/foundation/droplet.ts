import { join } from 'node:path'
import { isDryRun } from '../../base/dry-run.ts'
import { again } from '../../base/hint.ts'
import { writePrivate } from '../../base/private-file.ts'
import { Problem } from '../../base/problem.ts'
import { tell } from '../../base/story.ts'
import { waitFor } from '../../base/wait.ts'
import { workFolder } from '../../base/work-folder.ts'
import type { Droplet, Project, ReservedIp, SshKey } from '../../clients/digitalocean-types.ts'
import { ensure } from '../../clients/ensure.ts'
import { asOf } from '../../clients/lately.ts'
import { doctl } from '../../clients/tools.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { isOurs, ownProject } from '../../cluster/ours.ts'
import { resources } from '../../cluster/resources.ts'
import { assignAddress } from './address.ts'
import type { Network } from './network.ts'
import { ensureInProject } from './project.ts'
import { removeDroplet } from './still-ours.ts'

/** What a droplet is made of. */
export interface DropletSpec {
  name: string
  size: string
  userData: string
  project: Project
  network: Network
  sshKey: SshKey
  /** The reserved IP that leads to it, for a first server. */
  address?: ReservedIp
}

/**
 * The droplet of this name that is ours, if there is one. Names are not unique at DigitalOcean.
 * @param since by `performance.now()`: an answer that was asked for since then will do
 */
export async function findDroplets(
  cluster: Cluster,
  name: string,
  since = performance.now(),
): Promise<Droplet[]> {
  const cloud = asOf(cluster.cloud, since)
  const named = await cloud.dropletsNamed(name)
  if (named.every((one) => isOurs('droplets', one, cluster.name))) return named
  const project = await ownProject(cloud, cluster.name)
  return named.filter((one) => isOurs('droplets', one, cluster.name, project))
}

/** A droplet, powered on and, where it has one, with its reserved IP. It installs itself from its user-data. */
export async function ensureDroplet(cluster: Cluster, spec: DropletSpec): Promise<Droplet> {
  let active: Droplet | undefined
  for (let attempt = 1; !active; attempt++) {
    const made = await makeDroplet(cluster, spec)
    active = isDryRun() ? made : await powered(cluster, made)
    if (!active) await removeUnmade(cluster, made, attempt)
  }
  if (!isDryRun() && !active.tags.includes(cluster.tag)) await tagAgain(cluster, active)
  if (!isDryRun()) await ensureInProject(cluster, spec.project, [active])
  if (spec.address) await assignAddress(cluster, spec.address, active)
  return active
}

/** A droplet that was ordered, or is there: it may not be on yet. */
export async function makeDroplet(cluster: Cluster, spec: DropletSpec): Promise<Droplet> {
  const { region, image } = cluster.wanted
  const file = join(workFolder(), `${spec.name}.user-data`)
  writePrivate(file, spec.userData)
  return ensure({
    what: `droplet ${spec.name}`,
    look: (since) => findDroplets(cluster, spec.name, since),
    act: () =>
      doctl`compute droplet create ${spec.name} --region ${region} --size ${spec.size} --image ${image} --vpc-uuid ${spec.network.vpc.id} --ssh-keys ${spec.sshKey.id} --tag-names ${cluster.tag} --project-id ${spec.project.id} --droplet-agent=false --user-data-file ${file}`,
    detail: (droplet) => `${droplet.size_slug}, ${droplet.region.slug}`,
    imagined: imaginedDroplet(spec.name, spec.size, region),
    hopeless: () => noRoomInAccount(cluster, spec.name),
    // It is billed, so its twin is looked for longer.
    patience: 15,
    // The older one may already be installing itself with the only bundle there is.
    prefer: (twins) => twins.toSorted((a, b) => Number(a.id) - Number(b.id))[0],
    remove: (twin) => resources.droplets.remove(twin.id),
  })
}

async function noRoomInAccount({ cloud }: Cluster, name: string): Promise<Problem | undefined> {
  const [{ droplet_limit: limit }, all] = await Promise.all([cloud.account(), cloud.droplets()])
  return limit > 0 && all.length >= limit
    ? new Problem(`droplet ${name} could not be made: the account has its ${limit} droplets`, {
        cure: `Ask DigitalOcean to raise the limit. Then run ${again()}: it goes on from here.`,
      })
    : undefined
}

/** Without its tag the firewall would not stand before it. */
async function tagAgain(cluster: Cluster, droplet: Droplet): Promise<void> {
  await doctl`compute droplet tag ${droplet.id} --tag-name ${cluster.tag}`
  tell('~', `droplet ${droplet.name}`, `its tag ${cluster.tag} was gone: put back`)
}

/** Whether DigitalOcean began a droplet and could not make it: it stays `new` for ever, and is billed. */
export async function isUnmade({ cloud }: Cluster, droplet: Droplet): Promise<boolean> {
  if (droplet.status !== 'new') return false
  const actions = await cloud.dropletActions(droplet.id).catch(() => [])
  return actions.some((one) => one.status === 'errored')
}

/**
 * What DigitalOcean began and could not make never ran and holds nothing: it goes, so that another can have its name.
 * @throws Problem when this was the third attempt to make it
 */
export async function removeUnmade(cluster: Cluster, droplet: Droplet, attempt: number): Promise<void> {
  await removeDroplet(cluster, droplet, 'its create action errored at DigitalOcean')
  if (attempt === 3)
    throw new Problem(
      `DigitalOcean could not make droplet ${droplet.name}: its create action errored three times`,
      {
        cure: `Nothing of it is left. Look at https://status.digitalocean.com, and run ${again()} later.`,
      },
    )
}

/**
 * Waits until a new droplet is on and nothing of it is pending; what is off is powered on.
 * @returns undefined when DigitalOcean could not make it
 */
async function powered(cluster: Cluster, droplet: Droplet): Promise<Droplet | undefined> {
  if (droplet.status === 'off') {
    await doctl`compute droplet-action power-on ${droplet.id}`
    tell('~', `droplet ${droplet.name}`, 'was off: powered on')
  }
  const isOn = (one: Droplet) => one.status === 'active' && !one.locked && one.networks.v4.length > 0
  if (isOn(droplet)) return droplet
  let looks = 0
  const seen = await waitFor(
    { until: `droplet ${droplet.name} is on`, every: 3, within: 300, sparing: true },
    async (note) => {
      // One request a look: now and then whether it is still being made.
      if (++looks % 5 === 0 && (await isUnmade(cluster, droplet))) return 'unmade'
      const now = await cluster.cloud.droplet(droplet.id)
      note(now ? now.status : 'not to be seen yet')
      return now && isOn(now) ? now : undefined
    },
  )
  return seen === 'unmade' ? undefined : seen
}

function imaginedDroplet(name: string, size: string, region: string): Droplet {
  return {
    id: '<new droplet>',
    name,
    status: 'new',
    locked: false,
    size_slug: size,
    region: { slug: region },
    tags: [],
    volume_ids: [],
    created_at: '',
    networks: { v4: [] },
  }
}
