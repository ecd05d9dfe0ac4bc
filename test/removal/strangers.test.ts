import t from 'tap'
import type { Cluster } from '../../lib/cluster/cluster.ts'
import type { Inventory } from '../../lib/cluster/ours.ts'
import { strangers } from '../../lib/machines/foundation/strangers.ts'

t.test('a droplet without a name of regrow’s is told, with what to do about it', async (t) => {
  const wanted = { cluster: 'main', nextNode: 28, nodes: [] }
  const cluster = { name: 'main', tag: 'regrow:main', wanted, committed: wanted } as unknown as Cluster
  const own = (...all: string[]) =>
    ({ droplets: all.map((name) => ({ id: '7', name })) }) as unknown as Inventory
  t.same(strangers(cluster, own('main-1', 'main-27')), [])
  for (const name of [
    'my-database',
    'main',
    'main-',
    'main-0',
    'main-01',
    'main-1a',
    'main-x-1',
    'copy-1',
    'main-28',
  ])
    t.match(strangers(cluster, own('main-1', name)), [
      {
        message: `droplet ${name} (7) is in project regrow-main or has the tag regrow:main, and regrow never gave it that name`,
        cure: /Move it to another project.*rename 7 --droplet-name NAME/,
      },
    ])
})

t.test('a name is regrow’s below the next number, by a note, or where nothing tells', async (t) => {
  const own = { droplets: [{ id: '7', name: 'main-9' }] } as unknown as Inventory
  const cluster = (nextNode: number, isRead = true) => {
    const wanted = { cluster: 'main', nextNode, nodes: [] }
    return {
      name: 'main',
      tag: 'regrow:main',
      wanted,
      committed: isRead ? wanted : undefined,
    } as unknown as Cluster
  }
  t.same(strangers(cluster(10), own), [])
  t.equal(strangers(cluster(9), own).length, 1, 'not given yet')
  t.same(strangers(cluster(9), own, new Set(['main-9'])), [], 'a run that could not write to Git gave it')
  t.equal(
    strangers(cluster(10), own, new Set(['main-1'])).length,
    1,
    'Git alone says so, and the notes do not',
  )
  t.same(strangers(cluster(1, false), own), [], 'there is no description')
})
