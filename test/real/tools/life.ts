import { confirmed } from '../../flows/box.ts'
/** A cluster's life: command lines from nothing to nothing. */
export const life = [
  ['bootstrap.mts'],
  ['scripts/backup.mts'],
  ['scale.mts', '--add', '1', '--yes'],
  ['scale.mts', '--remove', 'main-2', '--yes'],
  ['scale.mts', '--size', 's-2vcpu-2gb', '--yes'],
  ['scripts/status.mts'],
  ['scripts/destroy.mts', '--yes', ...confirmed()],
  ['restore.mts', '--backup', 'latest', '--yes'],
  ['scripts/destroy.mts', '--with-backups', '--with-repository', '--yes', ...confirmed()],
] as const
