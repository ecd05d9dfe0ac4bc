import { copyTimeout } from '../../cluster/backup-rules.ts'

/**
 * Kinds that Velero leaves to what comes behind the data. Workloads, and what commands them, wait until the data is
 * proven; what the cluster makes by itself must not be in its way.
 */
const later = [
  // Workloads, and what owns or makes them.
  'deployments.apps',
  'statefulsets.apps',
  'daemonsets.apps',
  'cronjobs.batch',
  'replicasets.apps',
  'replicationcontrollers',
  'applications.argoproj.io',
  'applicationsets.argoproj.io',
  'appprojects.argoproj.io',
  // Restored before its SealedSecret is there, a Secret would be one that the controller refuses to manage.
  'sealedsecrets.bitnami.com',
  // What refuses or answers in the API server's place, once its own server runs.
  'validatingwebhookconfigurations.admissionregistration.k8s.io',
  'mutatingwebhookconfigurations.admissionregistration.k8s.io',
  'validatingadmissionpolicies.admissionregistration.k8s.io',
  'validatingadmissionpolicybindings.admissionregistration.k8s.io',
  'mutatingadmissionpolicies.admissionregistration.k8s.io',
  'mutatingadmissionpolicybindings.admissionregistration.k8s.io',
  'apiservices.apiregistration.k8s.io',
  // A schedule would begin a backup of what is half there.
  'schedules.velero.io',
  'backupstoragelocations.velero.io',
  'volumesnapshotlocations.velero.io',
  // Followers of Services: those without a selector come by name.
  'endpoints',
  'endpointslices.discovery.k8s.io',
] as const

/** Kinds of what is over or belongs to a machine: never made again from a backup. */
const never = [
  'pods',
  'jobs.batch',
  'controllerrevisions.apps',
  'nodes',
  'events',
  'events.events.k8s.io',
  'leases.coordination.k8s.io',
  'certificatesigningrequests.certificates.k8s.io',
  'volumeattachments.storage.k8s.io',
  'csinodes.storage.k8s.io',
  'csistoragecapacities.storage.k8s.io',
  'ipaddresses.networking.k8s.io',
  'addons.k3s.cattle.io',
  'etcdsnapshotfiles.k3s.cattle.io',
] as const

/** Whether objects of a resource wait until the data is proven. */
export const comesLater = (resource: string) => (later as readonly string[]).includes(resource)

/** Whether objects of a resource are never made from a backup. */
export const isNeverMade = (resource: string) => (never as readonly string[]).includes(resource)

/** Whether objects of a resource come back before Git and apps are at work. */
export const isBeforeGit = (resource: string) => !comesLater(resource) && !isNeverMade(resource)

/**
 * How many files the data mover fetches at once. By default one a processor: on a droplet with one, every small file would
 * wait for the object store alone.
 */
export const filesAtOnce: readonly string[] = ['--parallel-files-download', '8']

/** The words with which `velero restore create` leaves all of that out, and asks for everything else. */
export const restorable: readonly string[] = [
  '--include-cluster-resources=true',
  '--preserve-nodeports=true',
  '--exclude-resources',
  [...later, ...never].join(','),
  '--item-operation-timeout',
  copyTimeout,
  ...filesAtOnce,
]

/** In which order objects come that Velero left: what others need first, what may refuse others last. */
const order: readonly RegExp[] = [
  /^customresourcedefinitions\./,
  /^namespaces$/,
  /^(priorityclasses|storageclasses|volumesnapshotclasses|ingressclasses|runtimeclasses)\./,
  /^(serviceaccounts|secrets|configmaps)$/,
  /\.rbac\.authorization\.k8s\.io$/,
  /^(services|endpoints|endpointslices\..*)$/,
  /^(appprojects\.argoproj\.io)$/,
  /^(deployments|statefulsets|daemonsets|replicasets)\.apps$|^replicationcontrollers$|^cronjobs\.batch$|^sealedsecrets\./,
]
const last: readonly RegExp[] = [
  /^(applications|applicationsets)\.argoproj\.io$/,
  /\.velero\.io$/,
  /^apiservices\./,
  /\.admissionregistration\.k8s\.io$/,
]

/** Ranks a resource: lower ones come first. */
export function rankOf(resource: string): number {
  const first = order.findIndex((one) => one.test(resource))
  if (first >= 0) return first
  const end = last.findIndex((one) => one.test(resource))
  return order.length + 1 + end
}

/** What may refuse other objects: it comes when all else is there. */
export const mayRefuse = (resource: string) =>
  /^apiservices\.|\.admissionregistration\.k8s\.io$/.test(resource)

/** What acts without being asked, on Git, on the API server or on the backups: not beside the original. */
export const actsByItself = (resource: string) =>
  mayRefuse(resource) ||
  /^(applications|applicationsets)\.argoproj\.io$/.test(resource) ||
  /^(schedules|backupstoragelocations|volumesnapshotlocations)\.velero\.io$/.test(resource)
