import { excludedNamespaces } from '../gitops/render.ts'

const made = 'made anew by Kubernetes'
const git = 'comes from Git, once the data is back'
const fromChart = 'comes with the platform'

/**
 * What a restore leaves out, by resource, and why. Everything else comes back: what is kept was chosen by the backup.
 * Workloads wait until the data is proven; those that Git does not bring are brought back then.
 */
export const leftOut: Readonly<Record<string, string>> = {
  pods: 'made anew by what runs them',
  'replicasets.apps': 'made anew by their Deployments',
  'controllerrevisions.apps': made,
  'jobs.batch': 'not run a second time',
  endpoints: made,
  'endpointslices.discovery.k8s.io': made,
  events: 'of the earlier cluster',
  'events.events.k8s.io': 'of the earlier cluster',
  'leases.coordination.k8s.io': made,
  'certificatesigningrequests.certificates.k8s.io': 'of the earlier cluster',
  'volumeattachments.storage.k8s.io': made,
  'csinodes.storage.k8s.io': made,
  nodes: 'of the earlier cluster',
  'csistoragecapacities.storage.k8s.io': made,
  'csidrivers.storage.k8s.io': fromChart,
  'storageclasses.storage.k8s.io': fromChart,
  'apiservices.apiregistration.k8s.io': fromChart,
  'validatingwebhookconfigurations.admissionregistration.k8s.io': git,
  'mutatingwebhookconfigurations.admissionregistration.k8s.io': git,
  'applications.argoproj.io': git,
  'applicationsets.argoproj.io': git,
  'appprojects.argoproj.io': git,
  'addons.k3s.cattle.io': made,
  'etcdsnapshotfiles.k3s.cattle.io': 'of the earlier cluster',
  'helmcharts.helm.cattle.io': made,
  'helmchartconfigs.helm.cattle.io': made,
}

/** Workloads: they come after the data. */
export const workloads = [
  'deployments.apps',
  'statefulsets.apps',
  'daemonsets.apps',
  'cronjobs.batch',
  // Restored before Git brings it, its Secret would be one that the controller refuses to manage.
  'sealedsecrets.bitnami.com',
] as const

/** The words with which `velero restore create` leaves all of that out. */
export const restorable: readonly string[] = [
  '--include-cluster-resources=true',
  '--exclude-namespaces',
  excludedNamespaces.join(','),
  '--exclude-resources',
  [...Object.keys(leftOut), ...workloads].join(','),
]
