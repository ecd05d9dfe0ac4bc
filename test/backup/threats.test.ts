import t from 'tap'
import { threatsIn } from '../../lib/backup/threats.ts'
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
const saved = 'and Velero can save those of dobs.csi.digitalocean.com alone'

interface World {
  items?: object[]
  optedOut?: object[]
  schedules?: object[]
  isClone?: boolean
}
const said = ({ items = [], optedOut = [], schedules = [daily], isClone = false }: World) =>
  threatsIn({ items, optedOut, schedules, isClone })

for (const [name, world, wanted] of [
  ['nothing', { items: [ours, claim('do-block-storage'), standard] }, []],
  [
    'a folder of the machine',
    { items: [volume({ hostPath: { path: '/x' } })] },
    [`claim ledger/books: its volume books is of kind hostPath, ${saved}`],
  ],
  [
    'a disk of the machine',
    { items: [volume({ nodeAffinity: {}, local: { path: '/x' } })] },
    [`claim ledger/books: its volume books is of kind local, ${saved}`],
  ],
  [
    'another driver',
    { items: [volume({ csi: { driver: 'nfs.csi.k8s.io' } })] },
    [`claim ledger/books: its volume books is one of driver nfs.csi.k8s.io, ${saved}`],
  ],
  [
    'a volume that no claim uses',
    { items: [{ ...volume({ hostPath: {} }), status: { phase: 'Released' } }] },
    [],
  ],
  [
    'a claim that waits for a volume',
    { items: [{ ...claim('do-block-storage'), status: { phase: 'Pending' } }, standard] },
    ['claim ledger/books is Pending: a backup that meets it ends PartiallyFailed'],
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
  ['what the kit has', { optedOut: Object.keys(kitSecrets).map((id) => out('Secret', id)) }, []],
  [
    'what somebody added to what the kit has',
    {
      optedOut: [
        {
          ...out('Secret', 'argocd/argocd-secret'),
          data: { 'admin.password': 'YQ==', 'tls.key': 'YQ==', 'accounts.alice.password': 'YQ==' },
        },
      ],
    },
    [
      `Secret argocd/argocd-secret stays out of backups (label ${label}), and the kit does not have what was added: accounts.alice.password`,
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
