import t from 'tap'
import type { BackedObject } from '../../lib/backup/objects.ts'
import type { LiveObject } from '../../lib/backup/proof/live.ts'
import { isKept } from '../../lib/backup/restore/changed.ts'
import { toReplace } from '../../lib/backup/restore/edited.ts'

// What a cluster makes by itself, and a person may change: which of it takes the backup's content.

const backed = (resource: string, id: string, more: Partial<BackedObject> = {}): BackedObject => ({
  ...{ resource, id, apiVersion: 'v1', kind: 'Thing', uid: id, owner: undefined, app: undefined },
  ...{ digest: 'then', marks: '', clustersOwn: false, ...more },
})
const there: LiveObject = {
  ...{ uid: 'u', digest: 'now', marks: '', owners: [], restoredBy: undefined, clustersOwn: false },
  ...{ ready: undefined, wantsNone: false, leaving: false },
}
const chosen = (one: BackedObject, live: Partial<LiveObject> | undefined = {}, beside = false) =>
  toReplace(
    [one],
    {
      objects: new Map([[one.resource, new Map([[one.id, { ...there, ...live }]])]]),
      unlisted: new Map(),
    },
    beside,
  ).length === 1

const project = backed('appprojects.argoproj.io', 'argocd/default')
const account = backed('serviceaccounts', 'shop/default')
const secret = backed('secrets', 'argocd/argocd-secret')
const flow = backed('flowschemas.flowcontrol.apiserver.k8s.io', 'exempt')

for (const [name, is, wanted] of [
  ['the project that Argo CD makes', chosen(project), true],
  ['the account of a namespace', chosen(account), true],
  ['Argo CD’s own Secret', chosen(secret), true],
  ['a person’s hand on the API server’s queues', chosen(flow, { clustersOwn: true }), true],
  ['its labels and annotations alone', chosen(account, { digest: 'then', marks: 'others' }), true],
  ['the same content', chosen(project, { digest: 'then' }), false],
  ['what this restore made', chosen(account, { restoredBy: 'restore-main-2' }), false],
  ['what Git has', chosen({ ...project, app: 'apps' }), false],
  ['what something else owns', chosen({ ...account, owner: { kind: 'A', name: 'a', uid: '1' } }), false],
  ['what is being deleted', chosen(account, { leaving: true }), false],
  ['what the API server keeps as it is', chosen({ ...flow, clustersOwn: true }), false],
  ['keys of the cluster’s own', chosen(backed('secrets', 'kube-system/k3s-serving')), false],
  ['what the cluster tells of itself', chosen(backed('configmaps', 'kube-system/a')), false],
  ['beside the original: an account', chosen(account, {}, true), true],
  ['beside the original: its own password', chosen(secret, {}, true), false],
  ['beside the original: what its own Applications are in', chosen(project, {}, true), false],
] as const)
  t.test(name, async (t) => t.equal(is, wanted))

t.test('what is not there is brought back elsewhere', async (t) =>
  t.same(toReplace([account], { objects: new Map(), unlisted: new Map() }, false), []),
)

t.test('a person’s hand on a built-in binding is named; what k3s writes anew is not', async (t) => {
  const [own, others] = [{ clustersOwn: true }, { clustersOwn: false }]
  t.notOk(isKept({ resource: 'clusterrolebindings.rbac.authorization.k8s.io', ...own }, own))
  t.ok(isKept({ resource: 'configmaps', ...own }, own))
  t.ok(isKept({ resource: 'configmaps', ...own }, others))
  t.notOk(isKept({ resource: 'configmaps', ...others }, others))
})
