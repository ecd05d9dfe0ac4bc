import t from 'tap'
import { accessKept } from '../../lib/backup/restore/beside.ts'
import type { Cluster } from '../../lib/cluster/cluster.ts'

const named = (name: string) =>
  ({ name, login: 'bob', place: { owner: 'bob', name: `regrow-${name}` } }) as Cluster

t.test(
  'a copy that is not proven can still write to the backups of the original, and it is told how to end that',
  async (t) => {
    t.match(
      accessKept(named('copy'), named('main')),
      /^write access of copy to the backups of main, until it is proven, or removed: \S+destroy\.mts --name copy$/,
    )
  },
)
