import { z } from 'zod'
import { endpoints } from '../../base/environment.ts'
import { again, command, doctlHint } from '../../base/hint.ts'
import { names } from '../../base/names.ts'
import { Problem, Problems } from '../../base/problem.ts'
import { connectDigitalOcean } from '../../clients/digitalocean.ts'
import { lately } from '../../clients/lately.ts'
import type { Bucket } from '../../clients/s3.ts'
import { doctl, ToolFailure } from '../../clients/tools.ts'
import { accountOf, type Cluster } from '../../cluster/cluster.ts'
import { descriptionPath } from '../../cluster/description.ts'
import { type Inventory, inventory } from '../../cluster/ours.ts'
import { overlap, podRange, serviceRange } from '../../cluster/ranges.ts'
import { whyItStays } from '../../gitops/whose-repository.ts'
import { checkKubeconfigPlace } from '../../kubernetes/kubeconfig.ts'
import { ofAnotherAccount } from '../../store/other-account.ts'
import { otherStoreProblems } from '../../store/other-store.ts'
import type { Check } from './check.ts'
import {
  addressIsOurs,
  kitIsThere,
  limits,
  machinesAreDescribed,
  noTwins,
  regionAndSize,
  sizeIsKept,
} from './machine-checks.ts'
import {
  accountIsTheSame,
  appliedFilesAreRight,
  deployKeyIsFree,
  deployKeysAreAllowed,
  repositoryIsNamed,
  repositoryIsOurs,
  repositoryIsWritable,
} from './repository-checks.ts'
import { upstreamCheck } from './upstream.ts'

/**
 * Looks for everything that would fail later, before anything exists.
 * @param machines what is right about the machines that exist, for this flow
 * @param readOnly whether a repository will do that can be read and not written
 * @param kit where what upstream has no longer may be kept; the cluster's own unless told
 * @returns what belongs to the cluster at DigitalOcean, as it was looked at
 * @throws Problems: all of them at once
 */
export async function preflight(
  cluster: Cluster,
  machines: readonly Check[] = [sizeIsKept, machinesAreDescribed, repositoryIsNamed],
  { readOnly = false, kit }: { readOnly?: boolean; kit?: Bucket } = {},
): Promise<Inventory> {
  const found = [...cluster.problems, ...flagsAgainstGit(cluster)]
  const own =
    cluster.account && cluster.login
      ? await inventory(lately(cluster.cloud), cluster.name).catch(collect(found))
      : undefined
  if (own) {
    // Held against what Git describes, each would be untrue where that could not be read.
    const described: Check[] = [
      upstreamCheck(kit),
      otherStore,
      kitIsThere,
      addressIsOurs,
      limits,
      regionAndSize,
      ranges,
      networkIsOurs,
      accountIsTheSame,
      repositoryIsOurs,
      deployKeyIsFree,
      deployKeysAreAllowed,
      ...appliedFilesAreRight,
      ...(readOnly ? [] : [repositoryIsWritable]),
      ...machines,
    ]
    const checks: Check[] = [
      sameAccount,
      clusterToken,
      ...(cluster.isRead ? described : []),
      noTwins,
      firewallIsOurs,
      projectIsOurs,
      scopes,
      tags,
      kubeconfig,
    ]
    const results = await Promise.all(checks.map((check) => check(cluster, own).catch(asProblems)))
    found.push(...results.flat().filter((one) => one !== undefined))
  }
  // Two checks may meet the same refusal.
  const different = found.filter(
    (one, at) => found.findIndex((other) => other.message === one.message) === at,
  )
  if (different.length > 0) throw new Problems(different)
  if (!own) throw new Problem('the accounts of the tokens could not be read')
  return own
}

/** The part of preflight for flows that only look or remove. @throws Problems */
export async function preflightReading(
  cluster: Cluster,
  flags: { 'with-repository'?: boolean } = {},
): Promise<void> {
  const found = [...cluster.problems]
  // The repository of a cluster that this token does not even see.
  const other = flags['with-repository'] && cluster.account ? await ofAnotherAccount(cluster) : undefined
  if (other) found.push(other)
  const stays = flags['with-repository'] && cluster.repository ? await whyItStays(cluster) : undefined
  if (stays) found.push(stays)
  if (flags['with-repository'] && cluster.scopes && !cluster.scopes.includes('delete_repo'))
    found.push(
      new Problem(
        `the GitHub token may not delete a repository: it lacks the scope “delete_repo” (it has: ${cluster.scopes.join(', ') || 'none'})`,
        { cure: 'Make a classic token with “repo” and “delete_repo”, or omit --with-repository.' },
      ),
    )
  if (found.length > 0) throw new Problems(found)
}

const collect =
  (found: Problem[]) =>
  (error: unknown): undefined => {
    found.push(asProblem(error))
  }

/** A check may have found several. */
const asProblems = (error: unknown): readonly Problem[] =>
  error instanceof Problems ? error.all : [asProblem(error)]

const asProblem = (error: unknown) =>
  error instanceof Problem ? error : new Problem(`unexpected: ${String(error)}`, { cause: error })

/** What lies in Git can be changed by flags only where the cloud can follow. */
function flagsAgainstGit({ committed, wanted, name }: Cluster): Problem[] {
  if (!committed) return []
  const problems: Problem[] = []
  if (committed.region !== wanted.region)
    problems.push(
      new Problem(`cluster ${name} is in ${committed.region} and cannot move to ${wanted.region}`, {
        cure: `Bring a backup back in the other region, under another name: ${command('restore.mts', '--backup', 'latest', '--as', 'NAME', '--region', wanted.region)}`,
        exitCode: 2,
      }),
    )
  return problems
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
            cure: `Fetch a doctl of the known version: ${command('scripts/tools.mts')}`,
          }),
        ]
  } catch (error) {
    if (error instanceof ToolFailure)
      return [
        new Problem(`doctl cannot read the account: ${error.message}`, {
          cure: error.isRefusal
            ? 'The token needs account:read.'
            : `Fix what it says and run ${again()}. ${command('scripts/tools.mts')} fetches a doctl of the known version.`,
        }),
      ]
    throw error
  }
}

/**
 * The narrower token must open the same account, or volumes would be made elsewhere; and it may look at all that the CSI
 * driver looks at. What it may change is not tried: that is found with the first volume and the first backup.
 */
const clusterToken: Check = async (cluster) => {
  if (cluster.tokens.csiIsMain) return []
  const account = accountOf(cluster)
  const client = await connectDigitalOcean(endpoints().digitalocean, cluster.tokens.csi, 'REGROW_CSI_TOKEN')
  const other = await client.account()
  if ((other.team?.uuid ?? other.uuid) !== (account.team?.uuid ?? account.uuid))
    return [
      new Problem('REGROW_CSI_TOKEN opens another account than DIGITALOCEAN_TOKEN', {
        cure: 'Make it in the same team.',
      }),
    ]
  const looks = [
    client.volumes(),
    client.volumeSnapshots(),
    client.dropletsNamed(cluster.name),
    client.tags(),
  ]
  return (await Promise.allSettled(looks)).flatMap((look) =>
    look.status === 'rejected' ? [asProblem(look.reason)] : [],
  )
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
  const other = (await lately(cloud).vpcs()).find((vpc) => overlap(vpc.ip_range, range))
  return other
    ? [
        new Problem(`network ${range} meets ${other.ip_range} of network ${other.name}`, {
          cure: `Choose another network.range for ${names.network(name)} in a --config file.`,
        }),
      ]
    : []
}

/** DigitalOcean gives each name of a project once. */
const projectIsOurs: Check = async ({ cloud, name }, own) => {
  if (own.projects.length > 0) return []
  const other = (await lately(cloud).projects()).find((one) => one.name === names.project(name))
  const description = names.projectDescription(name)
  return other
    ? [
        new Problem(`project ${other.name} is there, and regrow did not make it`, {
          cure: `Rename it, or name the cluster otherwise with --name. If it is this cluster’s, give it its description back: ${doctlHint`projects update ${other.id} --description ${description}`}.`,
        }),
      ]
    : []
}

/** A network of the cluster's name, but of another range, is somebody else's: its machines would share ours. */
const networkIsOurs: Check = async ({ name, wanted }, own) => {
  const other = own.vpcs.find(
    (one) =>
      one.ip_range !== wanted.network.range && !own.droplets.some(({ vpc_uuid }) => vpc_uuid === one.id),
  )
  return other
    ? [
        new Problem(
          `network ${other.name} is there with the range ${other.ip_range}, and cluster ${name} has ${wanted.network.range}`,
          {
            cure: `If it is not this cluster’s, rename it, or name the cluster otherwise with --name. If it is, write its range into ${descriptionPath(name)} (network.range).`,
          },
        ),
      ]
    : []
}

/** The name of a firewall can be given once in an account. */
const firewallIsOurs: Check = async ({ cloud, name, tag }, own) => {
  if (own.firewalls.length > 0) return []
  const other = (await lately(cloud).firewalls()).find((one) => one.name === names.firewall(name))
  return other
    ? [
        new Problem(`firewall ${other.name} (${other.id}) is there and does not guard the tag ${tag}`, {
          cure: `If it is this cluster’s, give it the tag back: ${doctlHint`compute firewall add-tags ${other.id} --tag-names ${tag}`}. Otherwise rename it, or name the cluster otherwise with --name.`,
        }),
      ]
    : []
}

/** Another store than Spaces: its keys and buckets come from the person. */
const otherStore: Check = async (cluster) => {
  if (!cluster.wanted.store.endpoint) return []
  const needed = ['ENDPOINT', 'KEY', 'SECRET']
    .map((one) => `REGROW_STORE_${one}`)
    .concat('REGROW_VELERO_KEY', 'REGROW_VELERO_SECRET')
  const missing = needed.filter((name) => !process.env[name])
  return missing.length === 0
    ? otherStoreProblems(cluster)
    : [
        new Problem(
          `cluster.yaml names another store, and ${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} not set`,
          {
            cure: 'Its address is needed, and two keys: yours for both buckets, the cluster’s for the backups’ bucket only (docs/setup.md).',
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
  await lately(cloud).tags()
  return []
}

const kubeconfig: Check = async ({ name }) => {
  checkKubeconfigPlace(name)
  return []
}
