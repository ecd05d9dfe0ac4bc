import type { Bucket } from '../clients/s3.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { command } from '../hint.ts'
import { Problem } from '../problem.ts'
import { ageOf, type Backup, isWhole, listBackups } from './backups.ts'

/**
 * Chooses the backup to bring back: by `wish`, else by asking on a terminal.
 * @param wish a name, the unique start of one, a date (UTC, `2026-11-23` or with a time), or `latest`
 * @throws Problem when there is none such, or it is not whole; (exit code 2) with the list when nobody can be asked
 */
export async function chooseBackup(
  bucket: Bucket,
  wish: string | undefined,
  cluster: Pick<Cluster, 'cloud' | 'name'>,
): Promise<Backup> {
  const all = await listBackups(bucket)
  if (all.length === 0)
    throw new Problem(`there is no backup in ${bucket.name}`, {
      cure: `Without one there is nothing to bring back; ${command('bootstrap.mts')} grows the cluster anew.`,
    })
  if (wish !== undefined) return pick(all, wish)
  const whole = all.filter(isWhole)
  if (!process.stdin.isTTY || !process.stderr.isTTY || whole.length === 0)
    throw new Problem(`which backup?\n    ${all.map(lineOf).join('\n    ')}`, {
      cure: 'Name it with --backup NAME, or take the newest whole one with --backup latest.',
      exitCode: 2,
    })
  const { select, isCancel } = await import('@clack/prompts')
  const answer = await select({
    message: 'Which backup?',
    options: whole.map((one) => ({ value: one.metadata.name, label: ageOf(one, cluster) })),
    output: process.stderr,
  })
  if (isCancel(answer)) throw new Problem('no backup chosen: nothing was changed', { exitCode: 2 })
  return pick(all, answer)
}

/**
 * The backup that a wish means. A name wins over a date, a date over the start of a name.
 * @param all newest first
 * @throws Problem when none or several answer to it (exit code 2), or the one that does is not whole
 */
export function pick(all: readonly Backup[], wish: string): Backup {
  const named = all.find((one) => one.metadata.name === wish)
  if (named) return whole(named)
  if (wish === 'latest') {
    const newest = all.find(isWhole)
    if (newest) return newest
    throw new Problem(`none of ${all.length} backups is whole\n    ${all.map(lineOf).join('\n    ')}`)
  }
  if (/^\d{4}-\d{2}-\d{2}(T[\d:]+Z?)?$/.test(wish)) {
    const then = all.filter((one) => one.status?.startTimestamp?.startsWith(wish.replace(/Z$/, '')))
    return whole(then.find(isWhole) ?? then[0] ?? none(all, `there is no backup of ${wish}`))
  }
  const [found, ...others] = all.filter((one) => one.metadata.name.startsWith(wish))
  if (!found) return none(all, `there is no backup “${wish}”`)
  if (others.length === 0) return whole(found)
  return none([found, ...others], `${1 + others.length} backups begin with “${wish}”`)
}

function none(all: readonly Backup[], message: string): never {
  throw new Problem(`${message}\n    ${all.map(lineOf).join('\n    ')}`, {
    cure: 'Name one of these with --backup.',
    exitCode: 2,
  })
}

function whole(one: Backup): Backup {
  if (isWhole(one)) return one
  throw new Problem(`backup ${one.metadata.name} is not whole: ${stateOf(one)}`, {
    cure: 'Choose another; --backup latest takes the newest whole one.',
  })
}

const stateOf = ({ status }: Backup) =>
  `${status?.phase ?? 'unfinished'}${status?.errors ? `, ${status.errors} errors` : ''}`

const lineOf = (one: Backup) =>
  `${one.metadata.name}  ${one.status?.startTimestamp ?? 'never started'}  ${isWhole(one) ? 'whole' : stateOf(one)}`
