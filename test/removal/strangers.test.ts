import t from 'tap'
import type { Cluster } from '../../lib/cluster/cluster.ts'
import type { Inventory } from '../../lib/cluster/ours.ts'
import { strangers } from '../../lib/digitalocean/strangers.ts'

t.test('a droplet without a name of regrow’s is told, with what to do about it', async (t) => {
  const cluster = { name: 'main', tag: 'regrow:main' } as Cluster
  const own = (...all: string[]) =>
    ({ droplets: all.map((name) => ({ id: '7', name })) }) as unknown as Inventory
  t.same(strangers(cluster, own('main-1', 'main-27')), [])
  for (const name of ['my-database', 'main', 'main-', 'main-0', 'main-01', 'main-1a', 'main-x-1', 'copy-1'])
    t.match(strangers(cluster, own('main-1', name)), [
      {
        message: `droplet ${name} (7) is in project regrow-main or has the tag regrow:main, and regrow never gave it that name`,
        cure: /Move it to another project.*rename 7 --droplet-name NAME/,
      },
    ])
})
