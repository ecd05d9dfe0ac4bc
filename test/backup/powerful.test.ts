import t from 'tap'
import { powerIn } from '../../lib/backup/vouch/powerful.ts'
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
  CustomResourceDefinition: ['apiextensions.k8s.io/v1', 'customresourcedefinitions.apiextensions.k8s.io'],
  PersistentVolume: ['v1', 'persistentvolumes'],
  Application: ['argoproj.io/v1alpha1', 'applications.argoproj.io'],
  ApplicationSet: ['argoproj.io/v1alpha1', 'applicationsets.argoproj.io'],
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
    { apiGroups: [''], resources: ['secrets'], verbs: ['get'] },
    { apiGroups: [''], resources: ['serviceaccounts/token'], verbs: ['create'] },
    { apiGroups: [''], resources: ['pods/exec'], verbs: ['create'] },
    { apiGroups: [''], resources: ['nodes/proxy'], verbs: ['get'] },
    { apiGroups: ['rbac.authorization.k8s.io'], resources: ['rolebindings'], verbs: ['create'] },
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

t.test('what is left out of a backup, or stands in another role, hides no right', async (t) => {
  t.same(
    await powerOf(
      rbac('ClusterRoleBinding', 'm', bound('system:controller:clusterrole-aggregation-controller')),
    ),
    [
      'ClusterRoleBinding m gives ClusterRole system:controller:clusterrole-aggregation-controller, whose rights are not in the backup, to User mallory',
    ],
  )
  const takes = (label: string) => ({
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [label]: 'yes' } }] },
  })
  const almighty = { rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }] }
  const labelled = (name: string, label: string, more: object) =>
    rbac('ClusterRole', name, { ...more, metadata: { name, labels: { [label]: 'yes' } } })
  t.same(
    await powerOf(
      rbac('ClusterRole', 'outer', takes('b')),
      labelled('middle', 'b', takes('a')),
      labelled('inner', 'a', almighty),
      rbac('ClusterRoleBinding', 'm', bound('outer')),
    ),
    ['ClusterRoleBinding m gives ClusterRole outer to User mallory'],
  )
  t.same(
    await powerOf(
      rbac('ClusterRole', 'outer', takes('b')),
      labelled('inner', 'a', almighty),
      rbac('ClusterRoleBinding', 'm', bound('outer')),
    ),
    [],
  )
})

t.test('what Argo CD is to bring, and from where', async (t) => {
  const source = (repoURL: string) => ({ repoURL, path: '.' })
  t.same(await powerOf(workload('Application', { source: source('https://evil.example/x') })), [
    'Argo CD is to bring what lies at https://evil.example/x',
    'namespaces shop',
  ])
  t.same(
    await powerOf(
      workload('ApplicationSet', {
        template: { spec: { sources: [source('https://b'), source('https://a')] } },
      }),
    ),
    ['Argo CD is to bring what lies at https://a, https://b', 'namespaces shop'],
  )
  t.match(await powerOf(workload('ApplicationSet', { generators: [] })), [/an address that is not told/])
})

t.test('pods beside the platform, with whose accounts they may run', async (t) => {
  const spec = { template: { spec: { serviceAccountName: 'velero', containers: [{ name: 'plain' }] } } }
  t.same(await powerOf(planted('Deployment', { spec }, 'velero')), [
    'pods beside the platform, which may have its rights: Deployment velero/v1.x',
    'namespaces velero',
  ])
})

t.test('a volume that is a folder of its machine, and a conversion by somebody else', async (t) => {
  for (const [spec, way] of [
    [{ hostPath: { path: '/' } }, 'hostPath /'],
    [{ local: { path: '/etc' } }, 'local /etc'],
  ] as const)
    t.same(await powerOf(planted('PersistentVolume', { spec })), [
      `PersistentVolume v1.x gets at its machine: ${way}`,
    ])
  t.same(await powerOf(planted('PersistentVolume', { spec: { csi: { volumeHandle: 'v' } } })), [])
  const conversion = (strategy: string) =>
    planted('CustomResourceDefinition', {
      spec: { names: { kind: 'Thing' }, conversion: { strategy } },
    })
  t.match(await powerOf(conversion('Webhook')), [/^CustomResourceDefinition v1.x answers/])
  t.same(await powerOf(conversion('None')), [])
})
