import { command } from '../base/hint.ts'
import type { Wholeness } from './whole.ts'

/** A backup that is not whole, as far as the ways on from it go. */
interface NotWhole {
  metadata: { name: string }
  wholeness?: Wholeness
}

/** What brings a partial backup back beside the cluster. */
export const besideIt = (name: string) =>
  `To see what backup ${name} has, beside it: ${command('restore.mts', '--backup', name, '--partial', '--as', 'copy')}`

/**
 * What a person can do whose backups are not whole, each a line with a command: a partial one never takes the place of
 * machines that may have more.
 * @param one the partial one to go on with, if there is any
 */
export function waysOn(one: NotWhole | undefined): string {
  const cures = one?.wholeness?.state === 'partial' ? (one.wholeness.cures ?? []) : []
  const again = [`If the cluster still answers, take a whole one: ${command('scripts/backup.mts')}`, ...cures]
  if (!one) return again.join('\n  → ')
  const { name } = one.metadata
  return [
    ...again,
    besideIt(name),
    `To give up what is left of the cluster: ${command('scripts/destroy.mts')}, then ${command('restore.mts', '--backup', name, '--partial')}`,
  ].join('\n  → ')
}
