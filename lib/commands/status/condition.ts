import type { Backup } from '../../backup/backups.ts'
import type { Last } from '../../backup/vouch/last.ts'
import { isWhole, reasonsOf } from '../../backup/whole.ts'
import { command, hint } from '../../base/hint.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { longestGap } from '../../cluster/cron.ts'
import type { HeldLock } from '../../cluster/lock.ts'
import type { Inventory } from '../../cluster/ours.ts'
import { movedBranch } from '../../gitops/branch.ts'
import type { Health } from '../../kubernetes/health.ts'
import {
  finishing,
  machinesKept,
  type Restoration,
  type Unfinished,
} from '../../machines/first/restoration.ts'
import { endingTokens } from '../../machines/preflight/plan-text.ts'

/** Well, or something wants attention, or no whole backup is young enough. */
export type State = 'well' | 'attention' | 'unprotected'

/** What `status` ends with, so that cron can use it. */
export const exitCodes: Record<State, number> = { well: 0, attention: 3, unprotected: 4 }

/** What a condition is judged from. */
export interface Findings {
  cluster: Cluster
  own: Inventory
  health: Health
  /** Newest first. */
  backups: readonly Backup[]
  /** The newest whole one that counts. */
  lastBackup: Last | undefined
  restorations: readonly Restoration[]
  unfinished: Unfinished | undefined
  lock: HeldLock | undefined
  /** What would make the next backup less than whole, one line each. */
  threats: readonly string[]
  /** What bootstrap would mend, one line each. */
  changed: readonly string[]
}

/** Milliseconds by which a backup may be late. */
const slack = 2 * 3600_000

/** What wants attention, one line each, with the command that helps where there is one. */
export function attentionOf(found: Findings): string[] {
  const { cluster, own, health, unfinished, lock, threats, changed } = found
  return [
    ...(unfinished ? [restoreLine(cluster, unfinished)] : []),
    ...machineLines(found),
    ...changed,
    ...(health.api ?? []),
    ...(health.nodes ?? []).filter(({ ready }) => !ready).map(({ name }) => `node ${name} is not Ready`),
    ...(health.applications ?? [])
      .filter(({ healthy }) => !healthy)
      .map(({ name, state }) => `application ${name}: ${state}`),
    ...(health.troubles ?? []),
    ...(lock?.isDead
      ? [`the lock is held by ${lock.holder}, which is not running any more: the next run takes it over`]
      : []),
    ...endingTokens(cluster),
    ...[movedBranch(cluster)].filter((one) => one !== undefined),
    ...backupLines(found),
    ...threats,
    ...own.reservedIps
      .slice(1)
      .map(({ ip }) => `reserved IP ${ip} is one too many: ${own.reservedIps[0]?.ip} is the cluster’s`),
  ]
}

function restoreLine(cluster: Cluster, found: Unfinished): string {
  const kept = machinesKept(found)
  const only = kept.length > 0 ? `; ${kept.join(', ')} may hold the only copy of what was written last` : ''
  return `the restore of backup ${found.begun.backup} onto ${found.begun.server} is not finished${only}: ${finishing(cluster, found)} finishes it`
}

/** Machines that are missing, that nobody described, that stayed, and that are there twice. */
function machineLines({ cluster, own, restorations, unfinished }: Findings): string[] {
  const { wanted, committed } = cluster
  const names = own.droplets.map(({ name }) => name)
  const isEarlier = (id: string) => restorations.some(({ droplets }) => droplets.some((one) => one.id === id))
  const missing = wanted.nodes.filter(({ name }) => !names.includes(name)).map(({ name }) => name)
  const there = names.length > 0
  const scale = hint('scale.mts', cluster)
  if (!there && !committed)
    return [`there is no cluster “${cluster.name}”: ${command('bootstrap.mts')} grows it`]
  // Only the restore may touch what is part of it, and it makes what is missing.
  if (unfinished) return []
  return [
    ...missing.map((name) => `droplet ${name} is missing`),
    ...own.droplets
      .filter(({ id, name }) => !isEarlier(id) && !wanted.nodes.some((one) => one.name === name))
      .map(
        ({ id, name }) =>
          `droplet ${name} (${id}) is there, and not described: ${scale} finishes what was begun`,
      ),
    ...own.droplets
      .filter(({ id }) => isEarlier(id))
      .map(({ name, status }) => {
        const remove = hint('scale.mts', cluster, '--remove', name)
        return `droplet ${name} of the earlier cluster is ${status}, and billed: ${remove} removes it`
      }),
    ...[...new Set(names.filter((name, at) => names.indexOf(name) !== at))].map(
      (name) =>
        `there are ${names.filter((one) => one === name).length} droplets ${name}, and only one is wanted`,
    ),
  ]
}

function backupLines({ backups }: Findings): string[] {
  const newest = backups.find(({ status }) => status?.phase !== 'InProgress' && status?.phase !== 'New')
  if (!newest || isWhole(newest)) return []
  return [
    `the newest backup, ${newest.metadata.name}, is ${newest.wholeness.state}: ${reasonsOf(newest).join('; ')}`,
  ]
}

/**
 * The state of a cluster. It is unprotected when two backups in a row are late: the newest whole one is older than twice
 * the longest pause of its schedule.
 * @param now milliseconds since 1970, by DigitalOcean's clock
 */
export function stateOf(found: Findings, attention: readonly string[], now: number): State {
  const { cluster, own, lastBackup } = found
  const isThere = own.droplets.length > 0 || cluster.committed !== undefined
  const newest = Date.parse(lastBackup?.status?.startTimestamp ?? '') || 0
  const allowed = 2 * longestGap(cluster.wanted.backups.schedule) + slack
  if (isThere && now - newest > allowed) return 'unprotected'
  return attention.length > 0 ? 'attention' : 'well'
}
