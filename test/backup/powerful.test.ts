import t from 'tap'
import { powerIn } from '../../lib/backup/powerful.ts'
import type { Bucket } from '../../lib/clients/s3.ts'
import { type Planted, tarballOf } from '../flows/thief.ts'

// What in a backup has power over a cluster, of constructed tarballs.

const powerOf = async (...objects: Planted[]) => {
  const bytes = await tarballOf(objects)
  return powerIn({ get: async () => bytes } as Partial<Bucket> as Bucket, 'b')
}
const rbac = (kind: string, name: string, more: object, namespace?: string): Planted => [
  `${kind.toLowerCase()}s.rbac.authorization.k8s.io/${namespace ? `namespaces/${namespace}` : 'cluster'}/${name}.json`,
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind,
    metadata: namespace ? { name, namespace } : { name },
    ...more,
  },
]
const bound = (role: string, subjects: object[] | null = [{ kind: 'User', name: 'mallory' }]) => ({
  roleRef: { kind: 'ClusterRole', name: role },
  subjects,
})
const places: Record<string, [apiVersion: string, resource: string]> = {
  Pod: ['v1', 'pods'],
  PodTemplate: ['v1', 'podtemplates'],
  Deployment: ['apps/v1', 'deployments.apps'],
  CronJob: ['batch/v1', 'cronjobs.batch'],
  Rollout: ['example.org/v1', 'rollouts.example.org'],
  MutatingWebhookConfiguration: [
    'admissionregistration.k8s.io/v1',
    'mutatingwebhookconfigurations.admissionregistration.k8s.io',
  ],
  ValidatingWebhookConfiguration: [
    'admissionregistration.k8s.io/v1',
    'validatingwebhookconfigurations.admissionregistration.k8s.io',
  ],
  MutatingAdmissionPolicy: [
    'admissionregistration.k8s.io/v1',
    'mutatingadmissionpolicies.admissionregistration.k8s.io',
  ],
  APIService: ['apiregistration.k8s.io/v1', 'apiservices.apiregistration.k8s.io'],
}
const planted = (kind: string, more: object, namespace?: string): Planted => {
  const [apiVersion = '', resource = ''] = places[kind] ?? []
  const name = 'v1.x'
  const scope = namespace ? `namespaces/${namespace}` : 'cluster'
  const metadata = namespace ? { name, namespace } : { name }
  return [`${resource}/${scope}/${name}.json`, { apiVersion, kind, metadata, ...more }]
}
const workload = (kind: string, spec: object, more: object = {}) => planted(kind, { spec, ...more }, 'shop')

t.test('who becomes an administrator, by cluster-admin or by a role that comes to the same', async (t) => {
  t.same(await powerOf(rbac('ClusterRoleBinding', 'm', bound('cluster-admin'))), [
    'ClusterRoleBinding m gives ClusterRole cluster-admin to User mallory',
  ])
  for (const rule of [
    { apiGroups: ['*'], resources: ['*'], verbs: ['*'] },
    { apiGroups: ['rbac.authorization.k8s.io'], resources: ['clusterroles'], verbs: ['escalate'] },
    { apiGroups: ['rbac.authorization.k8s.io'], resources: ['clusterrolebindings'], verbs: ['create'] },
    { apiGroups: [''], resources: ['users'], verbs: ['impersonate'] },
  ])
    t.same(
      await powerOf(rbac('ClusterRole', 'r', { rules: [rule] }), rbac('ClusterRoleBinding', 'm', bound('r'))),
      ['ClusterRoleBinding m gives ClusterRole r to User mallory'],
      JSON.stringify(rule),
    )
  const reader = {
    rules: [
      { apiGroups: [''], resources: ['pods'], verbs: ['get'] },
      { nonResourceURLs: ['/'], verbs: ['get'] },
    ],
  }
  t.same(await powerOf(rbac('ClusterRole', 'r', reader), rbac('ClusterRoleBinding', 'm', bound('r'))), [])
  const within = rbac(
    'RoleBinding',
    'm',
    bound('cluster-admin', [{ kind: 'ServiceAccount', name: 'a', namespace: 'shop' }]),
    'argocd',
  )
  t.match(await powerOf(within), [
    'RoleBinding argocd/m gives ClusterRole cluster-admin to ServiceAccount shop/a',
    'namespaces argocd',
  ])
})

t.test(
  'Kubernetes’ own binding is told where it names somebody else; a label takes nothing off the list',
  async (t) => {
    const masters = [{ kind: 'Group', name: 'system:masters' }]
    t.same(await powerOf(rbac('ClusterRoleBinding', 'cluster-admin', bound('cluster-admin', masters))), [])
    t.same(await powerOf(rbac('ClusterRoleBinding', 'cluster-admin', bound('cluster-admin', null))), [])
    const more = [...masters, { kind: 'User', name: 'mallory' }]
    t.match(await powerOf(rbac('ClusterRoleBinding', 'cluster-admin', bound('cluster-admin', more))), [
      /mallory$/,
    ])
    const labels = { 'kubernetes.io/bootstrapping': 'rbac-defaults' }
    t.match(
      await powerOf(
        rbac('ClusterRoleBinding', 'm', { ...bound('cluster-admin'), metadata: { name: 'm', labels } }),
      ),
      [/mallory$/],
    )
  },
)

t.test('what answers in the API server’s place', async (t) => {
  for (const kind of [
    'MutatingWebhookConfiguration',
    'ValidatingWebhookConfiguration',
    'MutatingAdmissionPolicy',
  ])
    t.same(await powerOf(planted(kind, {})), [`${kind} v1.x answers in the API server’s place`])
  const service = { name: 'a', namespace: 'b' }
  t.match(await powerOf(planted('APIService', { spec: { service } })), [/^APIService v1.x answers/])
  t.same(await powerOf(planted('APIService', { spec: {} })), [], 'its own')
})

t.test('what gets at its machine, whatever it is called and wherever its pods stand', async (t) => {
  const root = {
    containers: [{ securityContext: { privileged: true, capabilities: { add: ['SYS_ADMIN'] } } }],
    hostPID: true,
    volumes: [{ hostPath: { path: '/' } }],
  }
  const ways = 'gets at its machine: privileged, capability SYS_ADMIN, hostPID, hostPath /'
  for (const [kind, spec] of [
    ['Pod', root],
    ['Deployment', { template: { spec: root } }],
    ['CronJob', { jobTemplate: { spec: { template: { spec: root } } } }],
    ['Rollout', { workload: [{ template: { spec: root } }] }],
  ] as const)
    t.same(await powerOf(workload(kind, spec)), [`${kind} shop/v1.x ${ways}`, 'namespaces shop'])
  t.same(await powerOf(workload('PodTemplate', {}, { template: { spec: root } })), [
    `PodTemplate shop/v1.x ${ways}`,
    'namespaces shop',
  ])
  t.same(await powerOf(workload('Pod', { containers: [], initContainers: root.containers })), [
    'Pod shop/v1.x gets at its machine: privileged, capability SYS_ADMIN',
    'namespaces shop',
  ])
  t.match(await powerOf(workload('Pod', { containers: 'many' })), [/pods that cannot be read/])
  t.same(await powerOf(workload('Pod', { containers: [{ name: 'plain' }], volumes: [{ emptyDir: {} }] })), [
    'namespaces shop',
  ])
})
