import { z } from 'zod'
import type { ReservedIp } from '../clients/digitalocean-types.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { again, command } from '../hint.ts'
import { applications, stateOf } from '../kubernetes/applications.ts'
import { kubectlRepeated } from '../kubernetes/repeated.ts'
import { Problem } from '../problem.ts'
import type { Outcome as Result } from '../result.ts'
import type { Course } from '../server/restoration.ts'
import { type Told, timeline } from '../story.ts'
import type { Kube } from '../tools.ts'
import type { Backup } from './backups.ts'
import type { Comparison } from './compared.ts'
import type { Extension } from './expiry.ts'
import type { ObjectProof } from './outcome.ts'
import { commitAnnotation } from './record.ts'
import type { VolumeProof } from './volumes.ts'

/** What a restore proves: everything that the backup held, and what became of it. Sizes in bytes, times RFC 3339. */
export interface Proof {
  verdict: 'PROVEN' | 'NOT PROVEN'
  /** The verdict as one reads it first: `PROVEN, 3 objects not restored`. */
  headline: string
  /** With the commit of the GitOps repository beside which it was made. */
  backup: { name: string; at: string | undefined; commit: string | undefined }
  server: string
  volumes: VolumeProof[]
  /** When the content of what came back was compared with the backup. */
  comparedAt: string
  /** Every object of the backup, once. */
  objects: ObjectProof[]
  /** What is left out for a true reason, one line each. */
  notRestored: string[]
  /** What did not come back, each by its name; empty when everything did. */
  missing: string[]
  /** What is there and differs from the backup. */
  changed: string[]
  /** Workloads that were ready in the backup and are not now. */
  notReady: string[]
  /** Applications by name, with their state in Argo CD's words. */
  applications: Record<string, string>
  address: { now: string; before: string | undefined }
  /** DNS records to change, when the address is another. */
  dns: string[]
  extended: Extension[]
  /** What of the earlier cluster stays at DigitalOcean, and costs. */
  stays: string[]
  /** What GitHub did not take; the same command writes it once GitHub does. */
  unwritten: string[]
  timeline: readonly Told[]
}

/** What is put together to a proof. */
export interface Evidence {
  backup: Backup
  course: Course
  address: ReservedIp
  volumes: VolumeProof[]
  /** What was compared before Git took over. */
  compared: Pick<Comparison, 'at'>
  objects: ObjectProof[]
  changed: string[]
  notReady: string[]
  extended: Extension[]
  /** Whose address and names these are: a cluster beside the original takes none. */
  cluster: Cluster
}

/** Looks at the Applications and the address, and puts the proof together. */
export async function prove(kube: Kube, evidence: Evidence): Promise<Proof> {
  const { backup, course, address, volumes, objects, cluster } = evidence
  const apps = await applications(kube)
  const before = course.address
  const lines = (outcome: ObjectProof['outcome']) =>
    objects
      .filter((one) => one.outcome === outcome)
      .map(({ resource, id, why }) => `${resource} ${id}${why ? `: ${why}` : ''}`)
  const notRestored = lines('not restored')
  const missing = [
    ...volumes.flatMap((one) => (one.missing ? [`volume of claim ${one.claim}: ${one.missing}`] : [])),
    ...lines('missing'),
  ]
  return {
    ...verdictOf(missing.length, notRestored.length),
    backup: {
      name: backup.metadata.name,
      at: backup.status?.startTimestamp,
      commit: backup.metadata.annotations?.[commitAnnotation],
    },
    server: course.server,
    volumes,
    comparedAt: evidence.compared.at,
    objects,
    notRestored,
    missing,
    changed: evidence.changed,
    notReady: evidence.notReady,
    applications: Object.fromEntries([...apps].map(([name, one]) => [name, stateOf(one)])),
    address: { now: address.ip, before },
    dns:
      before === address.ip || cluster.original
        ? []
        : (await hosts(kube)).map((host) => `${host} A ${address.ip}`),
    extended: evidence.extended,
    stays: [],
    unwritten: [...(cluster.unwritten ?? [])],
    timeline: timeline(),
  }
}

/** The verdict: proven when nothing of the backup is missing. */
export function verdictOf(missing: number, notRestored: number): Pick<Proof, 'verdict' | 'headline'> {
  if (missing > 0) return { verdict: 'NOT PROVEN', headline: 'NOT PROVEN' }
  const headline =
    notRestored === 0 ? 'PROVEN' : `PROVEN, ${notRestored} object${notRestored === 1 ? '' : 's'} not restored`
  return { verdict: 'PROVEN', headline }
}

const ingress = z.object({
  spec: z.object({ rules: z.array(z.object({ host: z.string().optional() })).default([]) }),
})

/** The host names that the apps answer to. */
async function hosts(kube: Kube): Promise<string[]> {
  const answer = await kubectlRepeated(kube)`get ingresses.networking.k8s.io -A -o json`
  const { items } = answer.json(z.object({ items: z.array(ingress) }))
  return [...new Set(items.flatMap(({ spec }) => spec.rules.flatMap(({ host }) => host ?? [])))].toSorted()
}

/**
 * The proof as a run's result: everything as JSON, a page on the screen, and exit code 1 when anything is missing.
 * @param told what else there is to tell, as data
 * @param shown the same for the screen, where it reads otherwise there
 */
export function outcome<T extends { lastBackup: string }>(
  proof: Proof,
  told: T,
  shown: Record<string, unknown>,
): Result & Proof & T {
  const { missing } = proof
  const fault =
    proof.verdict === 'PROVEN'
      ? undefined
      : new Problem(`${missing.length} of the backup did not come back:\n    ${missing.join('\n    ')}`, {
          cure: `What came back stays. Fix the reason, then run ${again()}: it brings back what is missing.`,
        })
  return { ...proof, ...told, shown: () => ({ ...page(proof), ...told, ...shown }), fault: () => fault }
}

function page(proof: Proof): Record<string, unknown> {
  const { volumes, objects, address } = proof
  const kinds = new Map<string, { total: number; there: number; ways: Map<string, number> }>()
  for (const { resource, outcome } of objects) {
    const kind = kinds.get(resource) ?? { total: 0, there: 0, ways: new Map() }
    kinds.set(resource, kind)
    kind.total++
    if (outcome === 'missing' || outcome === 'not restored') continue
    kind.there++
    if (outcome !== 'back') kind.ways.set(outcome, (kind.ways.get(outcome) ?? 0) + 1)
  }
  const ways = (of: Map<string, number>) =>
    of.size === 0 ? '' : `, ${[...of].map(([way, count]) => `${count} ${way}`).join(', ')}`
  return {
    [proof.headline]: `backup ${proof.backup.name} of ${proof.backup.at}, onto ${proof.server}`,
    commit: proof.backup.commit,
    missing: proof.missing.length > 0 ? proof.missing : proof.notRestored.length > 0 ? undefined : 'nothing',
    notRestored: proof.notRestored,
    volumes: volumes.map(volumeLine),
    objects: [...kinds].map(
      ([resource, kind]) => `${resource}  ${kind.there} of ${kind.total}${ways(kind.ways)}`,
    ),
    contentComparedAt: proof.comparedAt,
    changed:
      proof.changed.length > 20
        ? [...proof.changed.slice(0, 20), `${proof.changed.length - 20} more`]
        : proof.changed,
    notReady: proof.notReady,
    applications: Object.entries(proof.applications).map(([name, state]) => `${name}  ${state}`),
    address:
      address.before && address.before !== address.now
        ? `${address.now}, was ${address.before}`
        : address.now,
    changeTheseDnsRecords: proof.dns,
    keptLonger: proof.extended.map(({ backup, from, to }) => `${backup}  until ${to}, was ${from}`),
    stays: proof.stays,
    notInGit: proof.unwritten.map(
      (what) =>
        `${what}: ${command('restore.mts', '--backup', proof.backup.name)} writes it once GitHub takes it`,
    ),
  }
}

function volumeLine({ claim, kept, moved, bytes, missing }: VolumeProof): string {
  if (missing) return `${claim}  ${missing}`
  return kept === 's3'
    ? `${claim}  ${moved} bytes moved${bytes === moved ? ', as recorded' : ''}`
    : `${claim}  from its snapshot`
}
