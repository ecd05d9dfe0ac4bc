/** A flow that the harnesses break: what has to be there before it, and its command. */
export interface Breakable {
  name: string
  /** Commands that make the world in which it begins. */
  before: readonly (readonly string[])[]
  command: readonly string[]
}

/** The flow that everything begins with. */
export const bootstrap: Breakable = { name: 'bootstrap', before: [], command: ['bootstrap.mts'] }

/** The flows that are broken everywhere. A new one is broken by being written down here. */
export const breakable: readonly Breakable[] = [
  bootstrap,
  {
    name: 'destroy',
    before: [['bootstrap.mts']],
    command: ['scripts/destroy.mts', '--with-backups', '--with-repository'],
  },
]
