import t from 'tap'
import type { BackedObject } from '../../lib/backup/objects.ts'
import { restoreChecks } from '../../lib/backup/restore/restore-checks.ts'
import { claimsOf } from '../../lib/backup/restore/restore-plan.ts'
import type { Problem } from '../../lib/base/problem.ts'
import type { Cluster } from '../../lib/cluster/cluster.ts'
import type { Inventory } from '../../lib/cluster/ours.ts'
import { noDifference } from '../../lib/gitops/removed.ts'
import type { Course } from '../../lib/machines/first/restoration.ts'

// Each row is a world in which one thing is not as a restore needs it. Clients are stand-ins with fixed answers.

const moved = { claim: 'shop/db', volume: 'pvc-1', kept: 's3' as const, bytes: 9, snapshot: undefined }
const snapped = { ...moved, kept: 'snapshot' as const, bytes: undefined, snapshot: 's-1' }
const droplet = { id: '1', name: 'main-1', status: 'active' }

const held = (resource: string, id: string, more: Partial<BackedObject> = {}): BackedObject => ({
  resource,
  id,
  apiVersion: 'v1',
  kind: 'Thing',
  uid: id,
  owner: undefined,
  app: undefined,
  digest: '',
  marks: '',
  clustersOwn: false,
  ...more,
})
const fast = held('persistentvolumeclaims', 'fast/data', { bound: true, storageClass: 'fast-xfs' })

interface World {
  held?: BackedObject[]
  backed?: (typeof moved | typeof snapped)[]
  begun?: boolean
  replace?: boolean
  droplets?: unknown[]
  volumes?: unknown[]
  snapshots?: { id: string; regions: string[] }[]
  minutes?: number
  partial?: boolean
  volumeLimit?: number
}

const said = async (world: World) => (await problems(world)).map(({ message }) => message)
const cures = async (world: World) =>
  (await problems(world)).flatMap(({ message, cure }) => (/is alive/.test(message) && cure ? [cure] : []))

async function problems(world: World): Promise<Problem[]> {
  const cluster = {
    name: 'main',
    tag: 'regrow:main',
    place: { owner: 'bob', name: 'regrow-main' },
    committed: undefined,
    account: { volume_limit: world.volumeLimit ?? 100 },
    wanted: { cluster: 'main', region: 'fra1', nextNode: 3, nodes: [] },
    cloud: {
      clockOffset: () => (world.minutes ?? 0) * 60_000,
      volumeSnapshots: async () => world.snapshots ?? [],
      volumes: async () => world.volumes ?? [],
    },
  } as unknown as Cluster
  const own = { droplets: world.droplets ?? [], volumes: world.volumes ?? [] } as unknown as Inventory
  const course = { begun: world.begun ?? false, backup: 'hourly' } as Course
  const { backed = [moved], replace = false, partial = false } = world
  const checks = restoreChecks({
    ...{ course, backed, held: world.held ?? [], source: cluster, kit: undefined },
    terms: {
      ...{ partial: false, git: noDifference, choice: undefined, dropped: new Map() },
      ...{ kept: new Set(), volumes: backed, foreseen: [] },
    },
    flags: { replace, partial, 'with-apps': false, as: undefined, 'git-removed': undefined },
  })
  const found = await Promise.all(checks.map((check) => check(cluster, own)))
  return found.flat().filter((problem) => problem !== undefined)
}
// The description is missing in every row; with it, upstream would be asked.
const undescribed = 'bob/regrow-main does not describe a cluster “main”'

for (const [name, world, wanted] of [
  ['all is as it should be', {}, []],
  ['the cluster is alive', { droplets: [droplet] }, ['cluster main is alive: droplet main-1 is active']],
  ['it is to be replaced', { droplets: [droplet], replace: true }, []],
  ['it is the one that an earlier run grew', { droplets: [droplet], begun: true }, []],
  ['the clock is fast', { minutes: -70 }, ['the clock of this computer is 70 minutes fast']],
  ['the clock is slow', { minutes: 61 }, ['the clock of this computer is 61 minutes slow']],
  [
    'a snapshot is in another region',
    { backed: [snapped], snapshots: [{ id: 's-1', regions: ['nyc3'] }] },
    ['snapshot s-1 of claim shop/db is in nyc3'],
  ],
  ['a snapshot is there', { backed: [snapped], snapshots: [{ id: 's-1', regions: ['fra1'] }] }, []],
  [
    'the volumes do not fit',
    { volumeLimit: 1, volumes: [{}] },
    ['volumes: the account may have 1 and has 1, and 1 more must fit'],
  ],
  [
    'nothing brings a storage class',
    { held: [fast], backed: [{ ...moved, claim: 'fast/data' }] },
    ['claim fast/data needs the storage class fast-xfs, which neither the platform nor the backup has'],
  ],
  [
    'the backup brings the storage class',
    {
      held: [fast, held('storageclasses.storage.k8s.io', 'fast-xfs')],
      backed: [{ ...moved, claim: 'fast/data' }],
    },
    [],
  ],
  [
    'the driver brings the storage class',
    {
      held: [{ ...fast, storageClass: 'do-block-storage-xfs' }],
      backed: [{ ...moved, claim: 'fast/data' }],
    },
    [],
  ],
  ['a claim on a folder of the machine names a class that nobody has', { held: [fast] }, []],
  [
    'a droplet of somebody else lies in the project: it is neither the cluster’s nor alive as such',
    { droplets: [{ id: '7', name: 'my-database', status: 'active' }] },
    [
      'droplet my-database (7) is in project regrow-main or has the tag regrow:main, and regrow never gave it that name',
    ],
  ],
  [
    'so it is, though a cluster may be replaced',
    { replace: true, droplets: [{ id: '7', name: 'main-db', status: 'active' }] },
    [
      'droplet main-db (7) is in project regrow-main or has the tag regrow:main, and regrow never gave it that name',
    ],
  ],
  [
    'a kind has no definition',
    { held: [held('widgets.example.org', 'parts/w1'), held('deployments.apps', 'parts/w')] },
    ['the backup has widgets.example.org, but not the definition of that kind'],
  ],
  [
    'a server of a person’s own answers for a kind',
    {
      held: [
        held('packages.data.example.org', 'parts/p1'),
        held('apiservices.apiregistration.k8s.io', 'v1alpha1.data.example.org'),
        held('apiservices.apiregistration.k8s.io', 'v1.parts.example.org', { clustersOwn: true }),
        held('widgets.parts.example.org', 'parts/w1'),
      ],
    },
    ['the backup has widgets.parts.example.org, but not the definition of that kind'],
  ],
  [
    'a kind has its definition',
    {
      held: [
        held('widgets.example.org', 'parts/w1'),
        held('customresourcedefinitions.apiextensions.k8s.io', 'widgets.example.org'),
      ],
    },
    [],
  ],
] satisfies [string, World, string[]][])
  t.test(name, async (t) => t.same((await said(world)).toSorted(), [undescribed, ...wanted].toSorted()))

t.test('over a living cluster a partial backup has other ways than --replace', async (t) => {
  const alive = { droplets: [droplet] }
  t.match(await cures(alive), [/--replace powers it off first/])
  const [cure = ''] = await cures({ ...alive, partial: true })
  t.notMatch(cure, '--replace')
  t.match(cure, /restore.mts --backup hourly --partial --as copy/)
  t.match(cure, /scripts\/destroy.mts/)
})

t.test('claims are planned in whole GiB', (t) => {
  const claim = (storage: string) => held('persistentvolumeclaims', 'shop/db', { storage })
  t.same(
    claimsOf(['500Mi', '2Gi', '1T', '1073741825', ''].map(claim)).map((one) => one.gib),
    [1, 2, 932, 2, 1],
  )
  t.end()
})
