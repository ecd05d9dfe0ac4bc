import { readFileSync } from 'node:fs'
import { endpoints, type Tokens, tokens } from '../base/environment.ts'
import { setScene } from '../base/hint.ts'
import { clusterName, names } from '../base/names.ts'
import { Problem } from '../base/problem.ts'
import { connectDigitalOcean, type DigitalOcean } from '../clients/digitalocean.ts'
import { tokenEnds } from '../clients/digitalocean-token.ts'
import type { Account } from '../clients/digitalocean-types.ts'
import { connectGitHub, type GitHub, type Place, type Repository } from '../clients/github.ts'
import { lately } from '../clients/lately.ts'
import { type Description, descriptionPath, parseDescription, withFirstServer } from './description.ts'
import type { Fault } from './faults.ts'
import { withFreeRange } from './free-range.ts'

/** The flags that may say what is wanted. */
export interface DescribeFlags {
  name?: string | undefined
  repo?: string | undefined
  region?: string | undefined
  size?: string | undefined
  domain?: string | undefined
  'admin-cidr'?: string | undefined
  config?: string | undefined
  'adopt-buckets'?: string | undefined
}

/** A cluster as a flow works on it: the intention, and the clients to look with. */
export interface Cluster {
  readonly name: string
  /** `regrow:<cluster>`, on everything at DigitalOcean that can carry a tag. */
  readonly tag: string
  readonly cloud: DigitalOcean
  readonly github: GitHub
  readonly tokens: Tokens
  /** What is wanted: Git's description with the flags of this run in it. */
  wanted: Description
  /** What Git says, if it says something yet. */
  committed: Description | undefined
  /** The same as it stands there, with a person's comments. */
  committedText: string | undefined
  /** Where the GitOps repository is or will be. */
  place: Place
  repository: Repository | undefined
  /** Whether Git could be read; where it could not, nothing is known of what it describes. */
  isRead: boolean
  /** What could not be written to GitHub, by its name, in a run that goes on without. */
  unwritten?: Set<string>
  /** What GitHub may refuse without ending this run: commits to main; and, once it refused the lock, everything. */
  goesOn?: 'without main' | 'without GitHub'
  /** What upstream serves no longer as it was recorded and the kit's bucket keeps, with the reason, by its name under `digests`. */
  fromKit?: Map<string, string>
  /** Buckets that the operator named in this run: with `--adopt-buckets`, or in a `--config` file. */
  vouched: ReadonlySet<string>
  /** Where the backups lie that it is made from, when they are another cluster's. */
  original?: BucketPlaces
  /** Whose tokens these are, when they could be read. */
  account: Account | undefined
  login: string | undefined
  scopes: string[] | undefined
  /** When the tokens end, as far as it can be known. */
  tokensEnd: { digitalocean: Date | undefined; csi: Date | undefined; github: Date | undefined }
  /** What was wrong on the way here; preflight tells it all at once. */
  problems: Problem[]
}

/** A cluster whose tokens were found good. */
export function accountOf(cluster: Cluster): Account {
  if (!cluster.account) throw new Problem('the DigitalOcean account could not be read')
  return cluster.account
}

/** The buckets of a cluster: names, region, endpoint, and whether they are Spaces (else the person makes them). */
export interface BucketPlaces {
  velero: string
  kit: string
  region: string
  /** Where regrow and the cluster reach the store. */
  endpoint: string
  spaces: boolean
}

/** Where the two buckets are: as the description says, else Spaces in the cluster's region. */
export function bucketPlaces(cluster: Cluster): BucketPlaces {
  const { store, region } = cluster.wanted
  const own = names.buckets(cluster.name, accountOf(cluster))
  const at = store.region ?? region
  return {
    velero: store.velero ?? own.velero,
    kit: store.kit ?? own.kit,
    region: at,
    endpoint: store.endpoint ?? endpoints().spaces(at),
    spaces: !store.endpoint,
  }
}

/**
 * Finds out what is wanted: `cluster.yaml` in Git if it is there, else `--config`, flags and defaults.
 * Never throws on what it cannot read: that becomes a problem for preflight to tell.
 * @throws Problem (exit code 2) for flags that no cluster could have.
 */
export async function describe(flags: DescribeFlags): Promise<Cluster> {
  const start = fromFlags(flags)
  const keys = tokens()
  const [cloud, github] = await Promise.all([
    connectDigitalOcean(endpoints().digitalocean, keys.digitalocean),
    connectGitHub(endpoints().github, keys.github),
  ])
  const problems: Problem[] = []
  const note = (error: unknown): undefined => {
    problems.push(error instanceof Problem ? error : new Problem(String(error), { cause: error }))
  }
  const ends = Promise.all([tokenEnds(keys.digitalocean), keys.csiIsMain ? undefined : tokenEnds(keys.csi)])
  const asked = await Promise.allSettled([cloud.account(), github.user()])
  const [mainEnds, csiEnds] = await ends
  const value = <T>(one: PromiseSettledResult<T>) =>
    one.status === 'fulfilled' ? one.value : note(one.reason)
  const [account, user] = [value(asked[0]), value(asked[1])]
  const place = placeOf(flags.repo, start.cluster, user?.login ?? '')
  const cluster: Cluster = {
    name: start.cluster,
    tag: names.tag(start.cluster),
    cloud,
    github,
    tokens: keys,
    wanted: start,
    committed: undefined,
    committedText: undefined,
    place,
    repository: undefined,
    isRead: false,
    vouched: new Set([
      ...(flags['adopt-buckets']?.split(',').map((one) => one.trim()) ?? []),
      ...[start.store.velero, start.store.kit].filter((one) => one !== undefined),
    ]),
    account,
    login: user?.login,
    scopes: user?.scopes,
    tokensEnd: { digitalocean: mainEnds, csi: csiEnds, github: user?.tokenEnds },
    problems,
  }
  setScene(cluster)
  if (user)
    await readCommitted(cluster, flags).then(() => {
      cluster.isRead = true
    }, note)
  cluster.wanted = withFirstServer(cluster.wanted)
  // A range that Git or a person records is never changed.
  if (account && flags.config === undefined && !cluster.committed)
    cluster.wanted = withFreeRange(cluster.wanted, (await lately(cloud).vpcs().catch(note)) ?? [])
  return cluster
}

/** Reads the description in Git, if there is a repository with one, and lays this run's flags over it. */
async function readCommitted(cluster: Cluster, flags: DescribeFlags): Promise<void> {
  const { github, place } = cluster
  cluster.repository = await github.repository(place.owner, place.name)
  if (!cluster.repository) return
  const text = await github.file(place, descriptionPath(cluster.name))
  if (text === undefined) return
  const where = `${place.owner}/${place.name}: ${descriptionPath(cluster.name)}`
  const committed = parsed(text, where, 1)
  cluster.committed = committed
  cluster.committedText = text
  cluster.wanted = overlay(committed, flags)
}

function fromFlags(flags: DescribeFlags): Description {
  const file = flags.config
  const base: Partial<Description> = file === undefined ? {} : parsed(readConfig(file), file, 2)
  const cluster = flags.name ?? base.cluster ?? 'main'
  if (!clusterName.test(cluster))
    throw new Problem(`“${cluster}” is not a name for a cluster`, {
      cure: 'Take a letter first, then at most 19 of a-z, 0-9 and -.',
      exitCode: 2,
    })
  const empty = parsed('', 'defaults', 2)
  return overlay({ ...empty, ...base, cluster }, flags)
}

/** A description with the flags of this run in it. @throws Problem (exit code 2) for a value that cannot be */
function overlay(base: Description, flags: DescribeFlags): Description {
  const changed = {
    ...base,
    ...(flags.region ? { region: flags.region } : {}),
    ...(flags.size ? { size: flags.size } : {}),
    ...(flags.domain ? { domain: flags.domain } : {}),
    network: {
      ...base.network,
      ...(flags['admin-cidr'] ? { adminCidrs: flags['admin-cidr'].split(',').map((one) => one.trim()) } : {}),
    },
  }
  return parsed(JSON.stringify(changed), 'the command line', 2)
}

function parsed(text: string, where: string, exitCode: 1 | 2): Description {
  const read = parseDescription(text)
  if ('description' in read) return read.description
  throw new Problem(`${where} cannot be used: ${read.faults.map(say).join('; ')}`, {
    cure: 'docs/cluster-yaml.md lists every key with its values.',
    exitCode,
  })
}

const say = ({ key, fault }: Fault) => (key ? `${key} ${fault}` : fault)

function readConfig(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new Problem(`${file} cannot be read`, {
      cure: 'Name a cluster.yaml with --config.',
      exitCode: 2,
      cause,
    })
  }
}

function placeOf(repo: string | undefined, cluster: string, login: string): Place {
  if (repo === undefined) return { owner: login, name: names.repository(cluster) }
  const [owner = '', name = '', more] = repo.includes('/') ? repo.split('/') : [login, repo]
  if (!/^[\w.-]+$/.test(name) || (owner !== '' && !/^[\w-]+$/.test(owner)) || more !== undefined)
    throw new Problem(`“${repo}” is not a repository`, { cure: 'Write --repo OWNER/NAME.', exitCode: 2 })
  return { owner, name }
}
