import { z } from 'zod'

/** An object of a backup, as far as it matters whether Git still wants it. */
export interface HeldObject {
  /** `deployments.apps`, as Velero and kubectl call it. */
  resource: string
  /** `namespace/name`, or the name alone. */
  id: string
  group: string
  kind: string
  namespace: string | undefined
  name: string
  /** The Application that brought it: Argo CD's tracking annotation names the object itself. */
  app: string | undefined
  /** Argo CD leaves it in the cluster when it leaves Git. */
  stays: boolean
  /** Something else made it, and would again. */
  owned: boolean
  /** What a claim asks for, such as `2Gi`. */
  storage?: string
  /** Of an Application. */
  spec?: unknown
}

/** Argo CD's annotation: `<application>:<group>/<Kind>:<namespace>/<name>`. */
export const trackingId = 'argocd.argoproj.io/tracking-id'

/** An object of any kind, as a backup's tarball holds it. */
interface Manifest {
  apiVersion: string
  kind: string
  metadata: {
    name: string
    namespace?: string | undefined
    annotations?: Record<string, string> | undefined
    ownerReferences?: unknown[] | undefined
  }
  spec?: unknown
}

const claim = z.object({ resources: z.object({ requests: z.object({ storage: z.string() }) }) })

/** What is kept in mind of an object of a backup. @param resource as Velero calls it, such as `deployments.apps` */
export function heldObject(resource: string, one: Manifest): HeldObject {
  const { name, namespace, annotations = {}, ownerReferences = [] } = one.metadata
  const group = groupOf(one.apiVersion)
  const storage = resource === 'persistentvolumeclaims' ? claim.safeParse(one.spec).data : undefined
  return {
    resource,
    id: namespace ? `${namespace}/${name}` : name,
    group,
    kind: one.kind,
    namespace,
    name,
    app: trackedBy(one, group),
    stays: staysWithoutGit(annotations),
    owned: ownerReferences.length > 0,
    ...(storage ? { storage: storage.resources.requests.storage } : {}),
    ...(resource === 'applications.argoproj.io' ? { spec: one.spec } : {}),
  }
}

/** `apps` of `apps/v1`; nothing of `v1`. */
export const groupOf = (apiVersion: string): string =>
  apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : ''

/**
 * The Application whose tracking annotation names the object itself, and was not copied from another. What belongs to no
 * namespace carries that of its Application's destination (Argo CD `util/argo/resource_tracking.go`).
 */
function trackedBy({ kind, metadata }: Manifest, group: string): string | undefined {
  // A name may hold colons.
  const [app = '', what = '', ...where] = (metadata.annotations?.[trackingId] ?? '').split(':')
  const [namespace = '', ...name] = where.join(':').split('/')
  const isItself =
    what === `${group}/${kind}` &&
    name.join('/') === metadata.name &&
    (metadata.namespace === undefined || metadata.namespace === namespace)
  return isItself && app !== '' ? app : undefined
}

/** Hooks are not pruned either. */
function staysWithoutGit(annotations: Record<string, string>): boolean {
  const options = (annotations['argocd.argoproj.io/sync-options'] ?? '').split(',').map((one) => one.trim())
  return (
    options.includes('Prune=false') ||
    options.includes('Prune=confirm') ||
    annotations['argocd.argoproj.io/hook'] !== undefined
  )
}
