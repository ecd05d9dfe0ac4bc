import t from 'tap'
import type { Droplet, ReservedIp } from '../../lib/clients/digitalocean-types.ts'
import type { Cluster } from '../../lib/cluster/cluster.ts'
import type { Inventory } from '../../lib/cluster/ours.ts'
import { noTwins } from '../../lib/machines/preflight/machine-checks.ts'

// An order whose answer was lost, and whose droplet showed only after the next one was ordered.
const droplet = (id: string, name: string, volume_ids: string[] = []) =>
  ({ id, name, volume_ids, created_at: `2026-11-28T10:00:0${id}Z` }) as Droplet
const found = (droplets: Droplet[], leadsTo?: string) => {
  const address = { ip: '192.0.2.1', droplet: leadsTo ? { id: leadsTo } : null } as ReservedIp
  return noTwins({} as Cluster, { droplets, reservedIps: [address] } as unknown as Inventory)
}

t.test('machines of different names are none', async (t) => {
  t.same(await found([droplet('1', 'main-1'), droplet('2', 'main-2')], '1'), [])
})

t.test(
  'of two of one name the unused one is named, and how to stop it: no message deletes a machine',
  async (t) => {
    const two = [droplet('1', 'main-1'), droplet('2', 'main-1')]
    t.match(await found([...two, droplet('3', 'main-2')], '2'), [
      {
        message:
          'there are 2 droplets named main-1, and only one is wanted: 1, made 2026-11-28T10:00:01Z; 2, made 2026-11-28T10:00:02Z, in use',
        cure: /^No address leads to the other, and it has no volume\. .*droplet-action shutdown 1 stops it;/,
      },
    ])
  },
)

t.test(
  'an agent is in use by its volumes; where nothing tells them apart, none is named for removal',
  async (t) => {
    t.match(await found([droplet('1', 'main-2', ['v']), droplet('2', 'main-2')]), [
      { cure: /shutdown 2 stops it/ },
    ])
    t.match(await found([droplet('1', 'main-2'), droplet('2', 'main-2')]), [
      { cure: /get nodes -o wide tells .* shutdown ID stops it/ },
    ])
  },
)
