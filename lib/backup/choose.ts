import type { Bucket } from '../clients/s3.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { command } from '../hint.ts'
import { printable } from '../printable.ts'
import { Problem } from '../problem.ts'
import { tell } from '../story.ts'
import { ageOf, type Backup, listBackups } from './backups.ts'
import { bytesIn } from './bytes.ts'
import { besideIt, waysOn } from './ways-on.ts'
import { isWhole, judge, reasonsOf } from './whole.ts'

/** How a backup is to be brought back. */
export interface Choice {
  /** One that is not whole will do, if it is named. */
  partial?: boolean | undefined
  /** In place of a living cluster. */
  replace?: boolean | undefined
}

/**
 * Chooses the backup to bring back, by `wish`, else by asking on a terminal, and reads all of it that tells whether it is
 * whole.
 * @param wish a name, the unique start of one, a date (UTC, `2026-11-23` or with a time), or `latest`
 * @throws Problem when there is none such, or it is not whole; (exit code 2) with the list when nobody can be asked, or
 *   for a partial one that is not named, or is to take the place of a living cluster
 */
export async function chooseBackup(
  bucket: Bucket,
  wish: string | undefined,
  cluster: Pick<Cluster, 'cloud' | 'name'>,
  { partial = false, replace = false }: Choice = {},
): Promise<Backup> {
  if (partial) allowed(wish, replace)
  const bytes = bytesIn(bucket, cluster)
  const all = await listBackups(bucket, cluster, bytes)
  if (all.length === 0)
    throw new Problem(`there is no backup in ${bucket.name}`, {
      cure: `Were they deleted? ${command('scripts/backups.mts', '--deleted')} lists those that can be brought back. Without one there is nothing to bring back; ${command('bootstrap.mts')} grows a new, empty cluster.`,
    })
  const sure = async (one: Backup): Promise<Backup> =>
    one.wholeness.state === 'failed'
      ? one
      : { ...one, wholeness: await judge(bucket, one, bytes, { thorough: true }) }
  if (wish === 'latest') return newest(all, sure)
  const name =
    wish === undefined ? await asked(all, cluster, partial) : pick(all, wish, partial).metadata.name
  const chosen = all.find((one) => one.metadata.name === name)
  return accepted(await sure(chosen ?? none(all, `there is no backup “${name}”`)), partial, all)
}

/** @throws Problem (exit code 2) where a partial backup may not be asked for */
function allowed(wish: string | undefined, replace: boolean): void {
  if (wish === 'latest')
    throw new Problem('--partial needs a name: latest is the newest whole backup', {
      cure: 'Name the backup with --backup NAME, or drop --partial.',
      exitCode: 2,
    })
  if (replace)
    throw new Problem(
      '--partial cannot replace a living cluster: what the backup lacks may be only on those machines',
      {
        cure: `Replace with a whole backup: --backup latest.\n  → ${wish === undefined ? 'Or bring it back beside the cluster, with --as NAME.' : besideIt(wish)}`,
        exitCode: 2,
      },
    )
}

/** The newest one that is whole, by all that is in it. */
async function newest(all: readonly Backup[], sure: (one: Backup) => Promise<Backup>): Promise<Backup> {
  for (const one of all.filter(isWhole)) {
    const found = await sure(one)
    if (isWhole(found)) return found
    tell('!', `backup ${found.metadata.name}`, `skipped: ${reasonsOf(found).join('; ')}`)
  }
  return pick([], 'latest', false, all)
}

async function asked(
  all: readonly Backup[],
  cluster: Pick<Cluster, 'cloud'>,
  partial: boolean,
): Promise<string> {
  const offered = all.filter((one) => mayCome(one, partial))
  if (!process.stdin.isTTY || !process.stderr.isTTY || offered.length === 0)
    throw new Problem(`which backup?\n    ${all.map(lineOf).join('\n    ')}`, {
      cure: 'Name it with --backup NAME, or take the newest whole one with --backup latest.',
      exitCode: 2,
    })
  const { select, isCancel } = await import('@clack/prompts')
  const answer = await select({
    message: 'Which backup?',
    options: offered.map((one) => ({
      value: one.metadata.name,
      label: printable(`${ageOf(one, cluster)}${isWhole(one) ? '' : '  (partial)'}`),
    })),
    output: process.stderr,
  })
  if (isCancel(answer)) throw new Problem('no backup chosen: nothing was changed', { exitCode: 2 })
  return answer
}

/**
 * The backup that a wish means. A name wins over a date, a date over the start of a name.
 * @param all newest first
 * @param partial one that is not whole will do
 * @throws Problem when none or several answer to it (exit code 2), or the one that does is not whole
 */
export function pick(
  all: readonly Backup[],
  wish: string,
  partial = false,
  listed: readonly Backup[] = all,
): Backup {
  const named = all.find((one) => one.metadata.name === wish)
  if (named) return accepted(named, partial, listed)
  if (wish === 'latest') {
    const found = all.find(isWhole)
    if (found) return found
    throw new Problem(`none of ${listed.length} backups is whole\n    ${listed.map(lineOf).join('\n    ')}`, {
      cure: waysOn(listed.find(({ wholeness }) => wholeness.state === 'partial')),
    })
  }
  if (/^\d{4}-\d{2}-\d{2}(T[\d:]+Z?)?$/.test(wish)) {
    const then = all.filter((one) => one.status?.startTimestamp?.startsWith(wish.replace(/Z$/, '')))
    return accepted(
      then.find(isWhole) ?? then[0] ?? none(all, `there is no backup of ${wish}`),
      partial,
      listed,
    )
  }
  const [found, ...others] = all.filter((one) => one.metadata.name.startsWith(wish))
  if (!found) return none(all, `there is no backup “${wish}”`)
  if (others.length === 0) return accepted(found, partial, listed)
  return none([found, ...others], `${1 + others.length} backups begin with “${wish}”`)
}

function none(all: readonly Backup[], message: string): never {
  throw new Problem(`${message}\n    ${all.map(lineOf).join('\n    ')}`, {
    cure: 'Name one of these with --backup.',
    exitCode: 2,
  })
}

const mayCome = (one: Backup, partial: boolean) =>
  isWhole(one) || (partial && one.wholeness.state === 'partial')

function accepted(one: Backup, partial: boolean, all: readonly Backup[]): Backup {
  if (mayCome(one, partial)) return one
  const { state } = one.wholeness
  throw new Problem(`backup ${one.metadata.name} is ${state}:\n    ${reasonsOf(one).join('\n    ')}`, {
    cure: all.some((other) => other !== one && isWhole(other))
      ? `Take the newest whole one with --backup latest.${state === 'partial' ? ' A restore without --replace brings back what this one has, with --partial.' : ''}`
      : waysOn(state === 'partial' ? one : all.find(({ wholeness }) => wholeness.state === 'partial')),
  })
}

const lineOf = (one: Backup) =>
  `${one.metadata.name}  ${one.status?.startTimestamp ?? 'never started'}  ${[one.wholeness.state, reasonsOf(one).join('; ')].filter(Boolean).join(': ')}`
