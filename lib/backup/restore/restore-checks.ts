import { again, hint } from '../../base/hint.ts'
import { isMachineName } from '../../base/names.ts'
import { Problem } from '../../base/problem.ts'
import type { Bucket } from '../../clients/s3.ts'
import { accountOf, type Cluster } from '../../cluster/cluster.ts'
import { gitRemovedProblems } from '../../gitops/git-removed.ts'
import type { Course } from '../../machines/first/restoration.ts'
import { strangers } from '../../machines/foundation/strangers.ts'
import type { Check } from '../../machines/preflight/check.ts'
import { notedNames } from '../../store/nodes.ts'
import type { BackedObject } from '../objects.ts'
import { waysOn } from '../ways-on.ts'
import { type TermFlags, type Terms, wordsOf } from './terms.ts'
import type { BackedVolume } from './volumes.ts'

/** What a restore is about to do. */
export interface RestoreRequest {
  course: Course
  /** The volumes that the backup holds. */
  backed: readonly BackedVolume[]
  /** Its objects. */
  held: readonly BackedObject[]
  terms: Terms
  /** `replace`: a cluster that is alive may be powered off and replaced. */
  flags: TermFlags & { replace: boolean }
  /** The cluster whose backups are read. */
  source: Cluster
  /** The bucket of the kit of the cluster that is made; undefined before it is there. */
  kit: Bucket | undefined
}

/** The part of preflight that belongs to a restore: nothing is bought before all of it holds. */
export function restoreChecks({ course, backed, held, terms, flags, source, kit }: RestoreRequest): Check[] {
  return [
    async (cluster) => [described(source), notMadeYet(cluster, course)],
    async (cluster, own) =>
      course.begun || flags.replace
        ? []
        : own.droplets
            .filter((one) => isMachineName(cluster.name, one.name))
            .map(
              (one) =>
                new Problem(`cluster ${cluster.name} is alive: droplet ${one.name} is ${one.status}`, {
                  cure: flags.partial
                    ? `What a partial backup lacks may be only there. ${waysOn({ metadata: { name: course.backup } })}`
                    : 'Two clusters must never write to the same backups. --replace powers it off first, keeps it until the new one is proven, then destroys it.',
                }),
            ),
    async (cluster, own) => strangers(cluster, own, kit && (await notedNames(kit))),
    async (cluster) => [clockOf(cluster)],
    async (cluster) => gitRemovedProblems(cluster, terms.git, terms.choice, sameAgain(course, flags)),
    async (cluster) => [
      ...(await classesAreThere(cluster, held, backed)),
      ...(flags.partial ? [] : kindsAreThere(held)),
    ],
    async (cluster) => snapshotsAreHere(cluster, backed),
    async (cluster) => [await volumesFit(cluster, course.begun ? [] : backed)],
  ]
}

/** The flags of this run, but for the choice. */
const sameAgain = ({ backup }: Course, flags: RestoreRequest['flags']) => [
  ...['--backup', backup, ...(flags.replace ? ['--replace'] : [])],
  ...wordsOf({ ...flags, 'git-removed': undefined }),
]

/** Every class that a claim with bytes names comes with the platform, or is in the backup. */
async function classesAreThere(
  { github, place, repository }: Cluster,
  held: readonly BackedObject[],
  backed: readonly BackedVolume[],
): Promise<Problem[]> {
  // A claim whose bytes are elsewhere needs no volume of that class.
  const filled = new Set(backed.map((one) => one.claim))
  const text = repository && (await github.file(place, 'storage/classes.yaml'))
  const there = new Set([
    ...['', '-retain', '-xfs', '-xfs-retain'].map((one) => `do-block-storage${one}`), // the driver's own
    ...[...(text ?? '').matchAll(/^ {2}name: (\S+)$/gm)].map(([, name]) => name),
    ...held.filter((one) => one.resource === 'storageclasses.storage.k8s.io').map((one) => one.id),
  ])
  return held
    .filter((one) => filled.has(one.id) && one.storageClass && !there.has(one.storageClass))
    .map(
      ({ id, storageClass }) =>
        new Problem(
          `claim ${id} needs the storage class ${storageClass}, which neither the platform nor the backup has`,
          {
            cure: `Add it to storage/classes.yaml in ${place.owner}/${place.name}, commit it, and run the same command again.`,
          },
        ),
    )
}

/** Groups of kinds that come with Kubernetes, k3s and the platform. */
const platform =
  /(^|\.)(k8s\.io|argoproj\.io|velero\.io|traefik\.io|cattle\.io)$|^sealedsecrets\.bitnami\.com$|^(bitnami\.com|apps|batch|autoscaling|policy|extensions)$/

/** Every kind of a person's own has its definition in the backup, too, or a server of its own that answers for its group. */
function kindsAreThere(held: readonly BackedObject[]): Problem[] {
  const groupOf = (name: string) => name.slice(name.indexOf('.') + 1)
  const served = new Set(
    held
      .filter((one) => one.resource === 'apiservices.apiregistration.k8s.io' && !one.clustersOwn)
      .map((one) => groupOf(one.id)),
  )
  const defined = new Set(
    held.filter((one) => one.resource.startsWith('customresourcedefinitions.')).map((one) => one.id),
  )
  const lost = new Set(
    held
      .map((one) => one.resource)
      .filter((resource) => resource.includes('.') && !defined.has(resource))
      .map((resource) => ({ resource, group: groupOf(resource) }))
      .filter(({ group }) => !platform.test(group) && !served.has(group))
      .map(({ resource }) => resource),
  )
  return [...lost].map(
    (resource) =>
      new Problem(`the backup has ${resource}, but not the definition of that kind`, {
        cure: 'Choose another backup, or one by name with --partial: objects of that kind will not come back.',
      }),
  )
}

/** A snapshot cannot leave its region. That it is there belongs to a backup that is whole. */
async function snapshotsAreHere(
  { cloud, wanted }: Cluster,
  backed: readonly BackedVolume[],
): Promise<Problem[]> {
  const kept = backed.filter((one) => one.kept === 'snapshot')
  if (kept.length === 0) return []
  const there = new Map((await cloud.volumeSnapshots()).map(({ id, regions }) => [id, regions]))
  return kept.flatMap(({ claim, snapshot = '' }) => {
    const regions = there.get(snapshot) ?? []
    return regions.includes(wanted.region)
      ? []
      : [
          new Problem(`snapshot ${snapshot} of claim ${claim} is in ${regions.join(' ') || 'no region'}`, {
            cure: `It cannot come back in ${wanted.region}; a backup with --volumes s3 could.`,
          }),
        ]
  })
}

/** Those of the earlier cluster stay until the new one is proven, and other projects’ count as well. */
async function volumesFit(cluster: Cluster, backed: readonly BackedVolume[]): Promise<Problem | undefined> {
  const { volume_limit: limit } = accountOf(cluster)
  const there = limit === 0 || backed.length === 0 ? 0 : (await cluster.cloud.volumes()).length
  return limit === 0 || there + backed.length <= limit
    ? undefined
    : new Problem(
        `volumes: the account may have ${limit} and has ${there}, and ${backed.length} more must fit`,
        { cure: 'Ask DigitalOcean to raise the limit.' },
      )
}

/** A cluster beside the original is made once: its access to the original's backups ended with its proof. */
function notMadeYet(cluster: Cluster, { finished }: Course): Problem | undefined {
  const { original, name } = cluster
  return original && finished
    ? new Problem(`cluster ${name} was made from a backup at ${finished}`, {
        cure: `Give another name with --as. If you no longer need this one: ${hint('scripts/destroy.mts', cluster)} removes it.`,
      })
    : undefined
}

/** What the cluster is to be stands in Git alone. */
function described({ committed, name, place }: Cluster): Problem | undefined {
  return committed
    ? undefined
    : new Problem(`${place.owner}/${place.name} does not describe a cluster “${name}”`, {
        cure: 'A restore needs the GitOps repository as well as the buckets; name it with --repo OWNER/NAME.',
      })
}

/** Signed addresses and certificates follow DigitalOcean's clock; TLS and kubectl on this machine follow its own. */
function clockOf({ cloud }: Cluster): Problem | undefined {
  const minutes = Math.round(cloud.clockOffset() / 60_000)
  return Math.abs(minutes) <= 60
    ? undefined
    : new Problem(
        `the clock of this computer is ${Math.abs(minutes)} minutes ${minutes > 0 ? 'slow' : 'fast'}`,
        { cure: `Set it, then run ${again()}.` },
      )
}
