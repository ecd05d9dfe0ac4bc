import type { csiFiles } from '../../lib/cluster/versions.ts'
import { clusterManifest, definitions, fromSecret, type Manifest, manifest, workload } from './manifest.ts'
import { clusterRights } from './rights.ts'

const driver = 'dobs.csi.digitalocean.com'
const inSystem = { namespace: 'kube-system' }

/**
 * What stands in for the manifests of DigitalOcean's CSI driver: the objects under their real names, the containers in
 * their real order (patches name them by their place), the token's Secret, roles that say nothing.
 */
export const csiManifests: Record<(typeof csiFiles)[number], (version: string) => Manifest[]> = {
  'crds.yaml': () =>
    definitions(
      'snapshot.storage.k8s.io',
      'v1',
      `VolumeSnapshot volumesnapshots vs S ReadyToUse=.status.readyToUse SourcePVC=.spec.source.persistentVolumeClaimName
       VolumeSnapshotContent volumesnapshotcontents vsc vscs C S ReadyToUse=.status.readyToUse
       VolumeSnapshotClass volumesnapshotclasses vsclass vsclasses C Driver=.driver DeletionPolicy=.deletionPolicy`,
    ),
  'driver.yaml': driverManifests,
  'snapshot-controller.yaml': () => [
    manifest('v1', 'ServiceAccount', 'snapshot-controller', { metadata: inSystem }),
    ...clusterRights('snapshot-controller-role', 'snapshot-controller-binding', {
      account: 'snapshot-controller',
      home: 'kube-system',
    }),
    workload(
      'StatefulSet',
      'snapshot-controller',
      { image: sidecar('snapshot-controller:v8.5.0'), args: ['--v=5'] },
      {},
      inSystem,
    ),
  ],
}

const sidecar = (image: string) => `registry.k8s.io/sig-storage/${image}`

function driverManifests(version: string): Manifest[] {
  const plugin = (args: string[], env: unknown[]) => ({
    name: 'csi-do-plugin',
    image: `digitalocean/do-csi-plugin:${version}`,
    args: ['--endpoint=$(CSI_ENDPOINT)', '--url=$(DIGITALOCEAN_API_URL)', ...args],
    env: [{ name: 'DIGITALOCEAN_API_URL', value: 'https://api.digitalocean.com/' }, ...env],
    imagePullPolicy: 'Always',
  })
  const helper = (name: string, tag: string) => ({
    name,
    image: sidecar(`${name}:${tag}`),
    args: ['--v=5', '--csi-address=$(ADDRESS)'],
    env: [{ name: 'ADDRESS', value: '/csi/csi.sock' }],
    imagePullPolicy: 'IfNotPresent',
  })
  const token = fromSecret('DIGITALOCEAN_ACCESS_TOKEN', 'digitalocean', 'access-token')
  return [
    clusterManifest('storage.k8s.io/v1', 'CSIDriver', driver, {
      spec: { attachRequired: true, podInfoOnMount: true },
    }),
    clusterManifest('snapshot.storage.k8s.io/v1', 'VolumeSnapshotClass', 'do-block-storage', {
      metadata: { annotations: { 'snapshot.storage.kubernetes.io/is-default-class': 'true' } },
      driver,
      deletionPolicy: 'Delete',
    }),
    ...['', '-retain', '-xfs', '-xfs-retain'].map((suffix) =>
      clusterManifest('storage.k8s.io/v1', 'StorageClass', `do-block-storage${suffix}`, {
        metadata: suffix ? {} : { annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
        provisioner: driver,
        allowVolumeExpansion: true,
        ...(suffix.endsWith('-retain') ? { reclaimPolicy: 'Retain' } : {}),
        ...(suffix.startsWith('-xfs') ? { parameters: { fstype: 'xfs' } } : {}),
      }),
    ),
    ...['csi-do-controller-sa', 'csi-do-node-sa'].map((name) =>
      manifest('v1', 'ServiceAccount', name, { metadata: inSystem }),
    ),
    ...['provisioner', 'attacher', 'snapshotter', 'resizer'].flatMap((part) =>
      clusterRights(`csi-do-${part}-role`, `csi-do-${part}-binding`, {
        account: 'csi-do-controller-sa',
        home: 'kube-system',
      }),
    ),
    ...clusterRights('csi-do-node-driver-registrar-role', 'csi-do-node-driver-registrar-binding', {
      account: 'csi-do-node-sa',
      home: 'kube-system',
    }),
    workload(
      'StatefulSet',
      'csi-do-controller',
      {},
      {
        serviceAccountName: 'csi-do-controller-sa',
        containers: [
          helper('csi-provisioner', 'v6.2.0'),
          helper('csi-attacher', 'v4.11.0'),
          helper('csi-snapshotter', 'v8.5.0'),
          helper('csi-resizer', 'v2.1.0'),
          plugin(['--token=$(DIGITALOCEAN_ACCESS_TOKEN)'], [token]),
        ],
      },
      inSystem,
      { app: 'csi-do-controller' },
    ),
    workload(
      'DaemonSet',
      'csi-do-node',
      {},
      {
        serviceAccountName: 'csi-do-node-sa',
        hostNetwork: true,
        initContainers: [{ name: 'automount-udev-deleter', image: 'alpine:3' }],
        containers: [helper('csi-node-driver-registrar', 'v2.16.0'), plugin([], [])],
      },
      inSystem,
      { app: 'csi-do-node' },
    ),
  ]
}
