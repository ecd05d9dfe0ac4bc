import { confirmed } from '../flows/box.ts'

/** A flow that the harnesses break: what has to be there before it, and its command. */
export interface Breakable {
  name: string
  /** Commands that make the world in which it begins. */
  before: readonly (readonly string[])[]
  command: readonly string[]
  /** Every run of the real suite tries a fault at each of its requests; of the others it tries a share. */
  always?: true
  /** What finishes it once Git has its intention, where that is another command than the same again. */
  finish?: readonly string[]
}

/** The flow that everything begins with. */
export const bootstrap: Breakable = {
  name: 'bootstrap',
  before: [],
  command: ['bootstrap.mts'],
  always: true,
}

const grown = [bootstrap.command]
const two = [...grown, ['scale.mts', '--add', '1']]
const latest = ['restore.mts', '--backup', 'latest']
const finish = ['scale.mts']

/** The flows that are broken everywhere. A new one is broken by being written down here. */
export const breakable: readonly Breakable[] = [
  bootstrap,
  {
    name: 'destroy',
    before: grown,
    command: ['scripts/destroy.mts', '--with-backups', '--with-repository', ...confirmed()],
    always: true,
  },
  { name: 'backup', before: grown, command: ['scripts/backup.mts', '--backup', 'mine'] },
  { name: 'restore', before: [...grown, ['scripts/destroy.mts', ...confirmed()]], command: latest },
  { name: 'restore --replace', before: grown, command: [...latest, '--replace'] },
  { name: 'rehearse', before: grown, command: ['scripts/rehearse.mts'] },
  { name: 'scale --add', before: grown, command: ['scale.mts', '--add', '1'], finish },
  { name: 'scale --remove', before: two, command: ['scale.mts', '--remove', 'main-2'], finish },
  { name: 'scale --replace', before: two, command: ['scale.mts', '--replace', 'main-2'], finish },
  { name: 'scale --size', before: grown, command: ['scale.mts', '--size', 's-2vcpu-4gb'] },
  { name: 'scale --ha', before: grown, command: ['scale.mts', '--ha'] },
]
