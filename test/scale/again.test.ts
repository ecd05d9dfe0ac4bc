import t from 'tap'
import type { Droplet } from '../../lib/clients/digitalocean-types.ts'
import type { Bucket } from '../../lib/clients/s3.ts'
import { parseDescription } from '../../lib/cluster/description.ts'
import type { Member } from '../../lib/kubernetes/nodes.ts'
import type { Seen } from '../../lib/machines/scale/difference.ts'
import { countedOn, withoutRepeats, withSuccessors } from '../../lib/machines/scale/mend.ts'
import { readRequest, type ScaleFlags } from '../../lib/machines/scale/request.ts'

// Who was interrupted gives the same command again: it buys nothing twice.

const read = parseDescription('nodes: [{name: main-1}, {name: main-2, role: agent}]\nnextNode: 3')
if ('faults' in read) throw new Error('it can be read')
const { description } = read
const named = (names: string[]) => names.map((name) => ({ name }))
const meant = (flags: Partial<ScaleFlags>, droplets: string[], members?: string[]) =>
  withoutRepeats(description, readRequest({ ha: false, ...flags }), {
    droplets: named(droplets) as Droplet[],
    members: members && (named(members) as Member[]),
  }).verb

t.test('the same --add finishes what did not join, and adds where everything did', async (t) => {
  const both = ['main-1', 'main-2']
  t.equal(meant({ add: '1' }, ['main-1'], ['main-1']), 'finish', 'it was not ordered yet')
  t.equal(meant({ add: '1' }, both, ['main-1']), 'finish', 'it was ordered')
  t.equal(meant({ add: '1' }, ['main-1']), 'finish', 'no server answers')
  t.equal(meant({ add: '1' }, both, both), 'add')
  t.equal(meant({ add: '1' }, both), 'add')
  t.equal(meant({ add: '1', size: 's-2vcpu-4gb' }, both, ['main-1']), 'add', 'of another size')
  t.equal(meant({ add: '1', size: 's-1vcpu-2gb' }, both, ['main-1']), 'finish')
  t.equal(meant({ add: '1', role: 'server' }, both, ['main-1']), 'add', 'of another role')
  t.equal(meant({ remove: 'main-2' }, both, ['main-1']), 'remove')
})

t.test('a machine that says that it failed is replaced, unless a volume is plugged into it', async (t) => {
  const report = { step: 'k3s', state: 'failed', at: new Date().toISOString(), seconds: 1, bootId: 'x' }
  const get = async (key: string) =>
    key === 'nodes/main-2/k3s.json' ? Buffer.from(JSON.stringify({ ...report, message: 'no' })) : undefined
  const names = async (volumes: string[]) => {
    const droplets = named(['main-1', 'main-2']).map((one) => ({ ...one, volume_ids: volumes }))
    const seen = { droplets, members: named(['main-1']), pods: [] } as unknown as Seen
    const after = await withSuccessors(description, seen, { get } as unknown as Bucket, new Date())
    return after.nodes.map(({ name }) => name)
  }
  t.same(await names([]), ['main-1', 'main-3'])
  t.same(await names(['v']), ['main-1', 'main-2'])
})

t.test('no name is given twice, whatever Git counts', (t) => {
  t.equal(countedOn(description, new Set()).nextNode, 3)
  t.equal(countedOn(description, new Set(['main-2', 'other-9', 'main-x'])).nextNode, 3)
  t.equal(countedOn(description, new Set(['main-7', 'main-2'])).nextNode, 8)
  t.end()
})
