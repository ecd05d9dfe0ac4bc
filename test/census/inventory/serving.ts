import * as make from '../make.ts'
import { ownedBy } from './owners.ts'

const { object } = make

/** A claim of a raw device: its bytes come and go as one file does. */
export const raw = () => make.claim('attic/raw', { volumeMode: 'Block' })

/** Claims of every sort that the driver knows and every ground can play; growth and sharing paper has not. */
export const storage = (imported: string) => [
  object('storage.k8s.io/v1', 'StorageClass', 'of-erin', {
    provisioner: 'dobs.csi.digitalocean.com',
    parameters: { 'csi.storage.k8s.io/fstype': 'xfs' },
    reclaimPolicy: 'Delete',
    allowVolumeExpansion: true,
    volumeBindingMode: 'Immediate',
  }),
  object('storage.k8s.io/v1', 'StorageClass', 'of-erin-late', {
    provisioner: 'dobs.csi.digitalocean.com',
    volumeBindingMode: 'WaitForFirstConsumer',
  }),
  object('snapshot.storage.k8s.io/v1', 'VolumeSnapshotClass', 'of-erin', {
    driver: 'dobs.csi.digitalocean.com',
    deletionPolicy: 'Delete',
  }),
  make.claim(
    'attic/ledger',
    {},
    { labels: { kind: 'books' }, annotations: { 'example.org/keep': 'ten years' } },
  ),
  make.claim('attic/archive', { storageClassName: 'do-block-storage-retain' }),
  make.claim('attic/xfs', {
    storageClassName: 'do-block-storage-xfs-retain',
    resources: { requests: { storage: '2Gi' } },
  }),
  make.claim('attic/own-class', { storageClassName: 'of-erin' }),
  make.claim('attic/late', { storageClassName: 'of-erin-late' }),
  make.claim('attic/unused', { resources: { requests: { storage: '1500Mi' } } }),
  make.claim('attic/never-filled'),
  make.claim('kube-system/metrics'),
  object('v1', 'PersistentVolume', 'imported', {
    spec: {
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteOnce'],
      persistentVolumeReclaimPolicy: 'Retain',
      storageClassName: 'do-block-storage',
      csi: { driver: 'dobs.csi.digitalocean.com', fsType: 'ext4', volumeHandle: imported },
    },
  }),
  make.claim('attic/imported', { volumeName: 'imported' }),
  object('v1', 'PersistentVolume', 'nobody-claims-it', {
    spec: {
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteOnce'],
      persistentVolumeReclaimPolicy: 'Retain',
      storageClassName: 'by-hand',
      hostPath: { path: '/var/lib/nobody' },
    },
  }),
]

/** How things are reached. */
export const network = () => [
  make.service('attic/plain'),
  make.service('attic/headless', { clusterIP: 'None' }),
  make.service('attic/node-port', {
    type: 'NodePort',
    ports: [{ name: 'http', port: 80, targetPort: 8080, nodePort: 30333 }],
  }),
  make.service('attic/external', {
    type: 'ExternalName',
    externalName: 'db.example.org',
    selector: undefined,
    ports: undefined,
  }),
  make.service('attic/elsewhere', { selector: undefined }),
  object('v1', 'Endpoints', 'attic/elsewhere', {
    subsets: [{ addresses: [{ ip: '203.0.113.7' }], ports: [{ name: 'http', port: 8080 }] }],
  }),
  make.service('attic/elsewhere-too', { selector: undefined }),
  object('discovery.k8s.io/v1', 'EndpointSlice', 'attic/elsewhere-too-1', {
    metadata: { labels: { 'kubernetes.io/service-name': 'elsewhere-too' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['203.0.113.8'] }],
    ports: [{ name: 'http', port: 8080 }],
  }),
  object('networking.k8s.io/v1', 'Ingress', 'attic/site', {
    spec: {
      ingressClassName: 'traefik',
      rules: [
        {
          host: 'attic.example.org',
          http: {
            paths: [
              {
                path: '/',
                pathType: 'Prefix',
                backend: { service: { name: 'plain', port: { number: 80 } } },
              },
            ],
          },
        },
      ],
    },
  }),
  object('networking.k8s.io/v1', 'IngressClass', 'private', { spec: { controller: 'example.org/ingress' } }),
  object('networking.k8s.io/v1', 'NetworkPolicy', 'attic/closed', {
    spec: { podSelector: {}, policyTypes: ['Ingress'] },
  }),
  object('traefik.io/v1alpha1', 'Middleware', 'attic/strip', { spec: { stripPrefix: { prefixes: ['/a'] } } }),
  object('traefik.io/v1alpha1', 'IngressRoute', 'attic/route', {
    spec: {
      routes: [{ kind: 'Rule', match: 'Host(`b.example.org`)', services: [{ name: 'plain', port: 80 }] }],
    },
  }),
]

/** What runs, by hand. */
export const workloads = () => [
  make.deployment('attic/by-hand', { claims: ['ledger'] }),
  make.deployment('attic/late', { claims: ['late'] }),
  make.deployment('attic/pinned', { pod: { nodeSelector: { disk: 'fast' } } }),
  make.deployment('attic/idle'),
  make.statefulSet('attic/db'),
  make.workload('DaemonSet', 'attic/agent'),
  make.pod('attic/bare'),
  object('apps/v1', 'ReplicaSet', 'attic/bare', {
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: 'bare-rs' } },
      template: { metadata: { labels: { app: 'bare-rs' } }, spec: make.pod('x/y').spec },
    },
  }),
  object('v1', 'ReplicationController', 'attic/ancient', {
    spec: {
      replicas: 1,
      selector: { app: 'ancient' },
      template: { metadata: { labels: { app: 'ancient' } }, spec: make.pod('x/y').spec },
    },
  }),
  object('v1', 'PodTemplate', 'attic/template', {
    template: { metadata: { labels: { app: 'template' } }, spec: make.pod('x/y').spec },
  }),
  make.job('attic/once'),
  make.cronJob('attic/nightly'),
  make.job('attic/nightly-1', ownedBy('batch/v1', 'CronJob', 'nightly')),
]
