import t from 'tap'
import { whyKept } from '../../lib/backup/restore/let-go.ts'

// What a person let go with --git-removed drop. The flows: test/real/flows/git-removed.test.ts.

const labels = { 'velero.io/restore-name': 'restore-main-2' }
const one = (kind: string, metadata: object = { labels }) => ({
  kind,
  metadata: { name: 'a', labels: {}, ...metadata },
})
const root = one('ConfigMap', { name: 'kube-root-ca.crt' })

for (const [name, kept, wanted] of [
  ['what Velero brought back goes', whyKept(one('PersistentVolumeClaim'), []), undefined],
  ['what somebody made stays', whyKept(one('ConfigMap', {}), []), 'this restore did not make it'],
  [
    'what goes already',
    whyKept(one('Secret', { labels, deletionTimestamp: 'now' }), []),
    'it is being deleted',
  ],
  ['a namespace with what Velero brought', whyKept(one('Namespace', {}), [root, one('Secret')]), undefined],
  [
    'a namespace with a Secret that its SealedSecret made',
    whyKept(one('Namespace', {}), [one('Secret', { ownerReferences: [{ kind: 'SealedSecret' }] })]),
    undefined,
  ],
  [
    'a namespace in which somebody keeps something since',
    whyKept(one('Namespace', {}), [one('Secret'), one('PersistentVolumeClaim', {})]),
    'PersistentVolumeClaim a was made in it since',
  ],
] as const)
  t.test(name, async (t) => t.equal(kept, wanted))
