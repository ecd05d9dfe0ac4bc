import t from 'tap'
import { Problem } from '../../lib/base/problem.ts'
import { type Description, parseDescription } from '../../lib/cluster/description.ts'
import { readRequest, type ScaleFlags, secondsOf } from '../../lib/machines/scale/request.ts'
import { reshape } from '../../lib/machines/scale/reshape.ts'

const wish = (flags: Partial<ScaleFlags>) => readRequest({ ha: false, ...flags })
const describe = (text: string): Description => {
  const read = parseDescription(text)
  if ('faults' in read) throw new Error(JSON.stringify(read.faults))
  return read.description
}
const one = describe('nodes: [{name: main-1}]\nnextNode: 2')
const three = describe(
  'datastore: etcd\nnodes: [{name: main-1}, {name: main-3}, {name: main-4}, {name: main-2, role: agent, size: s-2vcpu-4gb}]\nnextNode: 5',
)
const names = ({ nodes }: Description) =>
  nodes.map((node) => `${node.name} ${node.role} ${node.size ?? ''}`.trim())

t.test('each wish changes the description, and the same wish again changes nothing more', async (t) => {
  const rows: [Description, Partial<ScaleFlags>, string[], number][] = [
    [one, { add: '2' }, ['main-1 server', 'main-2 agent', 'main-3 agent'], 4],
    [one, { add: '1', size: 's-2vcpu-4gb' }, ['main-1 server', 'main-2 agent s-2vcpu-4gb'], 3],
    [one, { add: '1', size: 's-1vcpu-2gb' }, ['main-1 server', 'main-2 agent'], 3],
    [one, { ha: true }, ['main-1 server', 'main-2 server', 'main-3 server'], 4],
    [one, { size: 's-2vcpu-4gb' }, ['main-1 server'], 2],
    [one, { size: 's-2vcpu-4gb', node: 'main-1' }, ['main-1 server s-2vcpu-4gb'], 2],
    [three, { size: 's-2vcpu-4gb' }, ['main-1 server', 'main-3 server', 'main-4 server', 'main-2 agent'], 5],
    [
      three,
      { size: 's-1vcpu-2gb', node: 'main-2' },
      ['main-1 server', 'main-3 server', 'main-4 server', 'main-2 agent'],
      5,
    ],
    [three, { remove: 'main-2' }, ['main-1 server', 'main-3 server', 'main-4 server'], 5],
    [three, { remove: 'main-1,main-2' }, ['main-3 server', 'main-4 server'], 5],
    [
      three,
      { add: '1', role: 'server' },
      ['main-1 server', 'main-3 server', 'main-4 server', 'main-5 server', 'main-2 agent s-2vcpu-4gb'],
      6,
    ],
    [
      three,
      { replace: 'main-1' },
      ['main-3 server', 'main-4 server', 'main-5 server', 'main-2 agent s-2vcpu-4gb'],
      6,
    ],
    [
      three,
      { replace: 'main-2' },
      ['main-1 server', 'main-3 server', 'main-4 server', 'main-5 agent s-2vcpu-4gb'],
      6,
    ],
    [three, {}, names(three), 5],
  ]
  for (const [before, flags, wanted, next] of rows) {
    const after = reshape(before, wish(flags))
    t.same(names(after), wanted, JSON.stringify(flags))
    t.equal(after.nextNode, next)
    t.same(describe(JSON.stringify(after)), after, 'the schema takes it')
    if (!flags.add) t.same(reshape(after, wish(flags)), after, 'once more')
  }
  t.equal(reshape(one, wish({ ha: true })).datastore, 'etcd')
})

t.test('what no cluster can have is refused, as wrong usage', async (t) => {
  const rows: [Description, Partial<ScaleFlags>, RegExp][] = [
    [one, { add: '0' }, /--add 0 is not a number/],
    [one, { add: '-1' }, /--add -1 is not a number/],
    [one, { add: 'abc' }, /--add abc is not a number/],
    [one, { add: '1.5' }, /--add 1.5 is not a number/],
    [one, { add: '1e3' }, /not a number/],
    [one, { add: ' 1' }, /not a number/],
    [one, { add: '01' }, /not a number/],
    [one, { add: '0x2' }, /not a number/],
    [one, { add: '١' }, /not a number/],
    [one, { add: '257' }, /not a number/],
    [one, { add: '99999999999999999999' }, /not a number/],
    [one, { add: '256' }, /256 machines at most/],
    [one, { add: '1', role: 'master' }, /“master” is not a role/],
    [one, { add: '1', role: 'server' }, /SQLite, which works on one server only/],
    [one, { add: '1', size: 'S-2VCPU' }, /“S-2VCPU” is not a size/],
    [one, { add: '1', size: '-x' }, /is not a size/],
    [one, { add: '1', node: 'main-1' }, /--node belongs to --size/],
    [one, { add: '1', ha: true }, /--add and --ha are two things/],
    [one, { remove: 'main-1', replace: 'main-1' }, /--remove and --replace are two things/],
    [one, { remove: 'main-1', size: 's-2vcpu-4gb' }, /--size belongs to --add/],
    [one, { remove: 'main-1' }, /main-1 would go, and a cluster needs a server/],
    [one, { remove: 'main-2' }, /has no machine “main-2”/],
    [one, { remove: 'main-0' }, /has no machine/],
    [one, { remove: 'main-01' }, /has no machine/],
    [one, { remove: 'other-1' }, /has no machine/],
    [one, { remove: 'main-1,' }, /names nothing/],
    [one, { remove: 'main-1,main-1' }, /names main-1 twice/],
    [one, { replace: 'main-1' }, /main-1 is the only server/],
    [one, { replace: '../x' }, /has no machine/],
    [one, { role: 'agent' }, /--role belongs to --add/],
    [one, { node: 'main-1' }, /--node belongs to --size/],
    [one, { size: 's-2vcpu-4gb', node: 'main-7' }, /has no machine “main-7”/],
    [one, { size: 's-2vcpu-4gb', role: 'agent' }, /--role belongs to --add/],
    [three, { size: 's-2vcpu-4gb', node: 'main' }, /has no machine/],
    [three, { remove: 'main-1,main-3,main-4' }, /a cluster needs a server/],
  ]
  for (const [before, flags, message] of rows) {
    const problem = t.throws(() => reshape(before, wish(flags)), Problem, JSON.stringify(flags)) as Problem
    t.match(problem.message, message)
    t.equal(problem.exitCode, 2)
  }
})

t.test('times', async (t) => {
  t.same(['90s', '10m', '1h'].map(secondsOf), [90, 600, 3600])
  for (const text of ['', '0s', '10', '-1m', '1.5h', '25h', '10 m', '10min'])
    t.throws(() => secondsOf(text), /is not a time/, text)
})
