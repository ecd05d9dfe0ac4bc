import { z } from 'zod'
import type { ReservedIp } from '../clients/digitalocean-types.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { again, command } from '../hint.ts'
import { applications, isHealthy, stateOf } from '../kubernetes/applications.ts'
import { kubectlRepeated } from '../kubernetes/repeated.ts'
import { Problem } from '../problem.ts'
import type { Outcome } from '../result.ts'
import type { Course } from '../server/restoration.ts'
import { type Told, timeline } from '../story.ts'
import type { Kube } from '../tools.ts'
import type { Backup } from './backups.ts'
import type { Extension } from './expiry.ts'
import type { ObjectProof } from './objects.ts'
import { commitAnnotation } from './record.ts'
import type { VolumeProof } from './volumes.ts'

/** What a restore proves: everything that the backup held, and what became of it. Sizes in bytes, times RFC 3339. */
export interface Proof {
  /** With the commit of the GitOps repository beside which it was made. */
  backup: { name: string; at: string | undefined; commit: string | undefined }
  server: string
  volumes: VolumeProof[]
  objects: ObjectProof[]
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
  /** What did not come back, each by its name; empty when everything did. */
  missing: string[]
}

/** What is put together to a proof. */
export interface Evidence {
  backup: Backup
  course: Course
  address: ReservedIp
  volumes: VolumeProof[]
  objects: ObjectProof[]
  extended: Extension[]
  /** Whose address and names these are: a cluster beside the original takes none. */
  cluster: Cluster
}

/** Looks at the Applications and the address, and puts the proof together. */
export async function prove(kube: Kube, evidence: Evidence): Promise<Proof> {
  const { backup, course, address, volumes, objects, extended, cluster } = evidence
  const apps = await applications(kube)
  const before = course.address
  return {
    backup: {
      name: backup.metadata.name,
      at: backup.status?.startTimestamp,
      commit: backup.metadata.annotations?.[commitAnnotation],
    },
    server: course.server,
    volumes,
    objects,
    applications: Object.fromEntries([...apps].map(([name, one]) => [name, stateOf(one)])),
    address: { now: address.ip, before },
    dns:
      before === address.ip || cluster.original
        ? []
        : (await hosts(kube)).map((host) => `${host} A ${address.ip}`),
    extended,
    stays: [],
    unwritten: [...(cluster.unwritten ?? [])],
    timeline: timeline(),
    missing: [
      ...volumes.flatMap(({ claim, missing }) => (missing ? [`volume of claim ${claim}: ${missing}`] : [])),
      ...objects.flatMap(({ resource, missing }) =>
        missing.map(({ id, why }) => `${resource} ${id}: ${why}`),
      ),
      ...[...apps]
        .filter(([, one]) => !isHealthy(one))
        .map(([name, one]) => `application ${name}: ${stateOf(one)}`),
    ],
  }
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
 * @param lastBackup the age of the last whole backup, which every flow tells last
 */
export function outcome(proof: Proof, lastBackup: string): Outcome & Proof & { lastBackup: string } {
  const { missing } = proof
  const fault =
    missing.length === 0
      ? undefined
      : new Problem(`${missing.length} things did not come back:\n    ${missing.join('\n    ')}`, {
          cure: `What came back is whole and stays. When it is fixed, run ${again()}.`,
        })
  return Object.assign(proof, {
    lastBackup,
    shown: () => ({ ...page(proof), lastBackup }),
    fault: () => fault,
  })
}

function page(proof: Proof): Record<string, unknown> {
  const { volumes, objects, address } = proof
  const reasons = new Map<string, number>()
  for (const { resource, leftOut } of objects)
    for (const [reason, ids] of Object.entries(leftOut))
      reasons.set(`${resource}: ${reason}`, (reasons.get(`${resource}: ${reason}`) ?? 0) + ids.length)
  return {
    backup: `${proof.backup.name} of ${proof.backup.at}, onto ${proof.server}`,
    commit: proof.backup.commit,
    volumes: volumes.map(volumeLine),
    objects: objects
      .filter((one) => one.back + one.missing.length > 0)
      .map((one) => `${one.resource}  ${one.back} of ${one.back + one.missing.length}`),
    leftOut: [...reasons].map(([reason, count]) => `${count} ${reason}`),
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
    timeline: proof.timeline
      .filter(({ step }) => !step.startsWith('='))
      .map(({ at, step }) => `${at.slice(11, 19)}  ${step}`),
    missing: proof.missing.length > 0 ? proof.missing : 'nothing',
  }
}

function volumeLine({ claim, kept, moved, bytes, missing }: VolumeProof): string {
  if (missing) return `${claim}  ${missing}`
  return kept === 's3'
    ? `${claim}  ${moved} bytes moved${bytes === moved ? ', as recorded' : ''}`
    : `${claim}  from its snapshot`
}
