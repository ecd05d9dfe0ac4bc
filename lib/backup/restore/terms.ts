import type { Bucket } from '../../clients/s3.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import {
  dropped,
  type GitRemovedChoice,
  gitDifference,
  gitRemovedChoice,
  toStrip,
} from '../../gitops/git-removed.ts'
import { type HeldObject, heldObject } from '../../gitops/held.ts'
import { type GitDifference, noDifference } from '../../gitops/removed.ts'
import type { Course } from '../../machines/first/restoration.ts'
import type { Backup } from '../backups.ts'
import type { BackedObject } from '../objects.ts'
import { foreseen, keyOf, type ObjectProof } from '../proof/outcome.ts'
import { byReason } from '../proof/page.ts'
import { commitAnnotation } from '../record.ts'
import { eachObject } from '../tarball.ts'
import { toldBefore } from './compared.ts'
import type { BackedVolume } from './volumes.ts'

/** On which terms a backup comes back: what was found out and decided before anything is bought. */
export interface Terms {
  /** A partial backup was asked for as such. */
  partial: boolean
  /** What Git has removed since, and what happens to it. */
  git: GitDifference
  choice: GitRemovedChoice | undefined
  /** What a person let go by an explicit word, by key, with the reason. */
  dropped: ReadonlyMap<string, string>
  /** What comes back outside Git's hands, by key. */
  kept: ReadonlySet<string>
  /** The volumes that are to come back. */
  volumes: readonly BackedVolume[]
  /** What will not be restored, as far as it can be told beforehand: the plan shows it. */
  foreseen: readonly ObjectProof[]
}

/** The flags of a restore that say on which terms. */
export interface TermFlags {
  'git-removed': string | undefined
  as: string | undefined
  'as-repo'?: string | undefined
  'with-apps': boolean
  partial: boolean
  undelete?: boolean
  'not-vouched'?: boolean
}

/** What the command that finishes a restore needs beside the backup's name. */
export const wordsOf = (flags: TermFlags): string[] => [
  ...(flags['as-repo'] === undefined ? [] : ['--as-repo', flags['as-repo']]),
  ...(flags['with-apps'] ? ['--with-apps'] : []),
  ...(flags.partial ? ['--partial'] : []),
  ...(flags.undelete ? ['--undelete'] : []),
  ...(flags['not-vouched'] ? ['--not-vouched'] : []),
  ...(flags['git-removed'] ? ['--git-removed', flags['git-removed']] : []),
]

/**
 * Finds out on which terms a backup comes back: it compares it with Git and reads what an earlier run told.
 * @throws Problem (exit code 2) for a choice that cannot be
 */
export async function termsOf(
  cluster: Cluster,
  {
    course,
    backup,
    held,
    backed,
    source: bucket,
    kit,
    flags,
  }: {
    course: Pick<Course, 'server'>
    backup: Backup
    held: readonly BackedObject[]
    backed: readonly BackedVolume[]
    /** Where the backup lies. */
    source: Bucket
    /** Where the records of the cluster lie that it comes back into. */
    kit: Bucket | undefined
    flags: TermFlags
  },
): Promise<Terms> {
  const choice = gitRemovedChoice(flags)
  const { partial } = flags
  const beside = cluster.original !== undefined
  const moment = {
    commit: backup.metadata.annotations?.[commitAnnotation],
    started: backup.status?.startTimestamp,
  }
  const git = beside
    ? noDifference
    : await gitDifference(cluster, moment, await gitObjects(bucket, backup.metadata.name))
  const letGo = new Map(dropped(git, choice).map(({ object, why }) => [keyOf(object), why]))
  const volumes = backed.filter(({ claim }) => !letGo.has(`persistentvolumeclaims ${claim}`))
  const before = await toldBefore(kit, course.server)
  const claims = backed.map(({ claim }) => claim)
  const expected = foreseen(held, { volumes: claims, beside, partial, dropped: letGo })
  const known = new Map([...before, ...expected].map((one) => [keyOf(one), one]))
  for (const one of held) {
    const why = letGo.get(keyOf(one))
    if (why) known.set(keyOf(one), { resource: one.resource, id: one.id, outcome: 'not restored', why })
  }
  return {
    partial,
    git,
    choice,
    dropped: letGo,
    kept: new Set(toStrip(git, choice).map(keyOf)),
    volumes,
    foreseen: [...known.values()],
  }
}

async function gitObjects(bucket: Bucket, backup: string): Promise<HeldObject[]> {
  const found: HeldObject[] = []
  await eachObject(bucket, backup, (resource, one) => void found.push(heldObject(resource, one)))
  return found
}

/** Whether everything that a proof names as not restored was foreseen, and so accepted with the plan. */
export function isAccepted(objects: readonly ObjectProof[], { foreseen }: Terms): boolean {
  const known = new Set(foreseen.map(keyOf))
  return objects.every((one) => one.outcome !== 'not restored' || known.has(keyOf(one)))
}

/** What will not be restored, for the plan: one line for each reason, with the names. */
export function foreseenLines({ foreseen }: Terms): string[] {
  return byReason(foreseen).map((one) => `  ! not restored  ${one}`)
}
