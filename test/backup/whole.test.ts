import t from 'tap'
import { listBackups } from '../../lib/backup/backups.ts'
import { mayBeLate } from '../../lib/backup/restore/late-kinds.ts'
import { lastWhole } from '../../lib/backup/vouch/last.ts'
import { reasonsOf } from '../../lib/backup/whole.ts'
import type { Cluster } from '../../lib/cluster/cluster.ts'
import {
  asked,
  bucketWith,
  claim,
  clusterWith,
  type Kept,
  moved,
  skipped,
  snapped,
  type Thing,
} from './bucket.ts'

/** The judgement on one backup, as lists have it: its state, then its reasons. */
async function judgement(kept: Kept): Promise<string[]> {
  const [one] = await listBackups(await bucketWith({ one: kept }), clusterWith())
  return one ? [one.wholeness.state, ...reasonsOf(one)] : []
}

t.test('everything asked for, everything there: whole', async (t) => {
  t.same(await judgement({}), ['whole'])
  t.same(await judgement({ objects: [], volumes: [] }), ['whole'], 'a cluster without claims')
  t.same(await judgement({ volumes: [snapped('shop', 'db')] }), ['whole'], 'kept at DigitalOcean')
  const spec = { ...asked, includedNamespaces: [], ttl: '720h0m0s', hooks: {}, labelSelector: {} }
  t.same(await judgement({ spec }), ['whole'], 'an empty choice takes everything')
})

for (const [name, status, wanted] of [
  ['it ended otherwise', { phase: 'PartiallyFailed', errors: 2 }, 'PartiallyFailed, 2 errors'],
  ['it has not ended', { phase: 'InProgress' }, 'InProgress'],
  ['Velero says why', { phase: 'Failed', failureReason: 'no key' }, 'Failed, no key'],
  ['it did not begin', { phase: undefined }, 'it did not begin'],
] as const)
  t.test(`failed: ${name}`, async (t) => t.same(await judgement({ status }), ['failed', wanted]))

t.test('partial: completed with errors', async (t) =>
  t.same(await judgement({ status: { errors: 1 } }), ['partial', '1 error']),
)

// One field of Velero's BackupSpec each: whatever chooses, chooses less than everything.
for (const [change, wanted] of [
  [{ includedNamespaces: ['shop'] }, 'only these namespaces are in it: shop'],
  [{ excludedNamespaces: ['bank'] }, 'these namespaces are left out: bank'],
  [{ includedResources: ['secrets', 'configmaps'] }, 'only these kinds are in it: secrets, configmaps'],
  [
    { excludedResources: ['events', 'secrets', 'datauploads.velero.io'] },
    'these kinds are left out: secrets',
  ],
  [
    { excludedResources: ['events'] },
    'uploads of other backups may be in it, which mislead Velero (datauploads.velero.io is not left out)',
  ],
  [{ includedNamespaceScopedResources: ['pods'] }, 'only these namespaced kinds are in it: pods'],
  [{ excludedNamespaceScopedResources: ['secrets'] }, 'these namespaced kinds are left out: secrets'],
  [{ includedClusterScopedResources: ['nodes'] }, 'only these cluster-scoped kinds are in it: nodes'],
  [{ excludedClusterScopedResources: ['*'] }, 'these cluster-scoped kinds are left out: *'],
  [
    { includeClusterResources: undefined },
    'cluster-scoped objects are not asked for (includeClusterResources)',
  ],
  [{ includeClusterResources: false }, 'cluster-scoped objects are not asked for (includeClusterResources)'],
  [{ labelSelector: { matchLabels: { a: 'b' } } }, 'only what its label selector chooses is in it'],
  [
    { labelSelector: { matchExpressions: [{ key: 'a', operator: 'Exists' }] } },
    'only what its label selector chooses is in it',
  ],
  [{ orLabelSelectors: [{ matchLabels: { a: 'b' } }] }, 'only what its label selectors choose is in it'],
  [
    { resourcePolicy: { kind: 'configmap', name: 'small' } },
    'resource policy small decides which volumes are left out',
  ],
  [{ snapshotVolumes: false }, 'volumes are not saved (snapshotVolumes is false)'],
  [
    { defaultVolumesToFsBackup: true },
    'volumes are saved by file-system backup (defaultVolumesToFsBackup), which a restore cannot bring back',
  ],
  [
    { defaultVolumesToRestic: true },
    'volumes are saved by file-system backup (defaultVolumesToFsBackup), which a restore cannot bring back',
  ],
] as const)
  t.test(`partial: ${wanted}`, async (t) =>
    t.same(await judgement({ spec: { ...asked, ...change } }), ['partial', wanted]),
  )

t.test(
  'the policy of the repository is none that makes a backup partial, if Velero lets it do nothing else',
  async (t) => {
    t.same(await judgement({ spec: { ...asked, resourcePolicy: undefined } }), ['whole'], 'nor is none')
    const { excludedResources: _old, includeClusterResources: _too, ...rest } = asked
    const newer = {
      ...rest,
      includedClusterScopedResources: ['*'],
      excludedNamespaceScopedResources: ['datauploads.velero.io'],
    }
    t.same(await judgement({ spec: newer }), [
      'partial',
      'resource policy regrow-unbound-claims decides which volumes are left out',
    ])
    t.same(await judgement({ spec: { ...newer, resourcePolicy: undefined } }), ['whole'])
  },
)

t.test('partial: what regrow took before it asked for everything', async (t) => {
  const spec = { excludedNamespaces: ['argocd', 'velero'], excludedResources: ['events'] }
  t.same(await judgement({ spec }), [
    'partial',
    'these namespaces are left out: argocd, velero',
    'cluster-scoped objects are not asked for (includeClusterResources)',
  ])
})

const absent = 'Velero saved no bytes of it, and says nothing about it'
for (const [name, volumes, wanted] of [
  ['without an entry', [], absent],
  [
    'skipped',
    [skipped('shop', 'db', 'csiSnapshot: skipped b/c it’s not a CSI volume;')],
    'Velero saved no bytes of it: csiSnapshot: skipped b/c it’s not a CSI volume',
  ],
  [
    'of a file-system backup',
    [{ ...skipped('shop', 'db', ''), skipped: false, backupMethod: 'PodVolumeBackup', result: 'succeeded' }],
    'its files were copied by file-system backup (annotation backup.velero.io/backup-volumes of its pod), which a restore cannot bring back',
  ],
  [
    'of a plugin',
    [{ ...snapped('shop', 'db'), backupMethod: 'NativeSnapshot' }],
    'it was saved by NativeSnapshot, which a restore cannot bring back',
  ],
  ['failed', [{ ...moved('shop', 'db'), result: 'failed' }], 'Velero did not finish saving it (failed)'],
  [
    'unfinished',
    [{ ...moved('shop', 'db'), result: undefined }],
    'Velero did not finish saving it (no result)',
  ],
  [
    'moved nowhere',
    [{ ...moved('shop', 'db'), snapshotDataMovementInfo: { snapshotHandle: '' } }],
    'nothing of it was moved into the bucket',
  ],
  [
    'moved by another mover',
    [{ ...moved('shop', 'db'), snapshotDataMovementInfo: { snapshotHandle: 'x', dataMover: 'mine' } }],
    'data mover mine has it, which a restore cannot use',
  ],
  ['a snapshot without an id', [snapped('shop', 'db', '')], 'it has no snapshot'],
  [
    'a snapshot of another driver',
    [{ ...snapped('shop', 'db'), csiSnapshotInfo: { snapshotHandle: 's', driver: 'zfs' } }],
    'its snapshot is one of zfs',
  ],
] as const)
  t.test(`partial: a bound claim’s volume is ${name}`, async (t) =>
    t.same(await judgement({ volumes: [...volumes] }), ['partial', `claim shop/db: ${wanted}`]),
  )

t.test('a claim or a volume that was not bound has no bytes to lack', async (t) => {
  const pending = claim('shop', 'new').map((one) => ({ ...one, status: { phase: 'Pending' } }))
  const released = claim('shop', 'old').map((one) => ({ ...one, status: { phase: 'Released' } }))
  const objects = [...claim('shop', 'db'), ...pending.slice(0, 1), ...released.slice(1)]
  t.same(await judgement({ objects }), ['whole'])
  const entry = skipped('shop', 'old', 'volumeSnapshot: not bound')
  t.same(await judgement({ objects, volumes: [moved('shop', 'db'), entry] }), ['whole'])
})

t.test('a claim that a resource policy passed over is looked at in the objects', async (t) => {
  const pending = claim('shop', 'new').map((one) => ({ ...one, status: { phase: 'Pending' } }))
  const entry = skipped('shop', 'new', 'any: skipped due to resource policy ;')
  const volumes = [moved('shop', 'db'), entry]
  t.same(await judgement({ objects: [...claim('shop', 'db'), ...pending], volumes }), ['whole'])
  t.same(
    await judgement({ objects: [...claim('shop', 'db'), ...claim('shop', 'new')], volumes }),
    ['partial', 'claim shop/new: Velero saved no bytes of it: any: skipped due to resource policy'],
    'a policy that skips a claim which is bound',
  )
})

t.test('a claim that was still to be made from a snapshot has its bytes there alone', async (t) => {
  const [one] = claim('shop', 'copy')
  if (!one) throw new Error('no claim')
  const from = { kind: 'VolumeSnapshot', name: 'before' }
  for (const spec of [{ dataSource: from, dataSourceRef: from }, { dataSourceRef: from }]) {
    const objects = [...claim('shop', 'db'), { ...one, spec, status: { phase: 'Pending' } }]
    t.same(await judgement({ objects }), [
      'partial',
      'claim shop/copy: it was not made yet from VolumeSnapshot before, where its bytes are, and that is in no backup',
    ])
  }
  const cloned = { ...one, spec: { dataSource: { kind: 'PersistentVolumeClaim', name: 'db' } } }
  const objects = [...claim('shop', 'db'), { ...cloned, status: { phase: 'Pending' } }]
  t.same(await judgement({ objects }), ['whole'], 'a copy of another claim, which is in the backup')
})

t.test('a volume by hand that nobody claims is an object, and no reason', async (t) => {
  const entry = { pvName: 'spare', skipped: true, skippedReason: 'no applicable volumesnapshotter found' }
  const volume = {
    resource: 'persistentvolumes',
    metadata: { name: 'spare' },
    status: { phase: 'Available' },
  }
  t.same(
    await judgement({ objects: [...claim('shop', 'db'), volume], volumes: [moved('shop', 'db'), entry] }),
    ['whole'],
  )
})

t.test('a volume counts whose claim was kept out by its label', async (t) => {
  const [, volume] = claim('shop', 'out')
  const objects = [...claim('shop', 'db'), ...(volume ? [volume] : [])]
  const entry = skipped('shop', 'out', 'any: item has label velero.io/exclude-from-backup=true;')
  t.same(await judgement({ objects, volumes: [moved('shop', 'db'), entry] }), [
    'partial',
    'volume pvc-out of claim shop/out: Velero saved no bytes of it: any: item has label velero.io/exclude-from-backup=true',
  ])
  const without = await judgement({ objects })
  t.same(without, ['partial', `volume pvc-out of claim shop/out: ${absent}`], 'said or not')
})

t.test('a volume of a pod, without a claim, that was copied by file is said', async (t) => {
  const entry = { backupMethod: 'PodVolumeBackup', pvbInfo: { podNamespace: 'shop', podName: 'web-0' } }
  const [state, ...reasons] = await judgement({ volumes: [moved('shop', 'db'), entry] })
  t.equal(state, 'partial')
  t.match(reasons, [/^a volume of pod shop\/web-0: its files were copied by file-system backup/])
})

t.test('a volume that no claim holds is an object, and has no bytes to lose', async (t) => {
  const { pvName: _, ...entry } = skipped('', '', 'volumeSnapshot: no applicable volumesnapshotter found')
  const unclaimed = {
    resource: 'persistentvolumes',
    metadata: { name: 'spare' },
    spec: { hostPath: { path: '/var/lib/spare' } },
    status: { phase: 'Available' },
  }
  const volumes = [moved('shop', 'db'), { ...entry, pvName: 'spare' }]
  t.same(await judgement({ objects: [...claim('shop', 'db'), unclaimed], volumes }), ['whole'])
})

t.test('claims that Velero makes for an upload are none of a person’s', async (t) => {
  const [own, volume] = claim('velero', 'upload')
  const ownerReferences = [{ kind: 'DataUpload', name: 'upload' }]
  if (!own || !volume) throw new Error('no claim')
  const objects = [...claim('shop', 'db'), { ...own, metadata: { ...own.metadata, ownerReferences } }, volume]
  t.same(await judgement({ objects }), ['whole'])
  const bad = { ...moved('velero', 'upload'), result: 'failed' }
  t.same(await judgement({ objects, volumes: [moved('shop', 'db'), bad] }), ['whole'])
  t.same(
    (await judgement({ objects: [...claim('shop', 'db'), own, volume] })).length,
    2,
    'a person’s claim in that namespace is one',
  )
})

for (const [name, kept, wanted] of [
  ['volumeinfo', { volumes: null }, 'one-volumeinfo.json.gz is missing: nothing says what is in it'],
  ['list', { list: null }, 'one-resource-list.json.gz is missing: nothing says what is in it'],
  ['tarball', { objects: null, list: {} }, 'one.tar.gz is missing: there are no objects in it'],
] as const)
  t.test(`partial: no ${name}`, async (t) => t.same(await judgement(kept), ['partial', wanted]))

t.test('what cannot be read is a reason', async (t) => {
  t.match(await judgement({ volumes: 'torn' }), ['partial', /^one-volumeinfo.json.gz cannot be read: /])
  t.match(await judgement({ list: 'torn' }), ['partial', /^one-resource-list.json.gz cannot be read: /])
  const torn = { objects: 'torn', list: { 'v1/PersistentVolumeClaim': ['shop/db'] }, volumes: [] }
  t.match(await judgement(torn), ['partial', /^its objects cannot be read: /])
  const bucket = await bucketWith({ one: {} })
  const get = bucket.get.bind(bucket)
  bucket.get = async (key, ...more) =>
    key.endsWith('velero-backup.json') ? Buffer.from('{') : get(key, ...more)
  t.match(await listBackups(bucket, clusterWith()), [
    {
      metadata: { name: 'one' },
      wholeness: { state: 'failed', reasons: ['its velero-backup.json cannot be read'] },
    },
  ])
})

t.test('objects are read only where a doubt is left', async (t) => {
  const clear = await bucketWith({ one: {}, two: { volumes: [skipped('shop', 'db', 'x')] } })
  await listBackups(clear, clusterWith())
  t.notOk(clear.gets.some((key) => key.endsWith('.tar.gz')))
  const doubtful = await bucketWith({ one: { volumes: [] } })
  await listBackups(doubtful, clusterWith())
  t.ok(doubtful.gets.some((key) => key.endsWith('.tar.gz')))
})

t.test('bytes that are gone are in no backup; each place is looked at once', async (t) => {
  const two = { objects: [...claim('shop', 'db'), ...claim('shop', 'files')] }
  const backups = {
    one: { ...two, volumes: [moved('shop', 'db'), moved('shop', 'files')] },
    two: { ...two, volumes: [moved('shop', 'db'), snapped('shop', 'files', 's-2')] },
    three: { ...two, volumes: [snapped('shop', 'db', 's-3'), snapped('shop', 'files', 's-2')] },
  }
  const judged = async (namespaces: string[], snapshots: string[]) => {
    const [bucket, cluster] = [await bucketWith(backups, namespaces), clusterWith(snapshots)]
    const found = await listBackups(bucket, cluster)
    const places = bucket.lists.filter((one) => one.startsWith('kopia/'))
    return { found: found.map((one) => reasonsOf(one)), places, looks: cluster.looks }
  }
  t.same(await judged(['shop'], ['s-2', 's-3']), { found: [[], [], []], places: ['kopia/shop/'], looks: 1 })
  const emptied = (name: string) => `claim shop/${name}: its bytes are gone: kopia/shop/ in kept is empty`
  const deleted = (name: string, id: string) =>
    `claim shop/${name}: its bytes are gone: snapshot ${id} is not at DigitalOcean`
  t.same((await judged(['shopping'], ['s-2', 's-3'])).found, [
    [emptied('db'), emptied('files')],
    [emptied('db')],
    [],
  ])
  t.same((await judged(['shop'], ['s-3'])).found, [[], [deleted('files', 's-2')], [deleted('files', 's-2')]])
  const moves = await bucketWith({ one: backups.one })
  const cluster = clusterWith()
  t.equal((await lastWhole({ velero: moves, kit: moves }, cluster))?.metadata.name, 'one')
  t.equal(cluster.looks, 0, 'no snapshot, no look')
  const gone = await bucketWith({ one: backups.one }, [])
  t.equal(await lastWhole({ velero: gone, kit: gone }, cluster), undefined)
  const unseen = {
    name: 'main',
    cloud: { clockOffset: () => 0, volumeSnapshots: async () => Promise.reject(new Error('busy')) },
  }
  await t.rejects(
    listBackups(await bucketWith(backups), unseen as unknown as Cluster),
    { message: 'busy' },
    'what could not be looked at is not called gone',
  )
})

t.test('the last whole backup is the newest whole one, and older ones are not looked into', async (t) => {
  const at = (hour: number) => ({ startTimestamp: `2026-11-23T0${hour}:00:00Z` })
  const bucket = await bucketWith({
    hourly: { status: at(5), spec: { ...asked, includedNamespaces: ['shop'] } },
    nightly: { status: at(3) },
    older: { status: at(1) },
  })
  t.equal((await lastWhole({ velero: bucket, kit: bucket }, clusterWith()))?.metadata.name, 'nightly')
  t.notOk(bucket.gets.includes('backups/older/older-volumeinfo.json.gz'))
  t.same(
    (await listBackups(bucket, clusterWith())).map((one) => [one.metadata.name, one.wholeness.state]),
    [
      ['hourly', 'partial'],
      ['nightly', 'whole'],
      ['older', 'whole'],
    ],
  )
})

// A backup begins at 03:00:00.
const kindSince = (creationTimestamp: string, more: object = {}): Thing[] => [
  {
    resource: 'customresourcedefinitions.apiextensions.k8s.io',
    metadata: { name: 'widgets.example.org', creationTimestamp },
    ...more,
  },
]
const widget: Thing = { resource: 'widgets.example.org', metadata: { name: 'w', namespace: 'shop' } }
const nobodyLooked =
  'kind widgets.example.org: Velero did not know it yet, so no object of it is in the backup'
const lookedAt = (resource: string) =>
  `time="2026-11-23T03:00:01Z" level=info msg="Getting items for resource" backup=velero/one group=example.org/v1 logSource="item_collector.go:364" resource=${resource}`

t.test('partial: a kind that came since Velero last looked', async (t) => {
  const young = { objects: kindSince('2026-11-23T02:57:00Z'), volumes: [] }
  t.same(await judgement({ ...young, log: [lookedAt('gadgets')] }), ['partial', nobodyLooked])
  const unread =
    'kind widgets.example.org was new, and Velero’s log, which says whether it was looked for, cannot be read'
  t.same(await judgement(young), ['partial', unread], 'nothing says that it looked')
  const served = { conditions: [{ type: 'Established', lastTransitionTime: '2026-11-23T02:57:00Z' }] }
  const again = { objects: kindSince('2026-11-01T00:00:00Z', { status: served }), volumes: [] }
  t.same(
    await judgement({ ...again, log: [lookedAt('gadgets')] }),
    ['partial', nobodyLooked],
    'it counts since when it is served',
  )
})

t.test('whole: a kind that Velero knew', async (t) => {
  const young = { objects: kindSince('2026-11-23T02:57:00Z'), volumes: [] }
  t.same(
    await judgement({ ...young, log: [lookedAt('widgets')] }),
    ['whole'],
    'it looked, and there were none',
  )
  const json =
    '{"backup":"velero/one","group":"example.org/v1","level":"info","msg":"Getting items for resource","resource":"widgets"}'
  t.same(await judgement({ ...young, log: [json] }), ['whole'], 'a log of JSON says the same')
  t.same(await judgement({ objects: [...young.objects, widget], volumes: [] }), ['whole'], 'it is in it')
  const old = kindSince('2026-11-23T02:54:00Z')
  t.same(await judgement({ objects: old, volumes: [] }), ['whole'], 'it looks every five minutes')
})

t.test('a kind that an earlier backup has is not new: the objects are not read for it', async (t) => {
  const objects = kindSince('2026-11-01T00:00:00Z')
  const startTimestamp = '2026-11-22T03:00:00Z'
  const bucket = await bucketWith({
    one: { objects, volumes: [] },
    before: { objects, volumes: [], status: { startTimestamp } },
  })
  t.same(
    (await listBackups(bucket, clusterWith())).map(({ wholeness }) => wholeness.state),
    ['whole', 'whole'],
  )
  t.notOk(bucket.gets.includes('backups/one/one.tar.gz'))
  t.ok(bucket.gets.includes('backups/before/before.tar.gz'), 'nothing stands before this one')
})

t.test('Velero starts anew before a backup where a kind may have come behind its last look', async (t) => {
  const now = 1_000_000_000
  const ago = (seconds: number) => now - seconds * 1000
  t.ok(mayBeLate(ago(60), [ago(600)], now))
  t.ok(mayBeLate(ago(60), [ago(55)], now), 'it looks some seconds after it started')
  t.notOk(mayBeLate(ago(60), [ago(30)], now), 'it started since')
  t.notOk(mayBeLate(ago(400), [ago(6000)], now), 'it has looked since')
  t.notOk(mayBeLate(Number.NEGATIVE_INFINITY, [ago(600)], now), 'there are no kinds')
})
