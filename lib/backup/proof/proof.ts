import { again, hint } from '../../base/hint.ts'
import { Problem } from '../../base/problem.ts'
import type { Field, Outcome as Result } from '../../base/result.ts'
import { type Told, timeline } from '../../base/story.ts'
import type { ReservedIp } from '../../clients/digitalocean-types.ts'
import type { Kube } from '../../clients/tools.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { applications, stateOf } from '../../kubernetes/applications.ts'
import { type Course, givingUp } from '../../machines/first/restoration.ts'
import type { Backup } from '../backups.ts'
import type { Extension } from '../expiry.ts'
import { commitAnnotation } from '../record.ts'
import type { Comparison } from '../restore/compared.ts'
import { hosts } from '../restore/hosts.ts'
import type { VolumeProof } from '../restore/volumes.ts'
import { type Sworn, vouchingLine } from '../vouch/vouching.ts'
import type { ObjectProof } from './outcome.ts'
import { few, missingLines, page } from './page.ts'

/** What a restore proves: everything that the backup held, and what became of it. Sizes in bytes, times RFC 3339. */
export interface Proof {
  verdict: 'PROVEN' | 'NOT PROVEN'
  /** The verdict as one reads it first: `PROVEN, 3 objects not restored`. */
  headline: string
  /** With the commit of the GitOps repository beside which it was made. */
  backup: {
    name: string
    at: string | undefined
    commit: string | undefined
    /** Whether a run of regrow saw it beside the cluster that made it; in one line. */
    vouching: string
  }
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
  backup: Backup & Pick<Sworn, 'vouching'>
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
      vouching: vouchingLine(backup.vouching),
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
        : (await hosts(kube, new Set(objects.map(({ resource }) => resource)))).map(
            (host) => `${host} A ${address.ip}`,
          ),
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

/**
 * The proof as a run's result: everything as JSON, a page on the screen, and exit code 1 when anything is missing.
 * @param told what else there is to tell, as data
 * @param shown the same for the screen, where it reads otherwise there
 * @param where it was restored
 */
export function outcome<T extends { lastBackup: Field }>(
  proof: Proof,
  told: T,
  where: { cluster: Cluster; course: Course },
): Result & Proof & T {
  const lines = missingLines(proof)
  const isProven = proof.verdict === 'PROVEN'
  const fault = isProven
    ? undefined
    : new Problem(
        `${lines.length} thing${lines.length === 1 ? '' : 's'} of the backup did not come back:\n    ${few(lines).join('\n    ')}`,
        { cure: wayOut(proof.volumes, where) },
      )
  const tone = !isProven ? 'bad' : proof.notRestored.length > 0 ? 'warn' : 'good'
  return {
    ...proof,
    ...told,
    headlined: () => ({ text: proof.headline, tone }),
    shown: () => ({ ...page(proof), ...told }),
    fault: () => fault,
  }
}

/**
 * What brings back what is missing. The same command does, but for the bytes of a claim whose name another one has by now:
 * what apps have written there is not overwritten. They come back onto a new server; or beside a cluster that must not be
 * replaced, because it was proven long ago and lives on, or because the backup is partial.
 */
function wayOut(
  volumes: readonly VolumeProof[],
  { cluster, course }: { cluster: Cluster; course: Course },
): string {
  const over = volumes.filter((one) => one.missing && (one.taken || (course.finished && one.absent)))
  if (over.length === 0)
    return `What came back stays. Fix the reason, then run ${again()}: it brings back what is missing.`
  const claims = over.map(({ claim }) => claim).join(', ')
  const stays = `What is there stays, and the same command writes nothing into ${claims}.`
  const isPartial = course.words?.includes('--partial')
  if (!course.finished && !isPartial)
    return `${stays} This brings the whole backup back onto a new server, and keeps every machine and volume until that one is proven: ${givingUp(cluster, course)}`
  const words = ['--backup', course.backup, ...(isPartial ? ['--partial'] : []), '--as', 'copy']
  return `${stays} This brings the backup back beside the cluster, to copy the bytes from there: ${hint('restore.mts', cluster, ...words)}`
}
