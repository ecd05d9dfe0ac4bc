import { at, listAt, type Thing, type Tree, textAt, textsAt, treeAt } from './tree.ts'

/** One kind that the API knows. */
export interface Kind {
  group: string
  version: string
  kind: string
  plural: string
  namespaced: boolean
  short: string[]
  categories: string[]
  /** True when `status` is written through its own path only. */
  ownStatus: boolean
  /** Printed columns of a custom resource: name and path. */
  columns: { name: string; path: string; type: string }[]
}

// apiVersion, kind, plural, short names (- for none), C when it belongs to the cluster.
const builtin = `
v1 Namespace namespaces ns C
v1 Node nodes no C
v1 PersistentVolume persistentvolumes pv C
v1 PersistentVolumeClaim persistentvolumeclaims pvc
v1 Pod pods po
v1 Service services svc
v1 Endpoints endpoints ep
v1 Secret secrets -
v1 ConfigMap configmaps cm
v1 ServiceAccount serviceaccounts sa
v1 Event events ev
v1 ResourceQuota resourcequotas quota
v1 LimitRange limitranges limits
apps/v1 Deployment deployments deploy
apps/v1 StatefulSet statefulsets sts
apps/v1 DaemonSet daemonsets ds
apps/v1 ReplicaSet replicasets rs
apps/v1 ControllerRevision controllerrevisions -
batch/v1 Job jobs -
batch/v1 CronJob cronjobs cj
autoscaling/v2 HorizontalPodAutoscaler horizontalpodautoscalers hpa
policy/v1 PodDisruptionBudget poddisruptionbudgets pdb
networking.k8s.io/v1 Ingress ingresses ing
networking.k8s.io/v1 IngressClass ingressclasses - C
networking.k8s.io/v1 NetworkPolicy networkpolicies netpol
rbac.authorization.k8s.io/v1 ClusterRole clusterroles - C
rbac.authorization.k8s.io/v1 ClusterRoleBinding clusterrolebindings - C
rbac.authorization.k8s.io/v1 Role roles -
rbac.authorization.k8s.io/v1 RoleBinding rolebindings -
storage.k8s.io/v1 StorageClass storageclasses sc C
storage.k8s.io/v1 CSIDriver csidrivers - C
storage.k8s.io/v1 CSINode csinodes - C
storage.k8s.io/v1 VolumeAttachment volumeattachments - C
scheduling.k8s.io/v1 PriorityClass priorityclasses pc C
coordination.k8s.io/v1 Lease leases -
discovery.k8s.io/v1 EndpointSlice endpointslices -
admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration validatingwebhookconfigurations - C
admissionregistration.k8s.io/v1 MutatingWebhookConfiguration mutatingwebhookconfigurations - C
admissionregistration.k8s.io/v1 ValidatingAdmissionPolicy validatingadmissionpolicies - C
admissionregistration.k8s.io/v1 ValidatingAdmissionPolicyBinding validatingadmissionpolicybindings - C
apiregistration.k8s.io/v1 APIService apiservices - C
apiextensions.k8s.io/v1 CustomResourceDefinition customresourcedefinitions crd,crds C
`

/** The kinds of one cluster: the built-in ones, and those of its CustomResourceDefinitions. */
export class Kinds {
  readonly #builtin: Kind[] = builtin.trim().split('\n').map(fromLine)
  readonly #custom = new Map<string, Kind[]>()
  #all = this.#builtin

  all(): readonly Kind[] {
    return this.#all
  }

  ofObject(apiVersion: string, kind: string): Kind | undefined {
    return this.all().find((one) => one.kind === kind && apiVersionOf(one) === apiVersion)
  }

  ofPath(group: string, version: string, plural: string): Kind | undefined {
    return this.all().find((one) => one.plural === plural && one.group === group && one.version === version)
  }

  /** A kind by its name alone; for this sandbox's own code, which knows that it exists. */
  named(kind: string): Kind {
    const found = this.all().find((one) => one.kind === kind)
    if (!found) throw new Error(`the paper cluster knows no kind ${kind}`)
    return found
  }

  has(kind: string): boolean {
    return this.all().some((one) => one.kind === kind)
  }

  define(definition: Thing): void {
    this.#custom.set(definition.metadata.name, fromDefinition(definition))
    this.#all = [...this.#builtin, ...[...this.#custom.values()].flat()]
  }

  forget(definition: string): void {
    this.#custom.delete(definition)
    this.#all = [...this.#builtin, ...[...this.#custom.values()].flat()]
  }
}

/** `v1` or `apps/v1`. */
export function apiVersionOf({ group, version }: Kind): string {
  return group ? `${group}/${version}` : version
}

/** `pods` or `deployments.apps`: how messages and backups name a resource. */
export function resourceOf({ group, plural }: Kind): string {
  return group ? `${plural}.${group}` : plural
}

function fromLine(line: string): Kind {
  const [apiVersion = '', kind = '', plural = '', short = '-', scope] = line.split(' ')
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion]
  return {
    group: group ?? '',
    version: version ?? '',
    kind,
    plural,
    namespaced: scope !== 'C',
    short: short === '-' ? [] : short.split(','),
    categories: /^(Pod|Service|Deployment|StatefulSet|DaemonSet|Job|CronJob)$/.test(kind) ? ['all'] : [],
    ownStatus: true,
    columns: [],
  }
}

function fromDefinition({ spec }: Thing): Kind[] {
  const names = treeAt(spec, 'names')
  return listAt(spec, 'versions')
    .filter((version) => version.served !== false)
    .map((version) => ({
      group: textAt(spec, 'group'),
      version: textAt(version, 'name'),
      kind: textAt(names, 'kind'),
      plural: textAt(names, 'plural'),
      namespaced: textAt(spec, 'scope') === 'Namespaced',
      short: textsAt(names, 'shortNames'),
      categories: textsAt(names, 'categories'),
      ownStatus: at(version, 'subresources', 'status') !== undefined,
      columns: listAt(version, 'additionalPrinterColumns').map(column),
    }))
}

const column = (from: Tree) => ({
  name: textAt(from, 'name'),
  path: textAt(from, 'jsonPath'),
  type: textAt(from, 'type'),
})
