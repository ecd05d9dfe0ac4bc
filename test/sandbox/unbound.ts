import { dump } from 'js-yaml'
import { unboundClaims } from '../../lib/cluster/backup-rules.ts'
import { unboundClaimsPolicy } from '../../lib/gitops/render.ts'
import { ordinary } from '../gitops/fixture.ts'

// Clusters with a claim that has no volume, and with what else a resource policy makes Velero look at: what becomes of a
// backup. The same table is played on paper (`cluster-velero-policy.test.ts`) and by the real Velero
// (`test/real/parts/policy.test.ts`).

/** An object of Kubernetes. */
export interface Made {
  apiVersion: string
  kind: string
  metadata: { name: string; namespace?: string }
  [field: string]: unknown
}

/** A small cluster, the backup that is taken of it, and how that ends. */
export interface Case {
  name: string
  things: Made[]
  /** Of each claim, where it is not Pending. */
  claimPhase?: string
  /** Name of the ConfigMap that the backup names. */
  policy?: string
  phase: 'Completed' | 'PartiallyFailed' | 'FailedValidation'
  /** Paths of objects in the tarball, below `resources/`. */
  holds?: string[]
  lacks?: string[]
}

const shop = 'shop'
const claim = (name: string, spec: object = {}): Made => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name, namespace: shop },
  spec: {
    accessModes: ['ReadWriteOnce'],
    storageClassName: 'of-nobody',
    resources: { requests: { storage: '1Gi' } },
    ...spec,
  },
})
const volume = (name: string, spec: object): Made => ({
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  metadata: { name },
  spec: {
    capacity: { storage: '1Gi' },
    accessModes: ['ReadWriteOnce'],
    storageClassName: 'another',
    persistentVolumeReclaimPolicy: 'Retain',
    ...spec,
  },
})
const pod = (claimName: string): Made => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', namespace: shop },
  spec: {
    containers: [{ name: 'web', image: 'none' }],
    volumes: [{ name: 'data', persistentVolumeClaim: { claimName } }],
  },
})
const policy = (name: string, text: string): Made => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'velero' },
  data: { policy: text },
})
const waits = 'persistentvolumeclaims/namespaces/shop/waits'
const named = 'persistentvolumeclaims/namespaces/shop/named'
const elsewhere = { csi: { driver: 'of-nobody', volumeHandle: '1' } }
const folder = { hostPath: { path: '/srv' } }

/** The policy of the repository, as Git has it. */
export const ours = unboundClaimsPolicy(ordinary)

export const cases: Case[] = [
  {
    name: 'a claim that waits is an error without the policy',
    things: [claim('waits')],
    phase: 'PartiallyFailed',
    lacks: [waits],
  },
  {
    name: 'with it the backup completes, and has the claim and its pod',
    things: [claim('waits'), pod('waits')],
    policy: unboundClaims,
    phase: 'Completed',
    holds: [waits, 'pods/namespaces/shop/web'],
  },
  {
    name: 'a policy that is not there: no backup begins',
    things: [claim('waits')],
    policy: 'nowhere',
    phase: 'FailedValidation',
  },
  {
    name: 'a policy with a word that nobody knows: no backup begins',
    things: [
      policy(
        'odd',
        'version: v1\nvolumePolicies: [{ conditions: { moon: [full] }, action: { type: skip } }]',
      ),
    ],
    policy: 'odd',
    phase: 'FailedValidation',
  },
  {
    name: 'a policy without its version: no backup begins',
    things: [policy('odd', dump({ volumePolicies: [{ conditions: {}, action: { type: 'skip' } }] }))],
    policy: 'odd',
    phase: 'FailedValidation',
  },
  ...['Pending', 'Lost'].flatMap((claimPhase): Case[] => [
    {
      name: `a ${claimPhase} claim that names a volume which is not there is an error with the policy, too`,
      things: [claim('named', { volumeName: 'gone' })],
      claimPhase,
      policy: unboundClaims,
      phase: 'PartiallyFailed',
      lacks: [named],
    },
    {
      name: `a ${claimPhase} claim that names a volume which is there is passed over`,
      things: [volume('there', elsewhere), claim('named', { volumeName: 'there' })],
      claimPhase,
      policy: unboundClaims,
      phase: 'Completed',
      holds: [named],
    },
  ]),
  {
    name: 'a pod whose claim is not there is an error with a policy',
    things: [pod('missing')],
    policy: unboundClaims,
    phase: 'PartiallyFailed',
    lacks: ['pods/namespaces/shop/web'],
  },
  {
    name: '… and none without',
    things: [pod('missing')],
    phase: 'Completed',
    holds: ['pods/namespaces/shop/web'],
  },
  {
    name: 'a volume of no driver whose claim is gone is an error with a policy',
    things: [volume('left', { ...folder, claimRef: { namespace: shop, name: 'missing' } })],
    policy: unboundClaims,
    phase: 'PartiallyFailed',
    lacks: ['persistentvolumes/cluster/left'],
  },
  {
    name: '… none without',
    things: [volume('left', { ...folder, claimRef: { namespace: shop, name: 'missing' } })],
    phase: 'Completed',
    holds: ['persistentvolumes/cluster/left'],
  },
  {
    name: '… and none where a driver has it',
    things: [volume('left', { ...elsewhere, claimRef: { namespace: shop, name: 'missing' } })],
    policy: unboundClaims,
    phase: 'Completed',
    holds: ['persistentvolumes/cluster/left'],
  },
  {
    name: 'VolumeSnapshots that somebody made are in no backup, whatever it asks for',
    things: [
      claim('waits'),
      {
        apiVersion: 'snapshot.storage.k8s.io/v1',
        kind: 'VolumeSnapshot',
        metadata: { name: 'mine', namespace: shop },
        spec: { source: { persistentVolumeClaimName: 'waits' } },
      },
    ],
    policy: unboundClaims,
    phase: 'Completed',
    holds: [waits],
    lacks: ['volumesnapshots.snapshot.storage.k8s.io/namespaces/shop/mine'],
  },
]
