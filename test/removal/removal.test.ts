import t from 'tap'
import type { Snapshot, Volume } from '../../lib/clients/digitalocean-types.ts'
import type { Things } from '../../lib/cluster/ours.ts'
import { kinds, steps } from '../../lib/cluster/resources.ts'
import { going, toKeep } from '../../lib/commands/destroy/removal.ts'

const volume = (id: string) => ({ id, name: `pvc-${id}` }) as Volume
const snapshot = (id: string, resource_id: string) => ({ id, resource_id }) as Snapshot

t.test('what stays: volumes that no backup holds, and snapshots', (t) => {
  const own = {
    volumes: [volume('held'), volume('unheld')],
    snapshots: [
      snapshot('of-a-backup', 'held'),
      snapshot('made-by-a-person', 'held'),
      snapshot('of-unheld', 'unheld'),
      snapshot('of-a-volume-long-gone', 'gone'),
    ],
  }
  const copies = { volumes: new Set(['held']), snapshots: new Set(['of-a-backup']) }
  const kept = toKeep(own, copies)
  t.same([...kept.volumes], ['unheld'])
  t.same(
    [...kept.snapshots],
    ['of-a-backup', 'made-by-a-person', 'of-unheld', 'of-a-volume-long-gone'],
    'none of them is in another copy',
  )
  const none = toKeep(own, { volumes: new Set<string>() })
  t.equal(none.volumes.size, 2, 'without a whole backup nothing goes')
  t.equal(none.snapshots.size, 4)
  t.end()
})

t.test(
  'of each kind all that is there goes, and counts as left while it is there, but for what stays',
  (t) => {
    const one = { region: { slug: 'fra1' }, size_gigabytes: 1, size_unit: 1 }
    const own = Object.fromEntries(
      kinds.map((kind) => [kind, [{ ...one, id: kind, ip: kind, access_key: kind, name: kind }]]),
    ) as unknown as Things
    const gone = (...ids: string[]) => going(own, { ids: new Set(ids) }).map(({ kind }) => kind)
    t.same(gone(), steps.flat())
    for (const kind of kinds)
      t.same(
        gone(kind),
        steps.flat().filter((each) => each !== kind),
      )
    t.end()
  },
)
