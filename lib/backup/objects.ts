import { z } from 'zod'
import type { Bucket } from '../clients/s3.ts'
import { heldObject } from '../gitops/held.ts'
import { diskPaths } from '../kubernetes/disk-paths.ts'
import { contentOf, digestOf, marksOf } from './restore/content.ts'
import { eachObject, idOf, type Manifest } from './tarball.ts'

/** What is kept in mind of an object of a backup. */
export interface BackedObject {
  /** `deployments.apps`, as Velero and kubectl call it. */
  resource: string
  /** `namespace/name`, or the name alone. */
  id: string
  apiVersion: string
  kind: string
  /** Its identity in the earlier cluster. */
  uid: string
  /** What made it, if something did: its controller, else its first owner. */
  owner: Owner | undefined
  /** Name of the Argo CD Application that brought it, if one did. */
  app: string | undefined
  /** Of the content, of which it keeps nothing else. */
  digest: string
  /** k3s or the API server makes it, and keeps it as it is. */
  clustersOwn: boolean
  /** Of the labels and annotations that somebody gave it. */
  marks: string
  /** The type of a Secret. */
  type?: string
  /** What a claim asks for, such as `2Gi`, and of which class. */
  storage?: string
  storageClass?: string
  /** Of a volume: the claim that it belongs to, as `namespace/name`. */
  claim?: string
  /** Of a volume: its id at DigitalOcean. */
  handle?: string
  /** Of a claim: it had a volume. */
  bound?: boolean
  /** Of a claim that had no volume yet: the VolumeSnapshot that it was to be made from. */
  from?: string
  /** Of a Secret: SealedSecrets are opened with it. */
  opens?: boolean
  /** Of a SealedSecret: it was opened, into the Secret of its name. */
  opened?: boolean
  /** Of a Service: it chooses its pods. */
  selects?: boolean
  /** Of a node: the control plane ran on it. */
  server?: boolean
  /** Of a workload: all that it wanted was ready. */
  ready?: boolean
  /** Of a pod: paths on its machine's own disk into which it may write. */
  onDisk?: string[]
  /** Its own snapshot or upload for this backup, of no use beside it. */
  ofBackup?: boolean
}

/** Who owns an object, in the earlier cluster. */
interface Owner {
  kind: string
  name: string
  uid: string
}

/** The objects of a backup, without their content. @throws Problem when its tarball cannot be read */
export async function backedObjects(bucket: Bucket, backup: string): Promise<BackedObject[]> {
  const found: BackedObject[] = []
  await eachObject(bucket, backup, (resource, one) => void found.push(backedObject(resource, one)))
  return found
}

/** What is kept in mind of one object. */
function backedObject(resource: string, one: Manifest): BackedObject {
  const owners = one.metadata.ownerReferences ?? []
  const owner = owners.find((each) => each.controller) ?? owners[0]
  return {
    resource,
    id: idOf(one),
    apiVersion: one.apiVersion,
    kind: one.kind,
    uid: one.metadata.uid ?? '',
    owner: owner && { kind: owner.kind, name: owner.name, uid: owner.uid ?? '' },
    app: heldObject(resource, one).app,
    digest: digestOf(contentOf(one)),
    marks: digestOf(marksOf(one)),
    clustersOwn: isClustersOwn(one),
    ...more(resource, one),
    // While volumes are copied Velero has claims, volumes and pods of its own.
    ...(owners.some(({ kind }) => /^Data(Up|Down)load$/.test(kind)) ? { ofBackup: true } : {}),
  }
}

/** Whether k3s or the API server makes an object by itself in every cluster. */
export function isClustersOwn({ metadata }: Manifest): boolean {
  const { name, namespace = 'kube-system', labels = {}, annotations = {} } = metadata
  return (
    // Elsewhere it is a person's copy of one of k3s' own, with its labels.
    ('objectset.rio.cattle.io/hash' in labels && namespace === 'kube-system') ||
    'kubernetes.io/bootstrapping' in labels ||
    'kube-aggregator.kubernetes.io/automanaged' in labels ||
    annotations['apf.kubernetes.io/autoupdate-spec'] === 'true' ||
    name === 'kube-root-ca.crt'
  )
}

const bound = z.object({ phase: z.literal('Bound') })
const source = z.object({ kind: z.literal('VolumeSnapshot'), name: z.string() })
const sources = z.union([z.object({ dataSource: source }), z.object({ dataSourceRef: source })])

/** The VolumeSnapshot that a claim is still to be made from: its bytes are there alone. */
export function unmadeFrom({ spec, status }: Manifest): string | undefined {
  const read = bound.safeParse(status).success ? undefined : sources.safeParse(spec).data
  return read && ('dataSource' in read ? read.dataSource.name : read.dataSourceRef.name)
}

const claimSpec = z.object({
  storageClassName: z.string().optional(),
  resources: z.object({ requests: z.object({ storage: z.string() }) }).optional(),
})
const volumeSpec = z.object({
  claimRef: z.object({ namespace: z.string(), name: z.string() }).optional(),
  csi: z.object({ volumeHandle: z.string() }).optional(),
})
const synced = z.object({ conditions: z.array(z.object({ type: z.string(), status: z.string() })) })
const isOpened = ({ type, status }: { type: string; status: string }) =>
  type === 'Synced' && status === 'True'
const service = z.object({ selector: z.record(z.string(), z.string()).optional() })

function more(resource: string, one: Manifest): Partial<BackedObject> {
  const ofBackup = one.metadata.labels?.['velero.io/backup-name'] !== undefined
  switch (resource) {
    case 'secrets':
      return {
        ...(typeof one.type === 'string' ? { type: one.type } : {}),
        opens: one.metadata.labels?.['sealedsecrets.bitnami.com/sealed-secrets-key'] !== undefined,
      }
    case 'persistentvolumeclaims': {
      const spec = claimSpec.safeParse(one.spec).data
      const from = unmadeFrom(one)
      return {
        ...(from === undefined ? {} : { from }),
        storage: spec?.resources?.requests.storage ?? '',
        bound: bound.safeParse(one.status).success,
        ...(spec?.storageClassName ? { storageClass: spec.storageClassName } : {}),
      }
    }
    case 'persistentvolumes': {
      const { claimRef: ref, csi } = volumeSpec.safeParse(one.spec).data ?? {}
      return {
        ...(ref ? { claim: `${ref.namespace}/${ref.name}` } : {}),
        ...(csi ? { handle: csi.volumeHandle } : {}),
      }
    }
    case 'nodes':
      return { server: 'node-role.kubernetes.io/control-plane' in (one.metadata.labels ?? {}) }
    case 'pods': {
      const onDisk = diskPaths(one.spec)
      return onDisk.length > 0 ? { onDisk } : {}
    }
    case 'sealedsecrets.bitnami.com':
      return { opened: synced.safeParse(one.status).data?.conditions.some(isOpened) === true }
    case 'services':
      return { selects: Object.keys(service.safeParse(one.spec).data?.selector ?? {}).length > 0 }
    case 'datauploads.velero.io':
    case 'volumesnapshots.snapshot.storage.k8s.io':
    case 'volumesnapshotcontents.snapshot.storage.k8s.io':
      return { ofBackup }
    default: {
      const ready = isReady(one)
      return ready === undefined ? {} : { ready }
    }
  }
}

const workload = z.object({
  kind: z.enum(['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet', 'ReplicationController']),
  spec: z.object({ replicas: z.number().default(1) }),
  status: z
    .object({
      readyReplicas: z.number().default(0),
      numberReady: z.number().optional(),
      desiredNumberScheduled: z.number().optional(),
    })
    .prefault({}),
})

/** Whether all pods that a workload wants are ready; undefined for what has none. */
export function isReady(one: Manifest): boolean | undefined {
  const read = workload.safeParse(one).data
  if (!read) return undefined
  const { replicas } = read.spec
  const { readyReplicas, numberReady = 0, desiredNumberScheduled = 0 } = read.status
  return read.kind === 'DaemonSet' ? numberReady >= desiredNumberScheduled : readyReplicas >= replicas
}
