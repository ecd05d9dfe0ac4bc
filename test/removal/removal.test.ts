import t from 'tap'
import type { Snapshot, Volume } from '../../lib/clients/digitalocean-types.ts'
import { toKeep } from '../../lib/commands/destroy/removal.ts'

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
