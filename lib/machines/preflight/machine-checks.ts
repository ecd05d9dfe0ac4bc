import { doctlHint, hint, kubectlHint } from '../../base/hint.ts'
import { names } from '../../base/names.ts'
import { Problem } from '../../base/problem.ts'
import { tell } from '../../base/story.ts'
import { suggest } from '../../base/suggest.ts'
import type { Droplet } from '../../clients/digitalocean-types.ts'
import { lately } from '../../clients/lately.ts'
import { accountOf, bucketPlaces, type Cluster } from '../../cluster/cluster.ts'
import type { Description } from '../../cluster/description.ts'
import { type Inventory, notMade } from '../../cluster/ours.ts'
import { kubeconfigPath } from '../../kubernetes/kubeconfig.ts'
import { type Buckets, openBuckets } from '../../store/buckets.ts'
import { missingBuckets } from '../../store/existence.ts'
import { hasKit, lostKit } from '../../store/kit.ts'
import { nodeRecords, notedNames } from '../../store/nodes.ts'
import { assertNoRestore, earlierMachines } from '../first/restoration.ts'
import { renumberLostServer } from '../first/revive.ts'
import { putAside } from '../foundation/put-aside.ts'
import { strangers } from '../foundation/strangers.ts'
import type { Check } from './check.ts'
import { firstClaims } from './plan.ts'

/** Regions with basic droplets and Spaces (https://docs.digitalocean.com/platform/regional-availability, 2026-10). */
const spacesRegions = ['ams3', 'blr1', 'fra1', 'lon1', 'nyc3', 'sfo2', 'sfo3', 'sgp1', 'syd1', 'tor1']

/** Whether there can be buckets where they are wanted: asking for them elsewhere would wait for an answer in vain. */
export const mayHaveBuckets = ({ store, region }: Description): boolean =>
  Boolean(store.endpoint) || spacesRegions.includes(store.region ?? region)

/** Another size means to stop a machine, which only scale does. */
export async function sizeIsKept(cluster: Cluster): Promise<Problem[]> {
  const { committed, wanted, name, cloud } = cluster
  if (!committed || committed.size === wanted.size) return []
  // One that there is not is told by the check of sizes.
  if (!(await lately(cloud).sizes()).some(({ slug }) => slug === wanted.size)) return []
  return [
    new Problem(`cluster ${name} has size ${committed.size}`, {
      cure: `${hint('scale.mts', cluster, '--size', wanted.size)} changes it.`,
      exitCode: 2,
    }),
  ]
}

/** The account is not locked, and has room for the machines, volumes and addresses that are to be made. */
export const limits: Check = async (cluster, own) => {
  const account = accountOf(cluster)
  const cloud = lately(cluster.cloud)
  const why = account.status_message ? `: ${account.status_message}` : ''
  const toMake = cluster.wanted.nodes.filter(
    (node) => !own.droplets.some((one) => one.name === node.name),
  ).length
  const problems: Problem[] = []
  // With a warning (mostly a payment that is late) the API still works: who restores today must not wait for a card.
  if (account.status === 'locked')
    problems.push(
      new Problem(`the DigitalOcean account is locked${why}`, {
        cure: 'Log in at DigitalOcean: it says what is missing.',
      }),
    )
  else if (account.status !== 'active')
    tell('!', 'account', `DigitalOcean says ${account.status}${why}. Log in there: it says what is missing`)
  const full = (what: string, limit: number, more: number, there: number) => {
    if (limit > 0 && there + more > limit)
      problems.push(
        new Problem(`${what}: the account may have ${limit} and has ${there}, and ${more} more must fit`, {
          cure: 'Ask DigitalOcean to raise the limit.',
        }),
      )
  }
  const claims = own.volumes.length > 0 ? 0 : firstClaims(cluster).length
  if (toMake > 0) full('droplets', account.droplet_limit, toMake, (await cloud.droplets()).length)
  if (claims > 0) full('volumes', account.volume_limit, claims, (await cloud.volumes()).length)
  if (own.reservedIps.length === 0)
    full('reserved IPs', account.reserved_ip_limit, 1, (await cloud.reservedIps()).length)
  return problems
}

/** The region exists and has Spaces; each size exists, is large enough and can be had there. */
export const regionAndSize: Check = async ({ cloud, wanted }, own) => {
  const [regions, sizes] = await Promise.all([lately(cloud).regions(), lately(cloud).sizes()])
  const region = regions.find((one) => one.slug === wanted.region)
  if (!region?.available)
    return [
      new Problem(`DigitalOcean has no region ${wanted.region}`, {
        cure: `Take one of ${spacesRegions.join(' ')}.`,
        exitCode: 2,
      }),
    ]
  const problems: Problem[] = []
  const grows = wanted.nodes.some((node) => !own.droplets.some((one) => one.name === node.name))
  if (grows && !(await cloud.hasImage(wanted.image)))
    problems.push(
      new Problem(`DigitalOcean has no image ${wanted.image}`, {
        cure: 'Take debian-13-x64 or ubuntu-24-04-x64 (image in cluster.yaml).',
        exitCode: 2,
      }),
    )
  if (!mayHaveBuckets(wanted))
    problems.push(
      new Problem(`region ${wanted.region} has no Spaces`, {
        cure: `Take one of ${spacesRegions.join(' ')}.`,
        exitCode: 2,
      }),
    )
  for (const slug of new Set(wanted.nodes.map((node) => node.size ?? wanted.size))) {
    const size = sizes.find((one) => one.slug === slug)
    const sized = wanted.nodes.filter((node) => (node.size ?? wanted.size) === slug)
    const least = sized.some((node) => node.role === 'server') ? 2048 : 1024
    const missing = sized.some(
      (node) => own.droplets.find((one) => one.name === node.name)?.size_slug !== slug,
    )
    const fit = sizes
      .filter((one) => one.memory >= 2048 && one.available && region.sizes.includes(one.slug))
      .toSorted((a, b) => a.price_monthly - b.price_monthly)
      .slice(0, 5)
      .map((one) => one.slug)
      .join(' ')
    const meant = suggest(slug, region.sizes, 1)
    if (!size)
      problems.push(
        new Problem(`DigitalOcean has no size ${slug}`, {
          cure: `${meant ? `Did you mean ${meant}? ` : ''}For example: ${fit}.`,
          exitCode: 2,
        }),
      )
    else if (size.memory < least)
      problems.push(
        new Problem(
          `size ${slug} has ${size.memory} MB of memory; ${least === 2048 ? 'a server needs 2,048' : 'an agent needs 1,024'}`,
          { cure: `For example: ${fit}.`, exitCode: 2 },
        ),
      )
    else if (missing && (!size.available || !region.sizes.includes(slug)))
      problems.push(
        new Problem(`size ${slug} is not available in ${wanted.region} now`, {
          cure: `For example: ${fit}.`,
        }),
      )
  }
  return problems
}

/** A machine whose order was answered late may have been ordered twice: one of the two is billed for nothing. */
export const noTwins: Check = async ({ name: cluster }, own) => {
  const leadsTo = new Set(own.reservedIps.map((one) => one.droplet?.id))
  const isUsed = (one: Droplet) => leadsTo.has(one.id) || one.volume_ids.length > 0
  return [...new Set(own.droplets.map((one) => one.name))].flatMap((name) => {
    const all = own.droplets.filter((one) => one.name === name)
    if (all.length < 2) return []
    const unused = all.filter((one) => !isUsed(one))
    const used = all.length - unused.length
    const say = (one: Droplet) => `${one.id}, made ${one.created_at}${isUsed(one) ? ', in use' : ''}`
    return [
      new Problem(
        `there are ${all.length} droplets named ${name}, and only one is wanted: ${all.map(say).join('; ')}`,
        {
          cure:
            used === 1
              ? `No address leads to the other, and it has no volume. ${unused.map((one) => putAside(one.id)).join(' ')}`
              : `${kubectlHint(kubeconfigPath(cluster))`get nodes -o wide`} tells by its address which one works. The other: ${putAside('ID')}`,
        },
      ),
    ]
  })
}

/** A first server grown anew beside servers that still run would be a second cluster. */
function lostLeader(cluster: Cluster, own: Inventory): Problem | undefined {
  const { wanted } = cluster
  const there = (node: string) => own.droplets.some((one) => one.name === node)
  const [first, ...others] = wanted.nodes.filter((node) => node.role === 'server')
  const left = others.filter((node) => there(node.name)).map((node) => node.name)
  if (!first || there(first.name) || left.length === 0) return undefined
  return new Problem(`droplet ${first.name} is gone, and ${left.join(' and ')} still run the cluster`, {
    cure: `${hint('scale.mts', cluster)} lets another server join in its place.`,
  })
}

/** A store of the person's own is looked at by its own check first. */
const bucketsToLookInto = async (cluster: Cluster): Promise<Buckets | undefined> =>
  mayHaveBuckets(cluster.wanted) && (cluster.committed || bucketPlaces(cluster).spaces)
    ? openBuckets(cluster, 'read')
    : undefined

/** An address that a person put into the project is led nowhere else, and never becomes the cluster's. */
export const addressIsOurs: Check = async (cluster, own) => {
  const [address] = own.reservedIps
  if (!address || own.droplets.some(({ id }) => id === address.droplet?.id)) return []
  const buckets = await bucketsToLookInto(cluster)
  const records = buckets ? await nodeRecords(buckets.kit) : []
  const noted = new Set(records.flatMap((one) => one.address ?? []))
  if (notMade(own, cluster.name, noted).reservedIps.every(({ ip }) => ip !== address.ip)) return []
  const leads = address.droplet ? `leads to droplet ${address.droplet.id}` : 'leads nowhere'
  return [
    new Problem(
      `reserved IP ${address.ip} is in project ${names.project(cluster.name)} and ${leads}, and regrow did not make it`,
      {
        cure: 'Cluster and project have no other, so it would be taken for the cluster’s. Move it to another project at DigitalOcean.',
      },
    ),
  ]
}

/** Beside machines or backups of the cluster no second kit is made. */
export const kitIsThere: Check = async (cluster, own) => {
  const places = bucketPlaces(cluster)
  if (!mayHaveBuckets(cluster.wanted) || !(cluster.committed || places.spaces)) return []
  const buckets = await openBuckets(cluster, 'read')
  if (buckets && (await hasKit(buckets.kit))) return []
  if (!buckets && (own.droplets.length === 0 || !(await missingBuckets(places)).includes(places.kit)))
    return []
  const lost = await lostKit(cluster, buckets, own.droplets)
  return lost ? [lost] : []
}

/** A machine of ours that the description does not know is never grown again beside itself, nor billed twice. */
export async function machinesAreDescribed(cluster: Cluster, own: Inventory): Promise<Problem[]> {
  const described = new Set(cluster.wanted.nodes.map((node) => node.name))
  const buckets = await bucketsToLookInto(cluster)
  await assertNoRestore(cluster, buckets?.kit)
  // What a proven restore left stays off, and nothing here is about it.
  const earlier = buckets ? await earlierMachines(buckets.kit) : []
  const others = strangers(cluster, own, buckets && (await notedNames(buckets.kit)))
  if (others.length > 0) return others
  const unknown = own.droplets.filter(
    ({ id, name }) => !described.has(name) && !earlier.some((one) => one.id === id),
  )
  const lost = lostLeader(cluster, own)
  if (lost) return [lost]
  if (unknown.length === 0) {
    if (buckets) await renumberLostServer(cluster, own.droplets, buckets)
    return []
  }
  const { owner, name: repository } = cluster.place
  if (!cluster.committed && cluster.repository)
    return [
      new Problem(
        `${owner}/${repository} does not describe cluster ${cluster.name}, whose machines are there: ${unknown.map((one) => `${one.name} (${one.id})`).join(', ')}`,
        {
          cure: 'Name the repository that describes it with --repo OWNER/NAME. Was the file deleted there? Bring it back: git log shows the commit.',
        },
      ),
    ]
  const missing = [...described].filter((name) => !own.droplets.some((one) => one.name === name))
  return unknown.map(
    (one) =>
      new Problem(
        `droplet ${one.name} (${one.id}) belongs to cluster ${cluster.name}, and its description names no such machine`,
        {
          cure: missing[0]
            ? `Was it renamed? Then give it its name back: ${doctlHint`compute droplet-action rename ${one.id} --droplet-name ${missing[0]}`}. Otherwise: ${putAside(one.id)}`
            : `${hint('scale.mts', cluster)} finishes what was begun. Otherwise: ${putAside(one.id)}`,
        },
      ),
  )
}
