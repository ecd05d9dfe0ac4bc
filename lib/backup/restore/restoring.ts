import type { Cluster } from '../../cluster/cluster.ts'
import { setCourse } from '../../machines/first/course.ts'
import type { Course } from '../../machines/first/restoration.ts'
import { type Buckets, openBuckets } from '../../store/buckets.ts'
import { besideOriginal } from './beside.ts'
import type { OpenedBackup } from './opened.ts'
import { type TermFlags, type Terms, termsOf, wordsOf } from './terms.ts'

/** A restore as this run does it: what comes back into which cluster, onto which server, and on which terms. */
export interface Restoring extends OpenedBackup {
  /** The cluster that it comes back into: the source itself, or a copy beside it. */
  cluster: Cluster
  /** Whether it is a copy, which stands beside the original. */
  isCopy: boolean
  /** The buckets of that cluster, where they are there already. */
  before: Buckets | undefined
  course: Course
  terms: Terms
}

/** How the restore was asked for. */
export interface RestoreFlags extends TermFlags {
  region: string | undefined
  'as-repo': string | undefined
  replace: boolean
  unfinished: boolean
}

/** Decides what the restore of a backup comes to: onto a new server, or the one that an earlier run began. */
export async function prepareRestore(opened: OpenedBackup, flags: RestoreFlags): Promise<Restoring> {
  const { source, kept, backup, backed, held } = opened
  const isCopy = flags.as !== undefined
  const cluster = isCopy
    ? await besideOriginal(source, flags.as ?? '', { region: flags.region, repo: flags['as-repo'] })
    : source
  const before = isCopy ? await openBuckets(cluster, 'read') : kept
  const course = await setCourse(cluster, before, backup.metadata.name, {
    again: flags.replace,
    instead: flags.unfinished,
    source,
    words: wordsOf(flags),
    known: held.flatMap(({ handle }) => handle ?? []),
  })
  const what = { course, backup, held, backed, source: backup.bucket, kit: before?.kit, flags }
  return { ...opened, cluster, isCopy, before, course, terms: await termsOf(cluster, what) }
}
