import { command } from '../base/hint.ts'
import { parseJson } from '../base/json.ts'
import { printable } from '../base/printable.ts'
import { Problem } from '../base/problem.ts'
import { tell } from '../base/story.ts'
import type { Bucket } from '../clients/s3.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { ageOf, type Backup, listBackups } from './backups.ts'
import { bytesIn } from './bytes.ts'
import {
  alteredProblem,
  pinned,
  type Sworn,
  unreadable,
  type Vouchers,
  vouchersOf,
  vouchingLine,
} from './vouch/vouching.ts'
import { besideIt, waysOn } from './ways-on.ts'
import { type BackupFile, backupFile, isWhole, judge, reasonsOf, type Wholeness } from './whole.ts'

/** How a backup is to be brought back. */
export interface Choice {
  /** One that is not whole will do, if it is named. */
  partial?: boolean | undefined
  /** In place of a living cluster. */
  replace?: boolean | undefined
  /** Who vouches for backups. */
  vouchers?: Vouchers | undefined
  /** One that nobody vouches for will not do. */
  vouched?: boolean | undefined
}

/** The backup that comes back. */
export interface Chosen extends Backup, Sworn {
  /** The bucket in which it lies, where it is read only as it was when it was chosen. */
  bucket: Bucket
  /** Newer whole ones that were passed over, one line each. */
  passedOver: readonly string[]
}

/**
 * Chooses the backup to bring back, by `wish`, else by asking on a terminal, and reads all of it that tells whether it is
 * whole.
 * @param wish a name, the unique start of one, a date (UTC, `2026-11-23` or with a time), or `latest`
 * @throws Problem when there is none such, it is not whole, was altered, or must be vouched for and is not; (exit code 2)
 *   with the list when nobody can be asked, or for a partial one that is not named, or is to take the place of a living
 *   cluster
 */
export async function chooseBackup(
  bucket: Bucket,
  wish: string | undefined,
  cluster: Pick<Cluster, 'cloud' | 'name'>,
  choice: Choice = {},
): Promise<Chosen> {
  const { partial = false, replace = false } = choice
  if (partial) allowed(wish, replace)
  const bytes = bytesIn(bucket, cluster)
  const all = await listBackups(bucket, cluster, bytes)
  if (all.length === 0)
    throw new Problem(`there is no backup in ${bucket.name}`, {
      cure: `Were they deleted? ${command('scripts/backups.mts', '--deleted')} lists those that can be brought back. Without one there is nothing to bring back; ${command('bootstrap.mts')} grows a new, empty cluster.`,
    })
  const vouchers = choice.vouchers ?? vouchersOf(bucket, undefined)
  /** What it is comes first: what is judged then is that, and nothing that was put in its place. */
  const sure = async (one: Backup): Promise<Chosen> => {
    const { name } = one.metadata
    const sworn = await vouchers.swear(name)
    const kept = pinned(bucket, name, sworn.prints)
    const told = { ...one, ...((await described(kept, name)) ?? {}), ...sworn }
    const isRead = sworn.prints.size > 0 && ![...sworn.prints.values()].includes(unreadable)
    const wholeness: Wholeness =
      one.wholeness.state === 'failed' || sworn.vouching.state === 'altered'
        ? one.wholeness
        : !isRead
          ? { state: 'failed', reasons: ['it has more files than Velero writes, or one that cannot be read'] }
          : await judge(kept, told, bytes, { thorough: true })
    return { ...told, wholeness, bucket: kept, passedOver: [] }
  }
  if (wish === 'latest') return newest(all, sure, choice.vouched)
  const listed = meant(all, wish ?? (await asked(all, cluster, partial)))
  const { name } = listed.metadata
  const seen = await vouchers.look(name)
  if (seen.state !== 'altered') accepted(listed, partial, all)
  const found = await sure(listed)
  if (found.vouching.state === 'altered') throw alteredProblem(name, found.vouching.why)
  accepted(found, partial, all)
  if (choice.vouched && found.vouching.state !== 'vouched for')
    throw notVouched([`${name}: ${found.vouching.why}`])
  return found
}

/** A backup's own file, as it is now. */
async function described(bucket: Bucket, name: string): Promise<BackupFile | undefined> {
  const text = Buffer.from((await bucket.get(`backups/${name}/velero-backup.json`)) ?? '').toString()
  const { data } = backupFile.safeParse(parseJson(text))
  return data?.metadata.name === name ? data : undefined
}

const notVouched = (lines: readonly string[]) =>
  new Problem(
    `no run of regrow vouches for ${lines.length === 1 ? 'the backup' : 'a whole backup'}:\n    ${lines.join('\n    ')}`,
    {
      cure: `Whoever has the key to its bucket can have made it. If the cluster answers, ${command('bootstrap.mts')} vouches for the backups that it made. To take one all the same, add --not-vouched: the plan then lists what in it has power over the cluster.`,
    },
  )

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

/** The newest one that is whole, by all that is in it. @param vouched and that somebody vouches for */
async function newest(
  all: readonly Backup[],
  sure: (one: Backup) => Promise<Chosen>,
  vouched = false,
): Promise<Chosen> {
  const passedOver: string[] = []
  const doubted: string[] = []
  for (const one of all.filter(isWhole)) {
    const found = await sure(one)
    const { vouching } = found
    const isDoubted = vouching.state === 'altered' || (vouched && vouching.state !== 'vouched for')
    if (!isDoubted && isWhole(found)) return { ...found, passedOver }
    const line = `${one.metadata.name}: ${isDoubted ? vouchingLine(vouching) : reasonsOf(found).join('; ')}`
    if (isDoubted) doubted.push(line)
    passedOver.push(line)
    tell('!', `backup ${one.metadata.name}`, `skipped: ${line.slice(one.metadata.name.length + 2)}`)
  }
  throw doubted.length > 0 ? notVouched(doubted) : noneWhole(all)
}

const noneWhole = (listed: readonly Backup[]) =>
  new Problem(`none of ${listed.length} backups is whole\n    ${listed.map(lineOf).join('\n    ')}`, {
    cure: waysOn(listed.find(({ wholeness }) => wholeness.state === 'partial')),
  })

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
  const found = meant(all, wish, listed)
  return accepted(found, partial, listed)
}

/** The backup that a wish means, whole or not. */
function meant(all: readonly Backup[], wish: string, listed: readonly Backup[] = all): Backup {
  const named = all.find((one) => one.metadata.name === wish)
  if (named) return named
  if (wish === 'latest') {
    const found = all.find(isWhole)
    if (found) return found
    throw noneWhole(listed)
  }
  if (/^\d{4}-\d{2}-\d{2}(T[\d:]+Z?)?$/.test(wish)) {
    const then = all.filter((one) => one.status?.startTimestamp?.startsWith(wish.replace(/Z$/, '')))
    return then.find(isWhole) ?? then[0] ?? none(all, `there is no backup of ${wish}`)
  }
  const [found, ...others] = all.filter((one) => one.metadata.name.startsWith(wish))
  if (!found) return none(all, `there is no backup “${wish}”`)
  if (others.length === 0) return found
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
