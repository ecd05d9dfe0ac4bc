import t from 'tap'
import type { Droplet } from '../../lib/clients/digitalocean-types.ts'
import { type Description, parseDescription } from '../../lib/cluster/description.ts'
import type { Member } from '../../lib/kubernetes/nodes.ts'
import type { Pod } from '../../lib/kubernetes/pods.ts'
import { ailing, difference, isDone, type Seen } from '../../lib/machines/scale/difference.ts'
import { homeless } from '../../lib/machines/scale/fit.ts'
import { assertAllowed, refusals } from '../../lib/machines/scale/refusals.ts'
import { reshape } from '../../lib/machines/scale/reshape.ts'

const now = Date.parse('2026-11-23T12:00:00Z')
const hour = 3_600_000
const describe = (text: string): Description => {
  const read = parseDescription(text)
  if ('faults' in read) throw new Error(JSON.stringify(read.faults))
  return read.description
}
const droplet = (name: string, more: Partial<Droplet> = {}): Droplet => ({
  id: name,
  name,
  status: 'active',
  locked: false,
  size_slug: 's-1vcpu-2gb',
  region: { slug: 'fra1' },
  tags: ['regrow:main'],
  volume_ids: [],
  created_at: '',
  networks: { v4: [] },
  ...more,
})
const member = (name: string, more: Partial<Member> = {}): Member => ({
  name,
  ready: true,
  since: now - hour,
  server: false,
  etcd: false,
  unschedulable: false,
  cordonedByUs: false,
  labels: {},
  room: { cpu: 1, memory: 2 ** 31, pods: 110 },
  ...more,
})
const pod = (name: string, node: string, more: Partial<Pod> = {}): Pod => ({
  name,
  node,
  ofItsNode: false,
  alone: false,
  selector: {},
  cpu: 0,
  memory: 0,
  volumes: 0,
  localClaims: [],
  onDisk: [],
  scratch: false,
  ...more,
})
const seen = (names: string[], more: Partial<Seen> = {}): Seen => ({
  droplets: names.map((name) => droplet(name)),
  earlier: [],
  astray: [],
  leadsTo: 'main-1',
  members: names.map((name) => member(name, { server: name === 'main-1' })),
  pods: [],
  localClaims: [],
  volumeLimits: new Map(),
  ...more,
})
const two = describe('nodes: [{name: main-1}, {name: main-2, role: agent}]\nnextNode: 4')
const named = (all: readonly { name: string }[]) => all.map((one) => one.name)

t.test('nothing is left to do where everything is as described', async (t) => {
  t.ok(isDone(difference(two, seen(['main-1', 'main-2']), now)))
})

t.test('what each machine lacks', async (t) => {
  const todo = (more: Partial<Seen>, names = ['main-1', 'main-2']) => difference(two, seen(names, more), now)
  t.same(named(todo({}, ['main-1']).join), ['main-2'], 'it is not there')
  t.same(
    named(todo({ members: [member('main-1', { server: true })] }).join),
    ['main-2'],
    'it is there and has not joined',
  )
  const young = member('main-2', { ready: false, since: now - 60_000 })
  t.same(named(todo({ members: [member('main-1'), young] }).join), ['main-2'], 'it joined just now')
  t.same(named(todo({ members: undefined }).join), [], 'who knows, while the API does not answer')
  t.same(named(todo({}, ['main-1', 'main-2', 'main-3']).leave), ['main-3'])
  t.same(named(todo({}, ['main-1', 'main-2', 'main-7']).leave), [], 'nobody’s number')
  t.same(named(todo({}, ['main-1', 'main-2', 'other-3']).leave), [])
  const off = { droplets: [droplet('main-1'), droplet('main-2', { status: 'off' })] }
  t.same(named(todo(off).wake), ['main-2'])
  const small = {
    droplets: [droplet('main-1'), droplet('main-2', { status: 'off', size_slug: 's-1vcpu-1gb' })],
  }
  t.match(todo(small), { wake: [], resize: [{ name: 'main-2', size: 's-1vcpu-2gb' }] })
  const astray = [droplet('main-2'), droplet('main-3')]
  t.same(named(todo({ astray }).adopt), ['main-2'], 'a killed run left it outside the project')
  t.notOk(isDone(todo({ astray })), 'and that alone is something to do')
  const cordoned = (more: Partial<Member>) => ({
    members: [member('main-1', { server: true }), member('main-2', more)],
  })
  t.same(todo(cordoned({ unschedulable: true, cordonedByUs: true })).uncordon, ['main-2'])
  t.same(todo(cordoned({ unschedulable: true })).uncordon, [], 'a person’s cordon')
})

t.test('a machine that is to go and is dead is buried, not drained', async (t) => {
  const names = ['main-1', 'main-2', 'main-3']
  const without = (last: Partial<Seen>) => difference(two, seen(names, last), now)
  const off = [droplet('main-1'), droplet('main-2'), droplet('main-3', { status: 'off' })]
  t.match(without({ droplets: off }), { bury: [{ name: 'main-3' }], leave: [] })
  const ill = [member('main-1', { server: true }), member('main-2'), member('main-3', { ready: false })]
  t.match(without({ members: ill }), { bury: [{ name: 'main-3' }], leave: [] })
  t.match(without({ members: ill.slice(0, 2) }), { bury: [{ name: 'main-3' }], leave: [] }, 'it never joined')
  t.match(without({ droplets: off.slice(0, 2) }), { bury: [{ name: 'main-3', droplet: undefined }] })
  t.match(without({ members: undefined }), { bury: [], leave: [{ name: 'main-3' }] }, 'nobody can tell')
})

t.test('the address leads to a described server that works', async (t) => {
  const three = describe(
    'datastore: etcd\nnodes: [{name: main-1}, {name: main-2}, {name: main-3}]\nnextNode: 4',
  )
  const lead = (leadsTo: string, ill: string[] = []) => {
    const names = ['main-1', 'main-2', 'main-3']
    const members = names.map((name) =>
      member(name, { server: true, etcd: true, ready: !ill.includes(name) }),
    )
    return difference(three, seen(names, { leadsTo, members }), now).lead
  }
  t.equal(lead('main-3'), undefined, 'it stays where it works')
  t.equal(lead('main-1', ['main-1']), 'main-2')
  t.equal(lead('main-9'), 'main-1')
  t.equal(lead('main-1', ['main-1', 'main-2', 'main-3']), undefined)
})

t.test('one server on SQLite is converted; who is not Ready for long is named', async (t) => {
  const ha = reshape(two, { verb: 'ha' })
  t.equal(difference(ha, seen(['main-1', 'main-2']), now).convert, 'main-1')
  const done = [member('main-1', { server: true, etcd: true })]
  t.equal(difference(ha, seen(['main-1'], { members: done }), now).convert, undefined)
  t.same(ailing(two, seen([], { members: [member('main-2', { ready: false })] }), now), ['main-2'])
})

t.test('pods that fit nowhere', async (t) => {
  const members = [member('main-1'), member('main-2', { labels: { disk: 'ssd' } }), member('main-3')]
  const gib = 2 ** 30
  const rows: [Pod[], string[]][] = [
    [[pod('a/b', 'main-3', { memory: gib })], []],
    [[pod('a/b', 'main-3', { memory: 3 * gib })], ['a/b']],
    [[pod('a/b', 'main-3', { cpu: 2 })], ['a/b']],
    [
      [
        pod('a/x', 'main-1', { memory: 1.5 * gib }),
        pod('a/y', 'main-2', { memory: 1.5 * gib }),
        pod('a/b', 'main-3', { memory: gib }),
      ],
      ['a/b'],
    ],
    [[pod('a/b', 'main-3', { selector: { disk: 'ssd' } })], []],
    [[pod('a/b', 'main-3', { selector: { disk: 'hdd' } })], ['a/b']],
    [[pod('a/b', 'main-3', { ofItsNode: true, memory: 9 * gib })], []],
    [
      [
        pod('a/x', 'main-1', { volumes: 6 }),
        pod('a/y', 'main-2', { volumes: 4 }),
        pod('a/b', 'main-3', { volumes: 3 }),
      ],
      ['a/b'],
    ],
    [
      [
        pod('a/x', 'main-1', { volumes: 6 }),
        pod('a/y', 'main-2', { volumes: 3 }),
        pod('a/b', 'main-3', { volumes: 3 }),
      ],
      [],
    ],
  ]
  for (const [pods, wanted] of rows)
    t.same(
      homeless(members, pods, ['main-3'], () => 6),
      wanted,
    )
  const cordoned = members.map((one) => ({ ...one, unschedulable: one.name !== 'main-3' }))
  t.same(
    homeless(cordoned, [pod('a/b', 'main-3')], ['main-3'], () => 6),
    ['a/b'],
  )
})

t.test('what speaks against a removal', async (t) => {
  const etcd = (count: number) =>
    describe(
      `datastore: etcd\nnodes: [${Array.from({ length: count }, (_, at) => `{name: main-${at + 1}}`)}]\nnextNode: 9`,
    )
  const check = (before: Description, gone: string, ill: string[] = [], pods: Pod[] = []) => {
    const names = named(before.nodes)
    const members = names.map((name) =>
      member(name, { server: true, etcd: true, ready: !ill.includes(name) }),
    )
    const after = reshape(before, { verb: 'remove', names: gone.split(',') })
    return refusals(before, after, seen(names, { members, pods }))
  }
  const messages = (...all: Parameters<typeof check>) => check(...all).map((one) => one.message)
  t.match(messages(etcd(3), 'main-3'), [/two servers would stay, main-1, main-2/])
  t.same(messages(etcd(3), 'main-2,main-3'), [])
  t.match(messages(etcd(3), 'main-3', ['main-1', 'main-2']), [
    /lost its majority: of 3 servers main-1, main-2 do not/,
  ])
  t.match(messages(etcd(3), 'main-2', ['main-1']), [
    /without main-2 etcd would lose its majority: of 2 .*, 1 would/,
  ])
  t.match(check(etcd(3), 'main-2', ['main-1']), [{ forcible: false, cure: /--replace main-1/ }])
  t.same(messages(etcd(5), 'main-4,main-5', ['main-5']), [], 'a dead one and a living one of five')
  t.match(messages(etcd(4), 'main-4', [], [pod('default/debug', 'main-4', { alone: true })]), [
    /nobody makes default\/debug again/,
  ])
  t.match(messages(etcd(4), 'main-4', [], [pod('a/b', 'main-4', { localClaims: ['a/data'] })]), [
    /a\/data lies on the machine’s own disk/,
  ])
  t.match(messages(etcd(4), 'main-4', [], [pod('a/b', 'main-4', { memory: 2 ** 40 })]), [/no room for a\/b/])
  t.match(messages(etcd(4), 'main-4', [], [pod('a/b', 'main-4', { onDisk: ['/srv/a'] })]), [
    /\/srv\/a of a\/b lies on the machine’s own disk/,
  ])
  t.same(messages(etcd(4), 'main-4', [], [pod('a/b', 'main-3', { onDisk: ['/srv/a'] })]), [], 'on another')
  const agent = { ofItsNode: true, onDisk: ['/srv/cache'], localClaims: ['a/data'] }
  t.match(
    messages(etcd(4), 'main-4', [], [pod('a/agent-4', 'main-4', agent), pod('a/agent-3', 'main-3', agent)]),
    ['a/data, /srv/cache of a/agent-4 lie on the machine’s own disk and go with it'],
    'a DaemonSet’s pod goes with its machine, and what it wrote there',
  )

  const four = etcd(4)
  const asleep = refusals(
    four,
    reshape(four, { verb: 'remove', names: ['main-4'] }),
    seen([], {
      members: named(four.nodes).map((name) => member(name, { server: true, etcd: true })),
      pods: [pod('a/b', 'main-3', { localClaims: ['a/used'] })],
      localClaims: [
        { name: 'a/asleep', node: 'main-4' },
        { name: 'a/elsewhere', node: 'main-3' },
        { name: 'a/somewhere', node: undefined },
        { name: 'a/used', node: undefined },
      ],
    }),
  )
  t.match(asleep, [
    {
      forcible: true,
      message: /^a\/asleep, a\/somewhere \(or on another machine\) lie on the machine’s own disk/,
    },
  ])

  const three = etcd(3)
  const dead = member('main-1', { server: true, etcd: true, ready: false })
  const rest = ['main-2', 'main-3'].map((name) => member(name, { server: true, etcd: true }))
  const replaced = reshape(three, { verb: 'replace', node: 'main-1' })
  t.same(refusals(three, replaced, seen([], { members: [dead, ...rest] })), [], 'a dead one is replaced')
  t.match(
    refusals(two, reshape(two, { verb: 'remove', names: ['main-2'] }), seen([], { members: undefined })),
    [{ forcible: false, message: /no server of main answers/ }],
  )
  const forcible = check(etcd(3), 'main-3')
  t.throws(() => assertAllowed(forcible, false), { message: /two servers/, cure: /--force/ })
  t.match(assertAllowed(forcible, true), [/two servers/])
  t.throws(() => assertAllowed(check(etcd(3), 'main-2', ['main-1']), true), /majority/)
})
