import { z } from 'zod'
import { connectDigitalOcean } from '../digitalocean/client.ts'
import { endpoints } from '../environment.ts'
import { checkKubeconfigPlace } from '../kubernetes/connect.ts'
import { Problem, Problems } from '../problem.ts'
import { otherStoreProblems } from '../store/buckets.ts'
import { doctl, ToolFailure } from '../tools.ts'
import { accountOf, type Cluster } from './cluster.ts'
import { names } from './names.ts'
import { type Inventory, inventory } from './ours.ts'
import { firstClaims } from './plan.ts'
import { overlap, podRange, serviceRange } from './ranges.ts'
import { renumberLostServer } from './revive.ts'
import { recordDigests } from './upstream.ts'

/** Regions with basic droplets and Spaces (https://docs.digitalocean.com/platform/regional-availability, 2026-10). */
const spacesRegions = ['ams3', 'blr1', 'fra1', 'lon1', 'nyc3', 'sfo2', 'sfo3', 'sgp1', 'syd1', 'tor1']

/** Looks for what would fail later, in what is wanted and what exists. */
export type Check = (cluster: Cluster, own: Inventory) => Promise<(Problem | undefined)[]>

/**
 * Looks for everything that would fail later, before anything exists.
 * @param machines what is right about the machines that exist, for this flow
 * @throws Problems: all of them at once
 */
export async function preflight(
  cluster: Cluster,
  machines: readonly Check[] = [sizeIsKept, machinesAreDescribed],
): Promise<void> {
  const found = [...cluster.problems, ...flagsAgainstGit(cluster)]
  if (cluster.account && cluster.login) {
    const own = await inventory(cluster.cloud, cluster.name).catch(collect(found))
    const checks: Check[] = [
      sameAccount,
      clusterToken,
      upstream,
      otherStore,
      limits,
      regionAndSize,
      ranges,
      repositoryIsOurs,
      ...machines,
      firewallIsOurs,
      scopes,
      tags,
      kubeconfig,
    ]
    if (own) {
      const results = await Promise.all(
        checks.map((check) => check(cluster, own).catch((error: unknown) => [asProblem(error)])),
      )
      found.push(...results.flat().filter((one) => one !== undefined))
    }
  }
  // Two checks may meet the same refusal.
  const different = found.filter(
    (one, at) => found.findIndex((other) => other.message === one.message) === at,
  )
  if (different.length > 0) throw new Problems(different)
}

/** The part of preflight for flows that only look or remove. @throws Problems */
export function preflightReading(
  cluster: Pick<Cluster, 'problems' | 'scopes'>,
  flags: { 'with-repository'?: boolean } = {},
): void {
  const found = [...cluster.problems]
  if (flags['with-repository'] && cluster.scopes && !cluster.scopes.includes('delete_repo'))
    found.push(
      new Problem(
        `the GitHub token may not delete a repository: it lacks the scope “delete_repo” (it has: ${cluster.scopes.join(', ') || 'none'})`,
        { cure: 'Make a classic token with “repo” and “delete_repo”, or leave --with-repository away.' },
      ),
    )
  if (found.length > 0) throw new Problems(found)
}

const collect =
  (found: Problem[]) =>
  (error: unknown): undefined => {
    found.push(asProblem(error))
  }

const asProblem = (error: unknown) =>
  error instanceof Problem ? error : new Problem(`unexpected: ${String(error)}`, { cause: error })

/** What lies in Git can be changed by flags only where the cloud can follow. */
function flagsAgainstGit({ committed, wanted, name }: Cluster): Problem[] {
  if (!committed) return []
  const problems: Problem[] = []
  if (committed.region !== wanted.region)
    problems.push(
      new Problem(`cluster ${name} is in ${committed.region} and cannot move to ${wanted.region}`, {
        cure: 'Bring a backup back in the other region: ./restore.mts --backup latest --as <name> --region …',
        exitCode: 2,
      }),
    )
  return problems
}

/** Another size means to stop a machine, which only scale does. */
async function sizeIsKept({ committed, wanted, name }: Cluster): Promise<Problem[]> {
  return !committed || committed.size === wanted.size
    ? []
    : [
        new Problem(`cluster ${name} has size ${committed.size}`, {
          cure: `./scale.mts --size ${wanted.size} changes it.`,
          exitCode: 2,
        }),
      ]
}

const seen = z.object({ team: z.object({ uuid: z.string() }).optional(), uuid: z.string().optional() })

/** doctl must act on the account that the client looks at. */
const sameAccount: Check = async (cluster) => {
  const account = accountOf(cluster)
  try {
    const raw = (await doctl`account get`).json(
      z.union([
        z
          .array(seen)
          .min(1)
          .transform((all) => all[0]),
        seen,
      ]),
    )
    const same = raw && (raw.team?.uuid ?? raw.uuid) === (account.team?.uuid ?? account.uuid)
    return same
      ? []
      : [
          new Problem('doctl sees another account than DIGITALOCEAN_TOKEN opens', {
            cure: 'Run ./scripts/tools.mts for a doctl of the known version.',
          }),
        ]
  } catch (error) {
    if (error instanceof ToolFailure)
      return [
        new Problem(`doctl cannot read the account: ${error.message}`, {
          cure: 'The token needs account:read.',
        }),
      ]
    throw error
  }
}

/** The narrower token must open the same account, or volumes would be made elsewhere. */
const clusterToken: Check = async (cluster) => {
  if (cluster.tokens.csiIsMain) return []
  const account = accountOf(cluster)
  const other = await (
    await connectDigitalOcean(endpoints().digitalocean, cluster.tokens.csi, 'REGROW_CSI_TOKEN')
  ).account()
  return (other.team?.uuid ?? other.uuid) === (account.team?.uuid ?? account.uuid)
    ? []
    : [
        new Problem('REGROW_CSI_TOKEN opens another account than DIGITALOCEAN_TOKEN', {
          cure: 'Make it in the same team.',
        }),
      ]
}

/** Everything that upstream serves can be had; its digests go into the description. */
const upstream: Check = async (cluster) => {
  await recordDigests(cluster)
  return []
}

const limits: Check = async (cluster, own) => {
  const account = accountOf(cluster)
  const toMake = cluster.wanted.nodes.filter(
    (node) => !own.droplets.some((one) => one.name === node.name),
  ).length
  const problems: Problem[] = []
  if (account.status !== 'active')
    problems.push(
      new Problem(`the DigitalOcean account is ${account.status}`, {
        cure: 'Log in at DigitalOcean: it says what is missing.',
      }),
    )
  const full = (what: string, limit: number, more: number, there: number) => {
    if (limit > 0 && there + more > limit)
      problems.push(
        new Problem(`${what}: the account may have ${limit} and has ${there}, and ${more} more must fit`, {
          cure: `Ask DigitalOcean to raise the limit, or remove ${what} that you do not need.`,
        }),
      )
  }
  const claims = own.volumes.length > 0 ? 0 : firstClaims(cluster).length
  if (toMake > 0) full('droplets', account.droplet_limit, toMake, (await cluster.cloud.droplets()).length)
  if (claims > 0) full('volumes', account.volume_limit, claims, (await cluster.cloud.volumes()).length)
  if (own.reservedIps.length === 0)
    full('reserved IPs', account.reserved_ip_limit, 1, (await cluster.cloud.reservedIps()).length)
  return problems
}

const regionAndSize: Check = async ({ cloud, wanted }, own) => {
  const [regions, sizes] = await Promise.all([cloud.regions(), cloud.sizes()])
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
  if (!wanted.store.endpoint && !spacesRegions.includes(wanted.store.region ?? wanted.region))
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
    if (!size)
      problems.push(
        new Problem(`DigitalOcean has no size ${slug}`, { cure: `For example: ${fit}.`, exitCode: 2 }),
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
        new Problem(`size ${slug} cannot be had in ${wanted.region} now`, { cure: `For example: ${fit}.` }),
      )
  }
  return problems
}

const ranges: Check = async ({ cloud, wanted, name }, own) => {
  const { range } = wanted.network
  if (overlap(range, podRange) || overlap(range, serviceRange))
    return [
      new Problem(`network ${range} meets the ranges of pods and services (${podRange}, ${serviceRange})`, {
        cure: 'Choose another network.range in cluster.yaml, such as 10.110.0.0/20.',
        exitCode: 2,
      }),
    ]
  if (own.vpcs.length > 0) return []
  const other = (await cloud.vpcs()).find((vpc) => overlap(vpc.ip_range, range))
  return other
    ? [
        new Problem(`network ${range} meets ${other.ip_range} of network ${other.name}`, {
          cure: `Choose another network.range for ${names.network(name)} in a --config file.`,
        }),
      ]
    : []
}

const repositoryIsOurs: Check = async ({ github, place, repository, committed }) => {
  if (!repository) return []
  const full = `${place.owner}/${place.name}`
  if (repository.permissions && !repository.permissions.push)
    return [
      new Problem(`the GitHub token may not write to ${full}`, {
        cure: 'Give it Contents and Administration, read and write.',
      }),
    ]
  if (!repository.private)
    return [
      new Problem(`repository ${full} is public`, { cure: 'Make it private, or name another with --repo.' }),
    ]
  if (committed) return []
  const head = await github.ref(place, 'heads/main')
  if (!head) return []
  const files = await github.tree(place, (await github.commit(place, head)).tree.sha)
  const foreign = [...files.keys()].filter((path) => path !== 'README.md' && !path.startsWith('clusters/'))
  return foreign.length > 0 && !files.has('applications/platform.yaml')
    ? [
        new Problem(`repository ${full} holds something else (${foreign.slice(0, 3).join(', ')})`, {
          cure: 'Name an empty one, or one that does not exist yet, with --repo.',
        }),
      ]
    : []
}

/** A first server grown anew beside servers that still run would be a second cluster. */
function lostLeader({ wanted, name }: Cluster, own: Inventory): Problem | undefined {
  const there = (node: string) => own.droplets.some((one) => one.name === node)
  const [first, ...others] = wanted.nodes.filter((node) => node.role === 'server')
  const left = others.filter((node) => there(node.name)).map((node) => node.name)
  if (!first || there(first.name) || left.length === 0) return undefined
  return new Problem(`droplet ${first.name} is gone, and ${left.join(' and ')} still run the cluster`, {
    cure: `./scale.mts --name ${name} lets another server join in its place.`,
  })
}

/** A machine of ours that the description does not know is never grown again beside itself, nor billed twice. */
async function machinesAreDescribed(cluster: Cluster, own: Inventory): Promise<Problem[]> {
  const described = new Set(cluster.wanted.nodes.map((node) => node.name))
  const unknown = own.droplets.filter((one) => !described.has(one.name))
  const lost = lostLeader(cluster, own)
  if (lost) return [lost]
  if (unknown.length === 0) {
    await renumberLostServer(cluster, own.droplets)
    return []
  }
  const missing = [...described].filter((name) => !own.droplets.some((one) => one.name === name))
  return unknown.map(
    (one) =>
      new Problem(
        `droplet ${one.name} (${one.id}) belongs to cluster ${cluster.name}, and its description names no such machine`,
        {
          cure: missing[0]
            ? `Was it renamed? Then give it its name back: doctl compute droplet-action rename ${one.id} --droplet-name ${missing[0]}. Otherwise remove it: doctl compute droplet delete ${one.id}.`
            : `./scale.mts --name ${cluster.name} finishes what was begun; otherwise remove it: doctl compute droplet delete ${one.id}.`,
        },
      ),
  )
}

/** The name of a firewall can be given once in an account. */
const firewallIsOurs: Check = async ({ cloud, name, tag }, own) => {
  if (own.firewalls.length > 0) return []
  const other = (await cloud.firewalls()).find((one) => one.name === names.firewall(name))
  return other
    ? [
        new Problem(`firewall ${other.name} (${other.id}) is there and does not guard the tag ${tag}`, {
          cure: `If it is this cluster’s, give it the tag back: doctl compute firewall add-tags ${other.id} --tag-names ${tag}. Otherwise rename it, or name the cluster otherwise with --name.`,
        }),
      ]
    : []
}

/** Another store than Spaces: its keys and buckets come from the person. */
const otherStore: Check = async (cluster) => {
  if (!cluster.wanted.store.endpoint) return []
  const needed = ['REGROW_STORE_KEY', 'REGROW_STORE_SECRET', 'REGROW_VELERO_KEY', 'REGROW_VELERO_SECRET']
  const missing = needed.filter((name) => !process.env[name])
  return missing.length === 0
    ? otherStoreProblems(cluster)
    : [
        new Problem(
          `cluster.yaml names another store, and ${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} not set`,
          {
            cure: 'Two keys are needed there: yours for both buckets, the cluster’s for the backups’ bucket alone (docs/setup.md).',
            exitCode: 2,
          },
        ),
      ]
}

/** Only a classic token tells its scopes; a fine-grained one is found out when GitHub refuses something. */
const scopes: Check = async ({ scopes }) =>
  scopes === undefined || scopes.includes('repo')
    ? []
    : [
        new Problem(`the GitHub token lacks the scope “repo” (it has: ${scopes.join(', ') || 'none'})`, {
          cure: 'Make a classic token with “repo” at https://github.com/settings/tokens.',
        }),
      ]

/** The one scope for reading that nothing else here needs. */
const tags: Check = async ({ cloud }) => {
  await cloud.tags()
  return []
}

const kubeconfig: Check = async ({ name }) => {
  checkKubeconfigPlace(name)
  return []
}
