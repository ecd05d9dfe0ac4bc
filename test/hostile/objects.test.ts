import t from 'tap'
import { backedObjects } from '../../lib/backup/objects.ts'
import { asleep } from '../../lib/backup/restore/asleep.ts'
import { asManifest, type Manifest } from '../../lib/backup/tarball.ts'
import type { Bucket } from '../../lib/clients/s3.ts'
import { doctl, kubectl, velero } from '../../lib/clients/tools.ts'
import { evil, tarball } from './ground.ts'

// A tarball that somebody wrote who has the cluster's key to the backups' bucket.

const bucket = (bytes: Uint8Array) => ({ name: 'kept', get: async () => bytes }) as unknown as Bucket
type Files = Record<string, object | string>
const read = async (files: Files) =>
  backedObjects(
    bucket(
      await tarball(
        Object.fromEntries(
          Object.entries(files).map(([path, one]) => [
            path,
            typeof one === 'string' ? one : JSON.stringify(one),
          ]),
        ),
      ),
    ),
    'evil',
  )
const object = (apiVersion: string, kind: string, name: string, namespace?: string, more: object = {}) => ({
  apiVersion,
  kind,
  metadata: { name, ...(namespace ? { namespace } : {}) },
  ...more,
})
const secret = object('v1', 'Secret', 'a', 'shop')
const pod = object('v1', 'Pod', 'hook', 'shop')

/** What lies where, and why it is refused. */
const refused: [string, string, object | string, RegExp][] = [
  [
    'a name that is an option',
    'resources/secrets/namespaces/shop/--all.json',
    object('v1', 'Secret', '--all', 'shop'),
    /“--all” is no name for one of secrets/,
  ],
  [
    'an option behind a name',
    'resources/secrets/namespaces/shop/x.json',
    object('v1', 'Secret', '--all', 'shop'),
    /secrets shop\/x holds one named “--all”/,
  ],
  [
    'a namespace that is an option',
    'resources/secrets/namespaces/--all-namespaces/a.json',
    object('v1', 'Secret', 'a', '--all-namespaces'),
    /“--all-namespaces” is no name of a namespace/,
  ],
  ['a kind that is an option', 'resources/--raw=/namespaces/shop/a.json', secret, /cannot be read/],
  [
    'two kinds',
    'resources/secrets,nodes/namespaces/shop/a.json',
    secret,
    /“secrets,nodes” is no kind of object/,
  ],
  ['a kind with an escape', `resources/${evil}/namespaces/shop/a.json`, secret, /is no kind of object/],
  [
    'all namespaces',
    'resources/secrets/namespaces/*/a.json',
    object('v1', 'Secret', 'a', '*'),
    /“\*” is no name of a namespace/,
  ],
  [
    'another namespace',
    'resources/secrets/namespaces/shop/a.json',
    object('v1', 'Secret', 'a', 'argocd'),
    /holds one of namespace “argocd”/,
  ],
  [
    'a namespace for what has none',
    'resources/clusterroles.rbac.authorization.k8s.io/cluster/a.json',
    object('rbac.authorization.k8s.io/v1', 'ClusterRole', 'a', 'shop'),
    /holds one of namespace “shop”/,
  ],
  [
    'no namespace',
    'resources/secrets/namespaces/shop/a.json',
    object('v1', 'Secret', 'a'),
    /holds one of namespace “”/,
  ],
  [
    'another name',
    'resources/secrets/namespaces/shop/a.json',
    object('v1', 'Secret', 'b', 'shop'),
    /holds one named “b”/,
  ],
  [
    'a webhook as a Deployment',
    'resources/deployments.apps/namespaces/shop/hook.json',
    object('admissionregistration.k8s.io/v1', 'MutatingWebhookConfiguration', 'hook', 'shop'),
    /holds an object of admissionregistration/,
  ],
  ['a Pod as a CronJob', 'resources/cronjobs.batch/namespaces/shop/hook.json', pod, /holds an object of v1/],
  [
    'a Job as a CronJob',
    'resources/cronjobs.batch/namespaces/shop/hook.json',
    object('batch/v1', 'Job', 'hook', 'shop'),
    /holds a Job/,
  ],
  ['a Pod as a ConfigMap', 'resources/configmaps/namespaces/shop/hook.json', pod, /holds a Pod/],
  [
    'an Application as something of its group',
    'resources/eventbus.argoproj.io/namespaces/shop/a.json',
    object('argoproj.io/v1alpha1', 'Application', 'a', 'shop'),
    /holds a Application/,
  ],
  [
    'a path in the version',
    'resources/secrets/namespaces/shop/a.json',
    object('v1/../../apis/apps', 'Secret', 'a', 'shop'),
    /holds an object of v1/,
  ],
  [
    'a List',
    'resources/configmaps/namespaces/shop/a.json',
    object('v1', 'List', 'a', 'shop', { items: [secret] }),
    /holds a List/,
  ],
  [
    'a list that calls itself otherwise',
    'resources/configmaps/namespaces/shop/a.json',
    object('v1', 'ConfigMap', 'a', 'shop', { items: [secret] }),
    /holds a list/,
  ],
  [
    'one of a person’s own kind that is a list',
    'resources/widgets.example.org/namespaces/shop/a.json',
    object('example.org/v1', 'Widget', 'a', 'shop', { items: [] }),
    /holds a list/,
  ],
  ['nothing of Kubernetes', 'resources/secrets/namespaces/shop/a.json', '[]', /no object of Kubernetes/],
  [
    'beyond all depth',
    'resources/secrets/namespaces/shop/a.json',
    `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a","namespace":"shop"},"x":${'['.repeat(1e5)}${']'.repeat(1e5)}}`,
    /no object of Kubernetes/,
  ],
]

for (const [what, path, one, why] of refused)
  t.test(`refused: ${what}`, async (t) => {
    await t.rejects(
      read({
        'resources/secrets/namespaces/shop/a1.json': object('v1', 'Secret', 'a1', 'shop'),
        [path]: one,
      }),
      {
        name: 'Problem',
        message: why,
      },
    )
  })

t.test('refused: the same place twice, and two kinds under one name', async (t) => {
  const path = 'resources/widgets.example.org/namespaces/shop'
  await t.rejects(
    read({
      [`${path}/a.json`]: object('example.org/v1', 'Widget', 'a', 'shop'),
      [`${path}/b.json`]: object('example.org/v1', 'Gadget', 'b', 'shop'),
    }),
    { message: /holds a Gadget, and others of it are another kind/ },
  )
  await t.rejects(
    read({
      [`${path}/a.json`]: object('example.org/v1', 'Widget', 'a', 'shop'),
      'resources/customresourcedefinitions.apiextensions.k8s.io/cluster/widgets.example.org.json': object(
        'apiextensions.k8s.io/v1',
        'CustomResourceDefinition',
        'widgets.example.org',
        undefined,
        { spec: { names: { kind: 'Gadget' } } },
      ),
    }),
    { message: /is a Widget, and not a Gadget/ },
  )
})

t.test('what clusters really have is taken', async (t) => {
  const kinds: [string, string, string, string?][] = [
    ['endpoints', 'v1', 'Endpoints', 'web'],
    ['endpointslices.discovery.k8s.io', 'discovery.k8s.io/v1', 'EndpointSlice', 'web-x7k2p'],
    ['networkpolicies.networking.k8s.io', 'networking.k8s.io/v1', 'NetworkPolicy', 'web'],
    ['ingresses.networking.k8s.io', 'networking.k8s.io/v1', 'Ingress', 'web'],
    ['sealedsecrets.bitnami.com', 'bitnami.com/v1alpha1', 'SealedSecret', 'web'],
    ['eventbus.argoproj.io', 'argoproj.io/v1alpha1', 'EventBus', 'default'],
    ['appprojects.argoproj.io', 'argoproj.io/v1alpha1', 'AppProject', 'default'],
    [
      'rolebindings.rbac.authorization.k8s.io',
      'rbac.authorization.k8s.io/v1',
      'RoleBinding',
      'system:controller:bootstrap-signer',
    ],
    ['geese.example.org', 'example.org/v1beta1', 'Goose', 'web.1'],
  ]
  const cluster: [string, string, string, string][] = [
    ['apiservices.apiregistration.k8s.io', 'apiregistration.k8s.io/v1', 'APIService', 'v1.'],
    ['clusterroles.rbac.authorization.k8s.io', 'rbac.authorization.k8s.io/v1', 'ClusterRole', 'system:node'],
    [
      'clusterroles.rbac.authorization.k8s.io',
      'rbac.authorization.k8s.io/v1',
      'ClusterRole',
      'Read what is mine',
    ],
    ['storageclasses.storage.k8s.io', 'storage.k8s.io/v1', 'StorageClass', 'do-block-storage'],
    ['csidrivers.storage.k8s.io', 'storage.k8s.io/v1', 'CSIDriver', 'dobs.csi.digitalocean.com'],
    ['ipaddresses.networking.k8s.io', 'networking.k8s.io/v1', 'IPAddress', 'fd00::1'],
    [
      'volumesnapshotclasses.snapshot.storage.k8s.io',
      'snapshot.storage.k8s.io/v1',
      'VolumeSnapshotClass',
      'b',
    ],
    ['priorityclasses.scheduling.k8s.io', 'scheduling.k8s.io/v1', 'PriorityClass', 'system-node-critical'],
    ['etcdsnapshotfiles.k3s.cattle.io', 'k3s.cattle.io/v1', 'ETCDSnapshotFile', 'local-main-1-1732'],
  ]
  const files: Files = {
    'metadata/version': '1',
    'resources/secrets/v1-preferredversion/namespaces/shop/a.json': '{',
  }
  for (const [resource, apiVersion, kind, name = ''] of kinds)
    files[`resources/${resource}/namespaces/shop/${name}.json`] = object(apiVersion, kind, name, 'shop')
  for (const [resource, apiVersion, kind, name] of cluster)
    files[`resources/${resource}/cluster/${name}.json`] = object(apiVersion, kind, name)
  t.equal((await read(files)).length, kinds.length + cluster.length)
})

t.test('what is to sleep sleeps, or is not made', (t) => {
  const sleeps = (apiVersion: string, kind: string, spec: object = { template: { spec: {} } }): Manifest =>
    asleep(asManifest(object(apiVersion, kind, 'a', 'shop', { spec })))
  for (const kind of ['Deployment', 'StatefulSet', 'ReplicaSet'])
    t.match(sleeps('apps/v1', kind, { replicas: 3 }), { spec: { replicas: 0 } })
  t.match(sleeps('v1', 'ReplicationController', { replicas: 3 }), { spec: { replicas: 0 } })
  t.match(sleeps('batch/v1', 'CronJob', { suspend: false }), { spec: { suspend: true } })
  t.match(sleeps('apps/v1', 'DaemonSet'), {
    spec: { template: { spec: { nodeSelector: { 'regrow/asleep': 'true' } } } },
  })
  for (const [apiVersion, kind] of [
    ['v1', 'ConfigMap'],
    ['v1', 'Service'],
    ['rbac.authorization.k8s.io/v1', 'ClusterRole'],
    ['networking.k8s.io/v1', 'Ingress'],
    ['snapshot.storage.k8s.io/v1', 'VolumeSnapshotClass'],
    ['bitnami.com/v1alpha1', 'SealedSecret'],
    ['argoproj.io/v1alpha1', 'AppProject'],
    ['example.org/v1', 'Deployment'],
  ] as const)
    t.same(sleeps(apiVersion, kind, { a: 1 }).spec, { a: 1 }, kind)
  for (const [apiVersion, kind] of [
    ['v1', 'Pod'],
    ['batch/v1', 'Job'],
    ['batch/v1', 'Deployment'],
    ['apps/v1', 'NewKindOfWorkload'],
    ['batch/v2', 'Something'],
    ['helm.cattle.io/v1', 'HelmChart'],
    ['velero.io/v1', 'Restore'],
    ['argoproj.io/v1alpha1', 'Application'],
    ['snapshot.storage.k8s.io/v1', 'VolumeSnapshot'],
    ['admissionregistration.k8s.io/v1', 'MutatingWebhookConfiguration'],
  ] as const)
    t.throws(() => sleeps(apiVersion, kind), {
      message: `a ${kind} would run: nothing is known that lets it sleep`,
    })
  t.end()
})

t.test('no tool is run on a name that it would take for an option', async (t) => {
  process.env.DIGITALOCEAN_TOKEN ??= 'dop_v1_mine'
  process.env.GITHUB_TOKEN ??= 'ghp_mine0000'
  const kube = { file: '/one' }
  for (const run of [
    () => kubectl(kube)`delete secret ${'--all'} -n ${'argocd'}`,
    () => kubectl(kube)`delete secret ${'a'} -n ${'--all-namespaces'}`,
    () => kubectl(kube)`get ${'-o=jsonpath={}'} -A`,
    () => velero(kube)`restore create ${'a'} --from-backup ${'--all'}`,
    () => doctl`compute droplet delete ${'--help'} --force`,
  ])
    await t.rejects(run(), {
      name: 'Problem',
      message: /would take the name “-.*for an option: it is not run/,
    })
})
