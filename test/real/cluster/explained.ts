import type { KubeObject } from '../parts/kubectl.ts'

/**
 * The objects that nothing in Git explains, as `Kind namespace/name`. Explained are: what an Application lists among its
 * resources, the namespace it makes, and what these own; what Kubernetes makes by itself; volumes of claims and what
 * Velero keeps of its copies.
 */
export function unexplained(objects: readonly KubeObject[]): string[] {
  const apps = objects.filter(({ kind }) => kind === 'Application')
  const listed = new Set(
    apps.flatMap(({ status }) =>
      ((status?.resources ?? []) as Listed[]).map((one) => keyOf(one.kind, one.namespace, one.name)),
    ),
  )
  for (const { spec } of apps) {
    const { destination, syncPolicy } = spec as unknown as Spec
    if (syncPolicy?.syncOptions?.includes('CreateNamespace=true'))
      listed.add(keyOf('Namespace', undefined, destination.namespace))
  }
  // The two that the node and the operator's side apply stand in Git as well, below applications/.
  for (const name of ['platform', 'root']) listed.add(keyOf('Application', 'argocd', name))
  return objects
    .filter((one) => !listed.has(keyOf(one.kind, one.metadata.namespace, one.metadata.name)))
    .filter((one) => !one.metadata.ownerReferences && !isKubernetesOwn(one))
    .filter(({ kind }) => !/^(PersistentVolume|VolumeSnapshotContent|BackupRepository)$/.test(kind))
    .map(({ kind, metadata }) => keyOf(kind, metadata.namespace, metadata.name))
    .sort()
}

interface Listed {
  kind: string
  namespace?: string
  name: string
}
interface Spec {
  destination: { namespace: string }
  syncPolicy?: { syncOptions?: string[] }
}

const keyOf = (kind: string, namespace: string | undefined, name: string) =>
  `${kind} ${namespace ? `${namespace}/` : ''}${name}`

function isKubernetesOwn({ kind, metadata }: KubeObject): boolean {
  const { labels = {}, annotations = {} } = metadata as Record<string, Record<string, string> | undefined>
  if ('kubernetes.io/bootstrapping' in labels || 'apf.kubernetes.io/autoupdate-spec' in annotations)
    return true
  if (kind === 'ServiceAccount') return metadata.name === 'default' || metadata.namespace === 'kube-system'
  if (/^(Node|CSINode|APIService|IPAddress|ServiceCIDR|Endpoints|EndpointSlice)$/.test(kind)) return true
  if (kind === 'Namespace' && /^(default|kube-.*)$/.test(metadata.name)) return true
  const managers = (metadata.managedFields ?? []).map(({ manager }) => manager)
  return managers.length > 0 && managers.every((one) => /^kube-(apiserver|controller-manager)$/.test(one))
}
