import { type ChartName, parts } from '../../lib/cluster/versions.ts'
import {
  clusterManifest,
  definitions,
  fromSecret,
  type Manifest,
  manifest,
  namespace,
  service,
  workload,
} from './manifest.ts'
import { clusterBinding, clusterRights, rights } from './rights.ts'

const sealer = { account: 'sealed-secrets-controller' }

/** A chart of the box's own: files under `crds/` and `templates/`. */
export type ChartFiles = Record<string, Manifest[]>

/**
 * What stands in for the real charts: the same workloads, services and kinds under the same names, and the Secrets
 * they cannot start without, and accounts, roles and bindings under their real names. They take no values; the roles say
 * nothing, since paper asks for no rights.
 */
export const charts: Record<ChartName, () => ChartFiles> = {
  'argo-cd': () => ({ 'templates/crds.yaml': argocdKinds(), 'templates/argocd.yaml': argocd() }),
  velero: () => ({ 'crds/velero.yaml': veleroKinds(), 'templates/velero.yaml': velero() }),
  'sealed-secrets': () => ({
    'crds/bitnami.com_sealedsecrets.yaml': definitions(
      'bitnami.com',
      'v1alpha1',
      'SealedSecret sealedsecrets S Status=.status.conditions[0].message Synced=.status.conditions[0].status',
    ),
    'templates/sealed-secrets.yaml': [
      manifest('v1', 'ServiceAccount', 'sealed-secrets-controller'),
      ...clusterRights('secrets-unsealer', 'sealed-secrets-controller', sealer),
      ...rights('sealed-secrets-controller-key-admin', sealer),
      ...rights('sealed-secrets-controller-service-proxier', sealer),
      service('sealed-secrets-controller', 'sealed-secrets-controller', [8080]),
      workload('Deployment', 'sealed-secrets-controller', {
        image: `docker.io/bitnami/sealed-secrets-controller:${parts['sealed-secrets'].app}`,
        args: ['--key-renew-period', '0'],
      }),
    ],
  }),
  traefik: () => ({
    'crds/traefik.io.yaml': definitions(
      'traefik.io',
      'v1alpha1',
      'IngressRoute ingressroutes\nMiddleware middlewares',
    ),
    'templates/traefik.yaml': [
      manifest('v1', 'ServiceAccount', 'traefik'),
      ...clusterRights(`traefik-${namespace}`, `traefik-${namespace}`, { account: 'traefik' }),
      clusterManifest('networking.k8s.io/v1', 'IngressClass', 'traefik', {
        metadata: { annotations: { 'ingressclass.kubernetes.io/is-default-class': 'true' } },
        spec: { controller: 'traefik.io/ingress-controller' },
      }),
      service('traefik', 'traefik', [80, 443], 'LoadBalancer'),
      workload('Deployment', 'traefik', { image: `docker.io/traefik:${parts.traefik.app}` }),
    ],
  }),
}

const argocdKinds = () =>
  definitions(
    'argoproj.io',
    'v1alpha1',
    `Application applications app apps Sync=.status.sync.status Health=.status.health.status
     ApplicationSet applicationsets appset appsets S
     AppProject appprojects appproj appprojs`,
  )

/** Kinds whose health Argo CD only knows by a script in its settings. */
const scripted = [
  'argoproj.io_Application',
  'velero.io_BackupStorageLocation',
  'velero.io_Schedule',
  'velero.io_Restore',
]

function argocd(): Manifest[] {
  const image = `quay.io/argoproj/argocd:${parts['argo-cd'].app}`
  const password = [fromSecret('REDIS_PASSWORD', 'argocd-redis', 'auth')]
  const part = { labels: { 'app.kubernetes.io/part-of': 'argocd' } }
  const scripts = scripted.map((kind) => [
    `resource.customizations.health.${kind}`,
    '-- paper reads the name only',
  ])
  const config = (name: string, data: Record<string, unknown> = {}) =>
    manifest('v1', 'ConfigMap', name, { metadata: part, data })
  const names = ['argocd-server', 'argocd-repo-server', 'argocd-application-controller']
  return [
    ...names.map((name) => manifest('v1', 'ServiceAccount', name)),
    ...names
      .filter((name) => name !== 'argocd-repo-server')
      .flatMap((name) => [
        ...clusterRights(name, name, { account: name }),
        ...rights(name, { account: name }),
      ]),
    ...rights('argocd-repo-server', { account: 'argocd-repo-server' }),
    config('argocd-cm', Object.fromEntries(scripts)),
    config('argocd-rbac-cm'),
    config('argocd-cmd-params-cm'),
    config('argocd-ssh-known-hosts-cm'),
    service('argocd-server', 'argocd-server', [80, 443]),
    service('argocd-repo-server', 'argocd-repo-server', [8081]),
    service('argocd-redis', 'argocd-redis', [6379]),
    workload('Deployment', 'argocd-server', { image, env: password }, {}, part),
    workload('Deployment', 'argocd-repo-server', { image, env: password }, {}, part),
    workload('StatefulSet', 'argocd-application-controller', { image, env: password }, {}, part),
    workload(
      'Deployment',
      'argocd-redis',
      { image: 'public.ecr.aws/docker/library/redis:8.2.3-alpine', env: password },
      {},
      part,
    ),
  ]
}

function veleroKinds(): Manifest[] {
  return [
    ...definitions(
      'velero.io',
      'v1',
      `Backup backups
       Restore restores
       Schedule schedules Status=.status.phase Schedule=.spec.schedule
       BackupStorageLocation backupstoragelocations bsl Phase=.status.phase
       VolumeSnapshotLocation volumesnapshotlocations vsl
       BackupRepository backuprepositories
       PodVolumeBackup podvolumebackups Status=.status.phase
       PodVolumeRestore podvolumerestores Status=.status.phase
       DeleteBackupRequest deletebackuprequests Status=.status.phase
       DownloadRequest downloadrequests
       ServerStatusRequest serverstatusrequests ssr`,
    ),
    ...definitions(
      'velero.io',
      'v2alpha1',
      `DataUpload datauploads Status=.status.phase
       DataDownload datadownloads Status=.status.phase`,
    ),
  ]
}

function velero(): Manifest[] {
  const image = `velero/velero:${parts['velero-server'].version}`
  const volumes = [
    { name: 'cloud-credentials', secret: { secretName: 'velero-credentials' } },
    { name: 'plugins', emptyDir: {} },
  ]
  const volumeMounts = [{ name: 'cloud-credentials', mountPath: '/credentials' }]
  const env = [
    { name: 'AWS_SHARED_CREDENTIALS_FILE', value: '/credentials/cloud' },
    { name: 'VELERO_NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
    { name: 'NODE_NAME', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
  ]
  const plugin = {
    name: 'velero-plugin-for-aws',
    image: `velero/velero-plugin-for-aws:${parts['velero-plugin-for-aws'].version}`,
    volumeMounts: [{ name: 'plugins', mountPath: '/target' }],
  }
  return [
    manifest('v1', 'ServiceAccount', 'velero-server'),
    clusterBinding('velero-server', 'cluster-admin', { account: 'velero-server' }),
    ...rights('velero-server', { account: 'velero-server' }),
    manifest('v1', 'ConfigMap', 'velero-node-agent'),
    manifest('v1', 'ConfigMap', 'velero-backup-repository'),
    manifest('v1', 'ConfigMap', 'velero-repo-maintenance'),
    workload(
      'Deployment',
      'velero',
      { image, args: ['server', '--features=EnableCSI'], env, volumeMounts },
      { initContainers: [plugin], volumes, serviceAccountName: 'velero-server' },
    ),
    workload(
      'DaemonSet',
      'node-agent',
      { image, args: ['node-agent', 'server'], env, volumeMounts },
      { volumes, serviceAccountName: 'velero-server' },
    ),
  ]
}
