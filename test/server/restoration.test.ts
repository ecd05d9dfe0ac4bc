import t from 'tap'
import type { Problem } from '../../lib/base/problem.ts'
import type { Droplet } from '../../lib/clients/digitalocean-types.ts'
import type { Bucket } from '../../lib/clients/s3.ts'
import type { Cluster } from '../../lib/cluster/cluster.ts'
import { parseDescription } from '../../lib/cluster/description.ts'
import { recordLateVolumes, setCourse } from '../../lib/machines/first/course.ts'
import { earlierLines, powerOffEarlier, removeEarlier } from '../../lib/machines/first/earlier.ts'
import {
  assertNoRestore,
  earlierMachines,
  type Restoration,
  restorations,
} from '../../lib/machines/first/restoration.ts'
import { othersThan } from '../../lib/machines/scale/survey.ts'
import type { Buckets } from '../../lib/store/buckets.ts'
import { nothingThere } from '../digitalocean/nothing-there.ts'

// What is part of an unfinished restore is touched by that restore alone. Clients are stand-ins with fixed answers.

/** A cluster of three whose first restore, onto main-4, replaces all of them. */
const begun: Restoration = {
  backup: 'b4',
  server: 'main-4',
  at: '2026-11-29T10:00:00Z',
  droplets: [1, 2, 3].map((id) => ({ id: String(id), name: `main-${id}` })),
  volumes: [{ id: 'v1', name: 'pvc-1', gib: 5 }],
}
const finished = { ...begun, finished: '2026-11-29T10:09:00Z' }

interface World {
  records?: Restoration[]
  /** Names of the droplets that are there; their ids are their numbers. */
  droplets?: string[]
  status?: string
  volumes?: {
    id: string
    name: string
    size_gigabytes: number
    tags?: string[]
    created_at?: string | undefined
    droplet_ids?: number[]
  }[]
  plugged?: string[]
  nodes?: string
  /** Names of machines that reported. */
  reported?: string[]
}

function world({
  records = [begun],
  droplets = [],
  status = 'off',
  volumes = [],
  plugged = [],
  nodes = '[{name: main-4}, {name: main-2}, {name: main-3, role: agent}]\nnextNode: 5\ndatastore: etcd',
  reported = [],
}: World) {
  const asked: string[] = []
  const files = new Map<string, unknown>([
    ...records.map((one): [string, unknown] => [`nodes/${one.server}/restore.json`, one]),
    ...reported.map((name): [string, unknown] => [
      `nodes/${name}/started.json`,
      { step: 'started', state: 'done', at: '2026-11-29T09:00:00Z', seconds: 1, bootId: 'b', message: '' },
    ]),
  ])
  const kit = {
    name: 'kit',
    list: async () => [...files.keys()].map((key) => ({ key, size: 1, at: new Date(0) })),
    get: async (key: string) => (files.has(key) ? Buffer.from(JSON.stringify(files.get(key))) : undefined),
    put: async (key: string, text: string) => void files.set(key, JSON.parse(text)),
  } as unknown as Bucket
  const there = droplets.map(
    (name) =>
      ({
        id: name.replace('main-', ''),
        name,
        status,
        size_slug: 's-1vcpu-2gb',
        tags: ['regrow:main'],
        volume_ids: plugged,
        networks: { v4: [] },
      }) as unknown as Droplet,
  )
  const note =
    <T>(what: string, answer: T) =>
    async () => {
      asked.push(what)
      return answer
    }
  const read = parseDescription(`nodes: ${nodes}`)
  if ('faults' in read) throw new Error(JSON.stringify(read.faults))
  const cluster = {
    name: 'main',
    tag: 'regrow:main',
    place: { owner: 'bob', name: 'regrow-main' },
    login: 'bob',
    wanted: read.description,
    cloud: {
      ...nothingThere,
      dropletsTagged: note('droplets', there),
      droplet: async (id: string) => there.find((one) => one.id === id),
      volumes: note('volumes', volumes),
      sizes: async () => [{ slug: 's-1vcpu-2gb', price_monthly: 12 }],
    },
  } as unknown as Cluster
  return { cluster, kit, asked, buckets: { kit } as Buckets }
}

const refusal = async (one: World) => {
  const { cluster, kit } = world(one)
  const problem = await assertNoRestore(cluster, kit).then(
    () => undefined,
    (error: Problem) => error,
  )
  return (
    problem && { message: problem.message, cure: problem.cure?.replace(/^\S+restore\.mts/, 'restore.mts') }
  )
}

t.test(
  'while anything of an unfinished restore is there, the command that finishes it is named',
  async (t) => {
    const onto = 'backup b4 is still being restored onto main-4'
    const only = `${onto}; main-1, main-2, main-3 may hold the only copy of what was written last`
    const finish = 'restore.mts --name main --backup b4'
    const all = ['main-1', 'main-2', 'main-3']
    const other = '[{name: main-9}]\nnextNode: 10'
    for (const [name, one, message, words] of [
      ['its server is there, and what it replaces', { droplets: [...all, 'main-4'] }, only, ''],
      ['its server is not there yet', { droplets: all }, only, ' --replace'],
      ['another server is described', { droplets: [...all, 'main-4'], nodes: other }, only, ''],
      ['only what it replaces is there', { droplets: all, nodes: other }, only, ' --replace'],
      ['only its server is there', { droplets: ['main-4'], nodes: other }, onto, ''],
      [
        'only a volume is there',
        { volumes: [{ id: 'v1', name: 'pvc-1', size_gigabytes: 5 }], nodes: other },
        onto,
        '',
      ],
      ['nothing is there, and its server is the one to be grown', {}, onto, ''],
      [
        'an earlier one was proven',
        { records: [{ ...finished, server: 'main-1', at: '2026-11-01T00:00:00Z' }, begun] },
        onto,
        '',
      ],
    ] satisfies [string, World, string, string][])
      t.same(await refusal(one), { message, cure: `${finish}${words} finishes it.` }, name)
  },
)

t.test('a cluster beside the original is finished by the command that began it', async (t) => {
  const source = { name: 'first', owner: 'bob', repository: 'elsewhere' }
  t.match(await refusal({ records: [{ ...begun, droplets: [], source, words: ['--with-apps'] }] }), {
    cure: 'restore.mts --name first --repo bob/elsewhere --backup b4 --as main --with-apps finishes it.',
  })
})

t.test('nothing is refused, and nothing is asked of DigitalOcean, where none is unfinished', async (t) => {
  for (const records of [
    [],
    [finished],
    [begun, { ...finished, server: 'main-5', at: '2026-11-29T11:00:00Z' }],
  ]) {
    const { cluster, kit, asked } = world({ records, droplets: ['main-1'] })
    await assertNoRestore(cluster, kit)
    t.same(asked, [])
  }
  const gone = world({ nodes: '[{name: main-9}]\nnextNode: 10', droplets: ['main-9'] })
  await assertNoRestore(gone.cluster, gone.kit)
  await assertNoRestore(gone.cluster, undefined)
})

t.test('a record that cannot be read keeps everything as it is', async (t) => {
  const { cluster, kit } = world({ records: [{ ...begun, at: 1 } as unknown as Restoration] })
  await t.rejects(
    assertNoRestore(cluster, kit),
    /restore.json in bucket kit cannot be read: it was altered or is damaged/,
  )
})

t.test('of several the newest is meant, by its time and its number', async (t) => {
  const { kit } = world({
    records: [
      { ...begun, server: 'main-10' },
      { ...begun, server: 'main-9' },
      { ...finished, at: '2026-11-30T00:00:00Z' },
    ],
  })
  t.same(
    (await restorations(kit)).map(({ server }) => server),
    ['main-9', 'main-10', 'main-4'],
  )
})

t.test('scale takes no machine for its own that a restore replaced, unless it is named', async (t) => {
  const { kit } = world({ records: [finished] })
  t.same(
    (await earlierMachines(kit)).map(({ name }) => name),
    ['main-1', 'main-2', 'main-3'],
  )
  const left = await othersThan({ verb: 'remove', names: ['main-2'] }, kit)
  t.same(
    left.map(({ id }) => id),
    ['1', '3'],
  )
  t.equal((await othersThan({ verb: 'finish' }, kit)).length, 3)
})

t.test('another backup is refused while one is unfinished, and may take its place when told', async (t) => {
  const droplets = ['main-1', 'main-2', 'main-3', 'main-4']
  const { cluster, buckets } = world({ droplets })
  await t.rejects(setCourse(cluster, buckets, 'b3', { again: true }), {
    message: /^backup b4 is still being restored onto main-4/,
    cure: /--backup b4 finishes it\. --unfinished gives it up for this one\.$/,
  })
  t.same(cluster.wanted.nodes[0]?.name, 'main-4', 'no number was taken')
  const course = await setCourse(cluster, buckets, 'b3', { again: true, instead: true })
  t.match(course, { begun: false, server: 'main-5' })
  t.same(
    course.droplets.map(({ name }) => name),
    droplets,
    'all stay until it is proven',
  )
  t.match(await setCourse(world({ droplets }).cluster, buckets, 'b4', { again: true }), {
    begun: true,
    server: 'main-4',
  })
})

t.test('one that ended without being proven is given up for a new one of the same backup', async (t) => {
  const droplets = ['main-1', 'main-2', 'main-3', 'main-4']
  const asked = { again: true, instead: true }
  const on = world({ droplets })
  t.match(await setCourse(on.cluster, on.buckets, 'b4', asked), { begun: true }, 'it may still be proven')
  const ended = () => world({ droplets, records: [{ ...begun, unproven: '2026-11-29T10:20:00Z' }] })
  const same = ended()
  t.match(await setCourse(same.cluster, same.buckets, 'b4', { again: true }), { begun: true })
  const { cluster, buckets } = ended()
  const course = await setCourse(cluster, buckets, 'b4', asked)
  t.match(course, { begun: false, server: 'main-5', unproven: undefined })
  t.same(
    course.droplets.map(({ name }) => name),
    droplets,
    'all stay until it is proven',
  )
  const once = world({
    droplets: [...droplets, 'main-5'],
    nodes: '[{name: main-5}]\nnextNode: 6',
    records: [
      { ...begun, unproven: '2026-11-29T10:20:00Z' },
      { ...begun, server: 'main-5', at: '2026-11-29T11:00:00Z' },
    ],
  })
  t.match(
    await setCourse(once.cluster, once.buckets, 'b4', asked),
    { begun: true, server: 'main-5' },
    'the same command again goes on with the new one',
  )
})

t.test('every machine gets a number of its own before anything is planned', async (t) => {
  const nodes = '[{name: main-1}, {name: main-2}, {name: main-3, role: agent}]\nnextNode: 4\ndatastore: etcd'
  const named = ({ wanted }: Cluster) => wanted.nodes.map(({ name, role }) => `${name} ${role}`)
  const wanted = ['main-4 server', 'main-5 server', 'main-6 agent']
  const alive = world({ records: [], droplets: ['main-1', 'main-2', 'main-3'], nodes })
  await setCourse(alive.cluster, alive.buckets, 'b4', { again: true })
  t.same(named(alive.cluster), wanted, 'they are replaced')
  const gone = world({ records: [], reported: ['main-1', 'main-2', 'main-3'], nodes })
  await setCourse(gone.cluster, gone.buckets, 'b4', { again: false })
  t.same(named(gone.cluster), wanted, 'they are gone')
  const unwritten = world({ droplets: ['main-1', 'main-2', 'main-3', 'main-4', 'main-5'], nodes })
  await setCourse(unwritten.cluster, unwritten.buckets, 'b4', { again: true })
  t.same(named(unwritten.cluster), wanted, 'Git could not be told, and two are there')
  const made = world({
    droplets: ['main-1', 'main-4', 'main-5'],
    nodes: '[{name: main-4}, {name: main-5}, {name: main-6}]\nnextNode: 7\ndatastore: etcd',
  })
  await setCourse(made.cluster, made.buckets, 'b4', { again: true })
  t.same(named(made.cluster), ['main-4 server', 'main-5 server', 'main-6 server'], 'it goes on')
})

t.test('a droplet of another name is none of the earlier machines', async (t) => {
  const { cluster, buckets } = world({ records: [], droplets: ['main-1', 'my-database', 'main-db'] })
  const { droplets } = await setCourse(cluster, buckets, 'b4', { again: true })
  t.same(droplets, [{ id: '1', name: 'main-1' }])
})

t.test('a volume that a person made belongs to the machine that it is plugged into', async (t) => {
  const volumes = [
    { id: 'v1', name: 'pvc-1', size_gigabytes: 5, tags: ['regrow:main'] },
    { id: 'v2', name: 'ordered', size_gigabytes: 7 },
    { id: 'v3', name: 'somebody’s', size_gigabytes: 9 },
  ]
  const { cluster, buckets } = world({
    records: [],
    droplets: ['main-1'],
    plugged: ['v1', 'v2'],
    volumes,
    nodes: '[{name: main-1}]\nnextNode: 2',
  })
  const course = await setCourse(cluster, buckets, 'b4', { again: true })
  t.same(course.volumes, [
    { id: 'v1', name: 'pvc-1', gib: 5 },
    { id: 'v2', name: 'ordered', gib: 7, imported: true },
  ])
})

t.test('a volume that a person made is the earlier cluster’s too where the machine is gone', async (t) => {
  const volumes = [
    { id: 'v2', name: 'ordered', size_gigabytes: 7, droplet_ids: [] },
    { id: 'v3', name: 'moved', size_gigabytes: 9, droplet_ids: [99] },
    { id: 'v4', name: 'somebody’s', size_gigabytes: 9, droplet_ids: [] },
  ]
  const known = ['v2', 'v3', 'v-of-another-account']
  const gone = () => world({ records: [], volumes, nodes: '[{name: main-1}]\nnextNode: 2' })
  const { cluster, buckets } = gone()
  const course = await setCourse(cluster, buckets, 'b4', { again: false, known })
  t.same(
    course.volumes,
    [{ id: 'v2', name: 'ordered', gib: 7, imported: true }],
    'one that serves elsewhere does not',
  )
  const beside = gone()
  const source = { ...beside.cluster, name: 'other' }
  const copy = await setCourse(beside.cluster, beside.buckets, 'b4', { again: false, known, source })
  t.same(copy.volumes, [], 'beside the original it is the original’s')
})

const of = { completed: '2026-11-23T03:05:00Z', volumes: 1 }

t.test('of a volume that is younger than the backup nothing can be in it: it stays', async (t) => {
  const goes = { provenVolumes: new Set(['v1']), proven: true, mayRemove: true, of }
  const pvc = { id: 'v1', name: 'pvc-1', size_gigabytes: 5 }
  for (const created_at of ['2026-11-23T03:05:01Z', undefined]) {
    const stays = await removeEarlier(world({ volumes: [{ ...pvc, created_at }] }).cluster, begun, goes)
    t.match(stays, [/^volume pvc-1 of the earlier cluster/], created_at ?? 'its age is not told')
  }
})

t.test('machines of a cluster with volumes stay where the backup has none', async (t) => {
  const volumes = [{ id: 'v1', name: 'pvc-1', size_gigabytes: 5, created_at: '2026-11-01T00:00:00Z' }]
  const nodes = '[{name: main-4}]\nnextNode: 5'
  const { cluster } = world({ droplets: ['main-2'], volumes, nodes })
  const stays = await removeEarlier(cluster, begun, {
    ...{ provenVolumes: new Set<string>(), proven: true, mayRemove: true },
    of: { ...of, volumes: 0 },
  })
  t.match(stays, [/^droplet main-2 of the earlier cluster, off/, /^volume pvc-1/])
})

t.test('beside a backup that nobody vouches for all stays, and the plan says so', async (t) => {
  const own = { droplets: [{ id: '2', name: 'main-2', status: 'active', size_slug: 's' }], volumes: [] }
  const lines = (isVouched: boolean) =>
    earlierLines(own as unknown as Parameters<typeof earlierLines>[0], begun, [], isVouched).join('\n')
  t.match(lines(true), /^ {2}- droplet main-2, .*, destroyed once .* is proven\n {2}- volume pvc-1/)
  t.match(lines(false), /^ {2}= droplet main-2, .*: powered off now, stays\n {2}= volume pvc-1, .*: stays/)
})

t.test(
  'what the proof does not allow to go stays, with its price and the command that removes it',
  async (t) => {
    const volumes = [
      { id: 'v1', name: 'pvc-1', size_gigabytes: 5 },
      { id: 'v2', name: 'ordered', size_gigabytes: 7 },
    ]
    const { cluster } = world({
      droplets: ['main-2', 'main-4'],
      volumes,
      nodes: '[{name: main-4}]\nnextNode: 5',
    })
    const course = { ...begun, volumes: [...begun.volumes, { id: 'v2', name: 'ordered', gib: 7 }] }
    const stays = await removeEarlier(cluster, course, {
      provenVolumes: new Set(['v1']),
      proven: true,
      mayRemove: false,
      of,
    })
    const none = { provenVolumes: new Set<string>(), proven: true, mayRemove: true, of }
    t.same(
      await removeEarlier(world({ volumes }).cluster, course, none),
      stays.slice(1),
      'the machines are gone, and nothing of the volumes was proven',
    )
    t.match(stays, [
      /^droplet main-2 of the earlier cluster, off, \$12\.00 a month: \S*scale\.mts --name main --remove main-2 removes it$/,
      /^volume pvc-1 of the earlier cluster, 5 GiB, \$0\.50 a month: .*doctl .*compute volume delete v1 removes it$/,
      /^volume ordered of the earlier cluster, 7 GiB, \$0\.70 a month: .*doctl .*compute volume delete v2 removes it$/,
    ])
    const unproven = { provenVolumes: new Set<string>(), proven: false, mayRemove: false, of }
    const kept = 'kept until this restore is proven'
    t.same(await removeEarlier(cluster, course, unproven), [
      `droplet main-2 of the earlier cluster, off, $12.00 a month: ${kept}`,
      `volume pvc-1 of the earlier cluster, 5 GiB, $0.50 a month: ${kept}`,
      `volume ordered of the earlier cluster, 7 GiB, $0.70 a month: ${kept}`,
    ])
  },
)

t.test(
  'an id in the note of a restore is a hint: what is not the earlier cluster’s is left alone',
  async (t) => {
    const nodes = '[{name: main-4}]\nnextNode: 5'
    const allowed = { provenVolumes: new Set<string>(), proven: true, mayRemove: true, of }
    const noted = (id: string) => ({ ...begun, droplets: [{ id, name: 'main-1' }] })
    const { cluster } = world({ droplets: ['main-4', 'webs-9'], nodes })
    for (const [id, says] of [
      [
        '4',
        'droplet main-4 (4) is noted as one of the earlier cluster main, and is a machine of the new one',
      ],
      [
        'webs-9',
        'droplet webs-9 (webs-9) is noted as one of the earlier cluster main, and is none of its machines',
      ],
    ] as const) {
      await t.rejects(powerOffEarlier(cluster, noted(id)), { message: says })
      await t.rejects(removeEarlier(cluster, noted(id), allowed), { message: says })
    }
  },
)

t.test('a machine or a volume that was given away meanwhile is not touched', async (t) => {
  const nodes = '[{name: main-4}]\nnextNode: 5'
  const { cluster } = world({ droplets: ['main-1', 'main-2'], nodes })
  const { droplet } = cluster.cloud
  let looks = 0
  const givenAway = async (id: string) => {
    const found = await droplet(id)
    return found && id === '2' && looks++ > 0 ? { ...found, tags: [] } : found
  }
  Object.assign(cluster.cloud, { droplet: givenAway })
  await t.rejects(powerOffEarlier(cluster, { ...begun, droplets: begun.droplets.slice(0, 2) }), {
    message: 'droplet main-2 (2) is noted as one of the earlier cluster main, and is none of its machines',
  })

  const volume = { id: 'v1', name: 'pvc-1', size_gigabytes: 5, created_at: '2026-11-23T03:00:00Z' }
  const left = world({ volumes: [], nodes }).cluster
  let asked = 0
  Object.assign(left.cloud, {
    volumes: async () => [{ ...volume, tags: asked++ === 0 ? ['regrow:main'] : [] }],
  })
  const allowed = { provenVolumes: new Set(['v1']), proven: true, mayRemove: true, of }
  t.match(await removeEarlier(left, begun, allowed), [/^volume pvc-1 of the earlier cluster/])
})

t.test('a machine that somebody powered on again stays, and its volumes with it', async (t) => {
  const volumes = [{ id: 'v1', name: 'pvc-1', size_gigabytes: 5 }]
  const nodes = '[{name: main-4}]\nnextNode: 5'
  const { cluster } = world({ droplets: ['main-2'], status: 'active', volumes, nodes })
  const allowed = { provenVolumes: new Set(['v1']), proven: true, mayRemove: true, of }
  const stays = await removeEarlier(cluster, begun, allowed)
  t.match(stays, [
    /^droplet main-2 .* was powered on again meanwhile/,
    /^volume pvc-1 of the earlier cluster/,
  ])
  t.notMatch(stays[0], /--remove/, 'no command that removes a machine that answers')
})

t.test('a volume that a person made stays, though its content is proven on another', async (t) => {
  const volumes = [{ id: 'v2', name: 'ordered', size_gigabytes: 7 }]
  const course = { ...begun, volumes: [{ id: 'v2', name: 'ordered', gib: 7, imported: true as const }] }
  const allowed = { provenVolumes: new Set(['v2']), proven: true, mayRemove: true, of }
  t.match(await removeEarlier(world({ volumes }).cluster, course, allowed), [
    /^volume ordered of the earlier cluster/,
  ])
  t.match(
    earlierLines({ droplets: [], volumes: [] }, course, []).join('\n'),
    '= volume ordered, 7 GiB, $0.70: stays',
    'and the plan says so',
  )
})

t.test('a volume that the earlier cluster made until it was off is not forgotten', async (t) => {
  const late = { id: 'v2', name: 'pvc-2', size_gigabytes: 1, tags: ['regrow:main'] }
  const early = { id: 'v1', name: 'pvc-1', size_gigabytes: 5, tags: ['regrow:main'] }
  const told = async (droplets: string[]) => {
    const { cluster, kit, buckets } = world({ droplets, volumes: [early, late] })
    const course = { ...structuredClone(begun), begun: true }
    await recordLateVolumes(cluster, buckets, course)
    const [kept] = await restorations(kit)
    return [course.volumes, kept?.volumes].map((all) => all?.map(({ id }) => id))
  }
  t.same(await told(['main-1']), [
    ['v1', 'v2'],
    ['v1', 'v2'],
  ])
  t.same(await told(['main-1', 'main-4']), [['v1'], ['v1']], 'the new server has volumes of its own')
})
