import { lastBackupField } from '../../backup/vouch/last.ts'
import { hint } from '../../base/hint.ts'
import type { Outcome } from '../../base/result.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { dollars } from '../../cluster/prices.ts'
import { titleOf } from '../../cluster/upstream.ts'
import { versionsOf } from '../../cluster/versions.ts'
import { finishing, machinesKept } from '../../machines/first/restoration.ts'
import type { Plan } from '../../machines/preflight/plan.ts'
import { endingTokens, type PlanItem, sizesBeside } from '../../machines/preflight/plan-text.ts'
import { type Kept, mib } from '../../store/upstream.ts'
import { exitCodes, type Findings, type State } from './condition.ts'
import type { Existing } from './existing.ts'

const thing = ({ kind, name }: PlanItem) => `${kind} ${name}`
const line = (item: PlanItem) => [thing(item), item.detail].filter(Boolean).join('  ')

/** What backups cost is no thing that could be there. */
const isThing = ({ kind }: PlanItem) => kind !== 'copying'

/** What a first server brings along is not missed beside it. */
const isPart = ({ kind }: PlanItem) => kind === 'Spaces key' || kind === 'volume'

/** What differs from the description: what bootstrap or scale would change, and what is not there. One line each. */
export function changesOf(cluster: Cluster, { items }: Plan): { changed: string[]; missing: string[] } {
  const isGrown = items.some(({ kind, mark }) => kind === 'droplet' && mark !== '+')
  const marked = (mark: PlanItem['mark']) => items.filter((item) => item.mark === mark)
  return {
    changed: [...marked('~').map(line), ...sizesBeside(cluster, items)],
    missing: marked('+')
      .filter((item) => isThing(item) && (isGrown || !cluster.committed || !isPart(item)))
      .map(thing),
  }
}

/** All that a status tells. */
export interface Told extends Findings {
  state: State
  attention: readonly string[]
  things: readonly Existing[]
  missing: readonly string[]
  /** What the kit's bucket keeps of upstream; undefined where there is no kit or nothing is described. */
  upstream: Kept | undefined
}

/** What of upstream a restore could do without. */
function keptLine(cluster: Cluster, { names, lacking, bytes }: Kept): string {
  if (lacking.length === 0) return `${names.length} files kept in the kit’s bucket, ${mib(bytes)}`
  const versions = versionsOf(cluster.wanted.versions)
  return `not kept yet: ${lacking.map((file) => titleOf(file, versions)).join(', ')}; ${hint('bootstrap.mts', cluster)} keeps it`
}

/** The result of status: data as JSON, lines on the screen, and the exit code of the state. */
export function statusOutcome(told: Told): Outcome & Record<string, unknown> {
  const {
    cluster,
    health,
    lastBackup,
    unfinished,
    lock,
    state,
    attention,
    things,
    changed,
    missing,
    upstream,
  } = told
  const { name, place, committed, tokensEnd } = cluster
  const perMonth = things.reduce((sum, one) => sum + one.perMonth, 0)
  const mends = committed && changed.length > 0 && things.some(({ kind }) => kind === 'droplet')
  const mendedBy = mends && !unfinished ? hint('bootstrap.mts', cluster) : undefined
  const { claims: _, kube: __, ...seen } = health
  const ending = endingTokens(cluster)
  const rows = [...changed, ...ending, ...(health.api ?? []), ...(health.troubles ?? [])]
  return {
    state,
    attention,
    cluster: name,
    repository: `${place.owner}/${place.name}`,
    described: committed !== undefined,
    exists: things,
    changed,
    missing,
    mendedBy,
    ...seen,
    unfinishedRestore: unfinished && {
      backup: unfinished.begun.backup,
      server: unfinished.begun.server,
      since: unfinished.begun.at,
      keeps: machinesKept(unfinished),
      finishedBy: finishing(cluster, unfinished),
    },
    lockedBy: lock?.holder,
    tokensEnd,
    upstream: upstream && {
      kept: upstream.names,
      lacking: upstream.lacking.map((one) => one.name),
      bytes: upstream.bytes,
    },
    perMonth: Math.round(perMonth * 100) / 100,
    lastBackup: lastBackupField(lastBackup, cluster),
    shown: () => ({
      state,
      // What has a row of its own stands there alone.
      attention: attention.filter((one) => !rows.includes(one)),
      cluster: committed ? name : `${name} (not described in ${place.owner}/${place.name} yet)`,
      exists: things.map((one) =>
        [`${one.kind} ${one.name}`, one.what, one.perMonth ? dollars(one.perMonth) : '']
          .filter(Boolean)
          .join('  '),
      ),
      changed,
      missing,
      mendedBy,
      ...seen,
      nodes: health.nodes?.map((one) => `${one.name}  ${one.ready ? 'Ready' : 'NotReady'}`),
      applications: health.applications?.map((one) => `${one.name}  ${one.state}`),
      lockedBy: lock?.holder,
      tokensEnd: ending.length > 0 ? ending : undefined,
      upstream: upstream && keptLine(cluster, upstream),
      perMonth: `$${perMonth.toFixed(2)}`,
      lastBackup: lastBackupField(lastBackup, cluster),
    }),
    fault: () => undefined,
    exitCode: () => exitCodes[state],
  }
}
