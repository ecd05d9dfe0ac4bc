import t from 'tap'
import type { Droplet, Size } from '../../lib/clients/digitalocean-types.ts'
import type { Cluster } from '../../lib/cluster/cluster.ts'
import type { Inventory } from '../../lib/cluster/ours.ts'
import { earlierLines } from '../../lib/machines/first/earlier.ts'
import { limits } from '../../lib/machines/preflight/machine-checks.ts'

// While one cluster replaces another, both are there: so many machines must fit, and so much they cost.

const droplet = (n: number, status = 'active') =>
  ({ id: String(n), name: `main-${n}`, status, size_slug: 's-1vcpu-2gb' }) as Droplet
const sizes = [{ slug: 's-1vcpu-2gb', price_monthly: 12 }] as Size[]
const three = [droplet(1), droplet(2), droplet(3)]

t.test('as many machines must fit as there are at the peak', async (t) => {
  const said = async (limit: number) => {
    const cluster = {
      account: { status: 'active', droplet_limit: limit, volume_limit: 0, reserved_ip_limit: 0 },
      wanted: { nodes: [{ name: 'main-4' }, { name: 'main-5' }, { name: 'main-6' }] },
      cloud: { droplets: async () => [...three, droplet(99)] },
    } as unknown as Cluster
    const own = { droplets: three, volumes: [{}], reservedIps: [{}] } as unknown as Inventory
    return (await limits(cluster, own)).map((one) => one?.message)
  }
  t.same(await said(6), ['droplets: the account may have 6 and has 4, and 3 more must fit'])
  t.same(await said(7), [])
})

const course = {
  backup: 'b4',
  server: 'main-4',
  at: '2026-11-29T10:00:00Z',
  droplets: [1, 2, 7].map((n) => ({ id: String(n), name: `main-${n}` })),
  volumes: [{ id: 'v1', name: 'pvc-1', gib: 5 }],
}

t.test('the plan names what goes, when, and what both cost together', async (t) => {
  const own = { droplets: [droplet(1), droplet(2, 'off'), droplet(3)], volumes: [] }
  t.same(earlierLines(own, course, sizes), [
    '  - droplet main-1, $12.00: powered off now, destroyed once main-4 is proven',
    '  - droplet main-2, $12.00: off, destroyed once main-4 is proven',
    '  - volume pvc-1, 5 GiB, $0.50',
    '    destroyed once its content is proven on another',
    '  ! until these are gone, $24.50 a month more',
  ])
  t.same(
    earlierLines({ droplets: [], volumes: [] }, { ...course, droplets: [] }, sizes),
    ['  = volume pvc-1, 5 GiB, $0.50: stays', '  ! until these are gone, $0.50 a month more'],
    'nothing is replaced where no machine was left',
  )
  const finished = { ...course, finished: '2026-11-29T11:00:00Z' }
  t.same(earlierLines({ droplets: [droplet(2, 'off')], volumes: [] }, finished, sizes), [
    '  - droplet main-2, $12.00: off, destroyed',
    '  ! until these are gone, $12.00 a month more',
  ])
})
