import { cloudTime } from '../../clients/clock.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import type { Inventory } from '../../cluster/ours.ts'
import { quantity } from '../../kubernetes/nodes.ts'
import { earlierLines } from '../../machines/first/earlier.ts'
import type { Course } from '../../machines/first/restoration.ts'
import { type Plan, plan, type WantedClaim } from '../../machines/preflight/plan.ts'
import { ageOf } from '../backups.ts'
import type { Chosen } from '../choose.ts'
import { copyingText, copyingTime, movedBytes } from '../copying-time.ts'
import { toExtend } from '../expiry.ts'
import type { BackedObject } from '../objects.ts'
import { keyOf } from '../proof/outcome.ts'
import { sizeOf } from '../record.ts'
import { type Undeleted, undeletionLines } from '../undelete.ts'
import { vouchingLine } from '../vouch/vouching.ts'
import { foreseenLines, type Terms } from './terms.ts'

/** What a restore will make, keep and, with `--replace`, destroy; and what it costs a month. */
export async function restorePlan({
  cluster,
  own,
  course,
  backup,
  held,
  terms,
  apart,
  past,
  power,
}: {
  cluster: Cluster
  /** What belongs to it at DigitalOcean. */
  own: Inventory
  course: Course
  backup: Chosen
  held: readonly BackedObject[]
  terms: Terms
  /** Snapshots that no backup has, one line each. */
  apart: readonly string[]
  /** What is brought back into the bucket first. */
  past: Undeleted
  /** What in it has power over the cluster, where nobody vouches for it, one line each. */
  power: readonly string[]
}): Promise<Plan> {
  const kept = held.filter((one) => !terms.dropped.has(keyOf(one)))
  const made = await plan(cluster, own, course.begun ? [] : claimsOf(kept), course)
  const now = cloudTime(cluster.cloud).getTime()
  const since = backup.status?.startTimestamp ?? 'it was made'
  const moved = course.finished ? 0 : movedBytes(terms.volumes)
  const copying = moved > 0 ? copyingTime(moved) : undefined
  const lines = [
    `backup ${ageOf(backup, cluster)}, comes back onto ${course.server}`,
    ...(copying && copying.most > 60
      ? [`  = ${sizeOf(moved)} of volumes take ${copyingText(copying)} from the bucket`]
      : []),
    ...vouchingLines(backup, power),
    ...undeletionLines(past),
    ...(course.finished ? [`  = it was proven there at ${course.finished}: nothing is restored again`] : []),
    ...earlierLines(own, course, await cluster.cloud.sizes(), backup.vouching.state === 'vouched for'),
    ...toExtend([backup], backup.metadata.name, now, cluster.wanted.backups.keepDays).map(
      ({ from, to }) => `  ~ it expires ${from}, and is kept until ${to}`,
    ),
    ...(course.droplets.length > 0 ? [`  ! anything written there since ${since} is lost`] : []),
    ...foreseenLines(terms),
    ...apart.map((one) => `  = ${one}`),
  ]
  return {
    ...made,
    destructive: course.droplets.length > 0,
    nothing: course.finished !== undefined && made.nothing === true,
    text: `${lines.join('\n')}\n${made.text}`,
    toJSON: () => ({
      backup: backup.metadata.name,
      vouching: backup.vouching.state,
      passedOver: backup.passedOver,
      power,
      course,
      notRestored: terms.foreseen,
      ...(copying ? { copying: { bytes: moved, ...copying } } : {}),
      ...(past.undeletion ? { undeleted: past.undeletion.back.map(({ key }) => key) } : {}),
      plan: made.toJSON(),
    }),
  }
}

/** Whether somebody vouches for a backup; which newer ones do not come; and what it could do. */
export function vouchingLines({ vouching, passedOver }: Chosen, power: readonly string[]): string[] {
  return [
    vouching.state === 'vouched for'
      ? `  = vouched for: nothing of it has changed since ${vouching.voucher.at.slice(0, 19)}Z`
      : `  ! ${vouchingLine(vouching)}`,
    ...(power.length > 0 ? ['    whoever has the key to its bucket can have made it. In it:'] : []),
    ...power.map((line) => `    ! ${line}`),
    ...passedOver.map((line) => `  ! newer, and passed over: ${line}`),
  ]
}

/** The claims of a backup; DigitalOcean bills whole GiB. */
export const claimsOf = (held: readonly BackedObject[]): WantedClaim[] =>
  held.flatMap(({ id, storage }) =>
    storage === undefined ? [] : [{ name: `for claim ${id}`, gib: gibOf(storage) }],
  )

/** Whole GiB of a Kubernetes quantity such as `500Mi` or `2Gi`. */
const gibOf = (storage: string) => Math.max(1, Math.ceil(quantity(storage) / 1024 ** 3))
