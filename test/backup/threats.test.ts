import t from 'tap'
import { threatsIn } from '../../lib/backup/take/threats.ts'
import { kubectlHint } from '../../lib/base/hint.ts'
import { passedOver } from '../../lib/cluster/backup-rules.ts'
import { kitSecrets } from '../../lib/gitops/bootstrap-secrets.ts'
import { asked } from './bucket.ts'

// Each row is a living cluster in which one thing keeps the next backup from being whole.

const label = 'velero.io/exclude-from-backup'
const bound = { phase: 'Bound' }
const volume = (spec: object) => ({
  kind: 'PersistentVolume',
  metadata: { name: 'books' },
  spec: { capacity: { storage: '1Gi' }, claimRef: { namespace: 'ledger', name: 'books' }, ...spec },
  status: bound,
})
const claim = (storageClassName?: string) => ({
  kind: 'PersistentVolumeClaim',
  metadata: { name: 'books', namespace: 'ledger' },
  spec: { storageClassName, volumeName: 'books' },
  status: bound,
})
const ours = volume({ csi: { driver: 'dobs.csi.digitalocean.com' } })
const standard = { kind: 'StorageClass', metadata: { name: 'do-block-storage' } }
const out = (kind: string, id: string, more: object = {}) => {
  const [name = '', namespace] = id.split('/').reverse()
  return { kind, metadata: { name, namespace, labels: { [label]: 'true' }, ...more } }
}
const writer = (name: string, path: string, more: object = {}) => ({
  kind: 'Pod',
  metadata: { name, namespace: 'shop', ...more },
  spec: {
    containers: [{ name: 'main', volumeMounts: [{ name: 'data', mountPath: '/data' }] }],
    volumes: [{ name: 'data', hostPath: { path } }],
  },
})
const daily = { metadata: { name: 'daily' }, spec: { template: asked }, status: { phase: 'Enabled' } }
const { resourcePolicy: _policy, ...earlier } = asked
const policy = { data: { 'policy.yaml': JSON.stringify(passedOver) } }
const waits = { ...claim('do-block-storage'), status: { phase: 'Pending' } }
const unnamed = { ...waits, spec: { storageClassName: 'do-block-storage' } }
const lost = { ...waits, status: { phase: 'Lost' } }
const pod = (claimName: string, metadata: object = {}) => ({
  kind: 'Pod',
  metadata: { name: 'web', namespace: 'ledger', ...metadata },
  spec: { volumes: [{ name: 'own' }, { name: 'data', persistentVolumeClaim: { claimName } }] },
})
const folder = (namespace: string) => ({
  ...volume({ hostPath: { path: '/x' }, claimRef: { namespace, name: 'gone' } }),
  status: { phase: 'Released' },
})
const fails = 'a backup that meets it ends PartiallyFailed'
const snapshot = (name: string, source: object, more: object = {}) => ({
  kind: 'VolumeSnapshot',
  metadata: { name, namespace: 'ledger', ...more },
  spec: { source },
})
const content = (name: string, namespace: string, more: object = {}) => ({
  kind: 'VolumeSnapshotContent',
  metadata: { name, ...more },
  spec: { volumeSnapshotRef: { namespace, name } },
})
const inNone = 'is in no backup: Velero takes along its own alone'
const veleros = { labels: { 'velero.io/backup-name': 'daily-1' } }
const saved = 'and Velero can save those of dobs.csi.digitalocean.com alone'

interface World {
  items?: object[]
  optedOut?: object[]
  schedules?: object[]
  policy?: object | null
  isClone?: boolean
}
const said = ({ items = [], optedOut = [], schedules = [daily], isClone = false, ...more }: World) => {
  const found = more.policy === null ? undefined : (more.policy ?? policy)
  return threatsIn({ items, optedOut, schedules, isClone, policy: found, kubeconfig: '/k' })
}

for (const [name, world, wanted] of [
  ['nothing', { items: [ours, claim('do-block-storage'), standard] }, []],
  [
    'a folder of the machine',
    { items: [volume({ hostPath: { path: '/x' } }), claim()] },
    [`claim ledger/books: its volume books is of kind hostPath, ${saved}`],
  ],
  [
    'a disk of the machine',
    { items: [volume({ nodeAffinity: {}, local: { path: '/x' } }), claim()] },
    [`claim ledger/books: its volume books is of kind local, ${saved}`],
  ],
  [
    'another driver',
    { items: [volume({ csi: { driver: 'nfs.csi.k8s.io' } })] },
    [`claim ledger/books: its volume books is one of driver nfs.csi.k8s.io, ${saved}`],
  ],
  [
    'a volume that no claim uses',
    { items: [{ ...volume({ hostPath: {}, claimRef: undefined }), status: { phase: 'Available' } }] },
    [],
  ],
  ['a claim that waits for a volume, or has lost it: the policy passes over it', { items: [unnamed] }, []],
  ['… and where its volume is there', { items: [waits, ours, lost] }, []],
  [
    'a claim that waits, and a schedule of an earlier regrow',
    { items: [unnamed], schedules: [{ ...daily, spec: { template: earlier } }] },
    [
      'claim ledger/books is Pending: schedule daily does not name the resource policy regrow-unbound-claims, and each of its backups ends PartiallyFailed',
    ],
  ],
  [
    '… beside the original, which makes none by itself',
    { items: [unnamed], schedules: [], isClone: true },
    [],
  ],
  [
    'claims whose volume is not there, which no policy passes over',
    { items: [waits, lost] },
    ['Pending', 'Lost'].map(
      (phase) =>
        `claim ledger/books is ${phase}: its volume books is not there, and ${fails} until the volume is there or the claim is deleted: ${kubectlHint('/k')`delete persistentvolumeclaim books -n ledger`}`,
    ),
  ],
  [
    '… but those that no backup meets',
    {
      items: [
        { ...lost, metadata: { ...lost.metadata, labels: { [label]: 'true' } } },
        { ...lost, metadata: { ...lost.metadata, deletionTimestamp: '2026-11-30T00:00:00Z' } },
        { ...lost, metadata: { name: 'a', namespace: 'tmp' } },
      ],
      optedOut: [out('Namespace', 'tmp')],
    },
    [`namespace tmp and all that is in it stays out of backups (label ${label})`],
  ],
  [
    'a pod whose claim is not there',
    { items: [pod('gone'), pod('gone', { labels: { [label]: 'true' } }), pod('books'), unnamed] },
    [`pod ledger/web: its claim gone is not there, and ${fails} until it is, or the pod is deleted`],
  ],
  [
    'a volume of no driver whose claim is gone',
    {
      items: [folder('ledger'), { ...ours, spec: { ...ours.spec, claimRef: { namespace: 'a', name: 'b' } } }],
    },
    [
      `volume books: its claim ledger/gone is gone, and ${fails} until the volume is deleted or its claimRef is taken out: ${kubectlHint('/k')`patch persistentvolume books --type merge -p ${'{"spec":{"claimRef":null}}'}`}`,
    ],
  ],
  [
    'VolumeSnapshots that somebody made',
    {
      items: [
        ...[ours, claim('do-block-storage'), standard],
        snapshot('before', { persistentVolumeClaimName: 'books' }),
        snapshot('of-old', { persistentVolumeClaimName: 'old' }),
        snapshot('imported', { volumeSnapshotContentName: 'x' }),
        content('imported', 'ledger'),
        content('left', 'ledger'),
      ],
    },
    [
      `VolumeSnapshot ledger/before ${inNone}; claim ledger/books is in backups, as it is now`,
      `VolumeSnapshot ledger/of-old ${inNone}; claim ledger/old is gone, and its bytes are at DigitalOcean alone`,
      `VolumeSnapshot ledger/imported ${inNone}; its bytes are at DigitalOcean alone`,
      `VolumeSnapshotContent left ${inNone}; its bytes are at DigitalOcean alone`,
    ],
  ],
  [
    '… but Velero’s own',
    {
      items: [
        snapshot('a', { persistentVolumeClaimName: 'books' }, veleros),
        snapshot('b', {}, { labels: { 'velero.io/restore-name': 'r' } }),
        snapshot('c', {}, { namespace: 'velero' }),
        content('a', 'shop', veleros),
        content('c', 'velero'),
      ],
    },
    [],
  ],
  [
    'a claim that is to be made from a snapshot',
    {
      items: [
        { ...unnamed, spec: { ...unnamed.spec, dataSource: { kind: 'VolumeSnapshot', name: 'before' } } },
      ],
    },
    [
      'claim ledger/books waits to be made from VolumeSnapshot before: its bytes are there alone, and a backup without them is partial',
    ],
  ],
  [
    'a policy that is not there',
    { policy: null },
    [
      'schedule daily names resource policy regrow-unbound-claims, which is not there, and no backup begins by it: ./scripts/backup.mts puts it there',
    ],
  ],
  ['… and that nobody names', { policy: null, schedules: [{ ...daily, spec: { template: earlier } }] }, []],
  [
    'a policy that was changed',
    { policy: { data: { 'policy.yaml': 'version: v1' } } },
    [
      'resource policy regrow-unbound-claims is not what regrow wrote: volumes that it leaves out make backups partial',
    ],
  ],
  [
    'a claim without a class',
    { items: [ours, claim(''), standard] },
    ['claim ledger/books: it has no storage class, and without one Velero can neither save nor restore it'],
  ],
  [
    'a class that is gone',
    { items: [ours, claim('mine'), standard] },
    [
      'claim ledger/books: its storage class mine is not there, and without one Velero can neither save nor restore it',
    ],
  ],
  [
    'a pod whose files are to be copied',
    {
      items: [
        {
          kind: 'Pod',
          metadata: {
            name: 'a-0',
            namespace: 'b',
            annotations: { 'backup.velero.io/backup-volumes': 'data' },
          },
        },
      ],
    },
    [
      'pod b/a-0: by its annotation backup.velero.io/backup-volumes Velero copies files of data instead of the volume, and a restore cannot bring those back',
    ],
  ],
  [
    'pods that write to their machine’s disk',
    {
      items: [
        writer('shop-1', '/srv/shop', { ownerReferences: [{ kind: 'ReplicaSet', name: 'shop' }] }),
        writer('shop-2', '/srv/shop', { ownerReferences: [{ kind: 'ReplicaSet', name: 'shop' }] }),
        writer('bare', '/home/erin'),
        writer('driver', '/var/lib/kubelet/plugins'),
      ],
    },
    [
      'ReplicaSet shop/shop writes to /srv/shop on its machine’s own disk: no backup holds that',
      'pod shop/bare writes to /home/erin on its machine’s own disk: no backup holds that',
    ],
  ],
  [
    'objects kept out',
    { optedOut: [out('Secret', 'shop/pin'), out('ClusterRole', 'auditor')] },
    [
      `Secret shop/pin stays out of backups (label ${label})`,
      `ClusterRole auditor stays out of backups (label ${label})`,
    ],
  ],
  [
    'a namespace kept out, with what is in it',
    { optedOut: [out('Namespace', 'tmp'), out('Secret', 'tmp/a')] },
    [`namespace tmp and all that is in it stays out of backups (label ${label})`],
  ],
  [
    'a sealing key kept out',
    {
      optedOut: [
        out('Secret', 'sealed-secrets/old', {
          labels: { [label]: 'true', 'sealedsecrets.bitnami.com/sealed-secrets-key': 'active' },
        }),
      ],
    },
    [
      `sealing key sealed-secrets/old stays out of backups (label ${label}), and the kit does not have it: what is sealed with it can be opened by this cluster alone`,
    ],
  ],
  [
    'a Secret whose SealedSecret no key opens any more',
    {
      items: [
        ours,
        claim('do-block-storage'),
        standard,
        ...['db', 'fine', 'new'].map((name) => ({
          kind: 'SealedSecret',
          metadata: { name, namespace: 'vault' },
          status: { conditions: [{ type: 'Synced', status: name === 'fine' ? 'True' : 'False' }] },
        })),
      ],
      optedOut: ['vault/db', 'vault/fine'].map((id) =>
        out('Secret', id, { ownerReferences: [{ kind: 'SealedSecret', name: id }] }),
      ),
    },
    [
      `Secret vault/db stays out of backups (label ${label}), and no key opens its SealedSecret any more: seal it again`,
    ],
  ],
  ['what the kit has', { optedOut: Object.keys(kitSecrets).map((id) => out('Secret', id)) }, []],
  [
    'what somebody added to what the kit has',
    {
      optedOut: [
        {
          ...out('Secret', 'velero/velero-credentials'),
          data: { cloud: 'YQ==', gcp: 'YQ==' },
        },
      ],
    },
    [
      `Secret velero/velero-credentials stays out of backups (label ${label}), and the kit does not have what was added: gcp`,
    ],
  ],
  [
    'what is made anew by its owner, but never a claim',
    {
      optedOut: [
        out('Secret', 'a/opened', { ownerReferences: [{ kind: 'SealedSecret' }] }),
        out('PersistentVolumeClaim', 'a/data', { ownerReferences: [{ kind: 'StatefulSet' }] }),
        out('Service', 'a/web'),
        out('Endpoints', 'a/web'),
        out('Endpoints', 'a/by-hand'),
      ],
    },
    [
      `PersistentVolumeClaim a/data stays out of backups (label ${label})`,
      `Service a/web stays out of backups (label ${label})`,
      `Endpoints a/by-hand stays out of backups (label ${label})`,
    ],
  ],
  ['no schedule', { schedules: [] }, ['there is no schedule daily: no backup is made by itself']],
  ['no schedule beside the original', { schedules: [], isClone: true }, []],
  [
    'a paused schedule',
    { schedules: [{ ...daily, spec: { ...daily.spec, paused: true } }] },
    ['schedule daily is paused: no backup is made by itself'],
  ],
  [
    'a schedule that is not accepted',
    { schedules: [{ ...daily, status: { phase: 'FailedValidation', validationErrors: ['bad cron'] } }] },
    ['schedule daily is not accepted: bad cron'],
  ],
  [
    'a schedule that was made narrower',
    { schedules: [{ ...daily, spec: { template: { ...asked, excludedNamespaces: ['bank'] } } }] },
    ['schedule daily makes partial backups: these namespaces are left out: bank'],
  ],
  [
    'a narrow one beside it',
    {
      schedules: [
        daily,
        { metadata: { name: 'hourly' }, spec: { template: { ...asked, includedNamespaces: ['shop'] } } },
        { metadata: { name: 'weekly' }, spec: { template: asked } },
      ],
    },
    [
      'schedule hourly makes partial backups, which count for nothing here: only these namespaces are in it: shop',
    ],
  ],
] satisfies [string, World, string[]][])
  t.test(name, async (t) => t.same(said(world), wanted))
