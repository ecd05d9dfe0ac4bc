import t from 'tap'
import type { Cluster } from '../../lib/cluster/cluster.ts'
import type { Things } from '../../lib/cluster/ours.ts'
import { seenIn } from '../../lib/commands/destroy/removal.ts'
import { removeCloud } from '../../lib/commands/destroy/remove.ts'
import { nothingThere } from '../digitalocean/nothing-there.ts'

// What came between the list of what goes and its removal. Clients are stand-ins with fixed answers.

const keep = { ids: new Set(['p1']), noted: new Set<string>() }
const volume = (id: string) => ({ id, name: `pvc-${id}`, size_gigabytes: 1, tags: ['regrow:main'] })
const ask = (more: object) =>
  ({
    ...{ name: 'main', tag: 'regrow:main', wanted: { nextNode: 9, cluster: 'main' } },
    cloud: { ...nothingThere, ...more },
  }) as unknown as Cluster
const droplet = {
  ...{ id: '7', name: 'main-2', status: 'active', tags: ['regrow:main'], volume_ids: [] },
  ...{ size_slug: 's', region: { slug: 'fra1' } },
}
const project = {
  id: 'p1',
  name: 'regrow-main',
  is_default: false,
  description: 'Grown by regrow: cluster main',
}

t.test('nothing is removed where something came since that nobody was shown', async (t) => {
  const came: [what: string, world: object][] = [
    ['volume pvc-2', { volumes: async () => [volume('1'), volume('2')] }],
    ['droplet main-2', { dropletsTagged: async () => [droplet] }],
    ['snapshot night', { volumeSnapshots: async () => [{ id: 's', name: 'night', tags: ['regrow:main'] }] }],
    [
      'reserved IP 192.0.2.9',
      { projects: async () => [project], reservedIps: async () => [{ ip: '192.0.2.9', project_id: 'p1' }] },
    ],
    ['network main-network', { vpcs: async () => [{ id: 'n', name: 'main-network' }] }],
    ['load balancer b', { loadBalancers: async () => [{ id: 'b', name: 'b', tag: 'regrow:main' }] }],
  ]
  for (const [what, world] of came)
    await t.rejects(
      removeCloud(ask(world), { ...keep, seen: { 1: 'volume pvc-1' } }),
      { message: `${what} came since it was shown what goes: nothing was removed` },
      what,
    )
})

t.test('what was shown may be gone by now', async (t) => {
  const seen = seenIn({
    ...{
      droplets: [],
      volumes: [volume('1')],
      snapshots: [],
      loadBalancers: [],
      reservedIps: [],
      vpcs: [],
    },
  } as unknown as Things)
  t.same(seen, { 1: 'volume pvc-1' })
  await t.resolves(removeCloud(ask({}), { ...keep, seen }))
})
