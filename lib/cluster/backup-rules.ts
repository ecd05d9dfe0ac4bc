/**
 * What stays out of every backup, by resource, with the reason: noise alone, nothing that a person could have made and
 * would miss. Everything else is in, of all namespaces, cluster-scoped objects too. Secrets that live in the kit stay out
 * by their label, {@link optOut}.
 */
export const noise: Readonly<Record<string, string>> = {
  events: 'of the earlier cluster: what happened there',
  'events.events.k8s.io': 'of the earlier cluster: what happened there',
  'leases.coordination.k8s.io': 'of the earlier cluster: who leads there',
  'csinodes.storage.k8s.io': 'of the earlier machines: each writes its own',
  'csistoragecapacities.storage.k8s.io': 'of the earlier machines: the driver writes its own',
  'volumeattachments.storage.k8s.io': 'of the earlier machines: what was plugged in where',
  'certificatesigningrequests.certificates.k8s.io': 'of the earlier cluster: signed and done',
  'ipaddresses.networking.k8s.io': 'of the earlier cluster: each Service gets a new one',
  'etcdsnapshotfiles.k3s.cattle.io': 'of the earlier machines: files on their disks',
  'addons.k3s.cattle.io': 'of the earlier machines: k3s writes its own',
  // Velero reads them from the bucket where they count. Uploads are a danger beside that: of those that a backup finds
  // in the cluster Velero restores every one, and refuses a claim that has two. This backup's own ones it takes along
  // nevertheless (FinalizeBackup in pkg/backup/backup.go, v1.18.1, asks for them as "must include").
  'backups.velero.io': 'Velero’s bookkeeping: read from the bucket',
  'restores.velero.io': 'Velero’s bookkeeping: of the earlier cluster',
  'datauploads.velero.io':
    'Velero’s bookkeeping: this backup’s own come along, those of others would mislead it',
  'datadownloads.velero.io': 'Velero’s bookkeeping: of the earlier cluster',
  'podvolumebackups.velero.io': 'Velero’s bookkeeping: of other backups',
  'podvolumerestores.velero.io': 'Velero’s bookkeeping: of the earlier cluster',
  'deletebackuprequests.velero.io': 'Velero’s bookkeeping: requests to the earlier cluster',
  'downloadrequests.velero.io': 'Velero’s bookkeeping: requests to the earlier cluster',
  'serverstatusrequests.velero.io': 'Velero’s bookkeeping: requests to the earlier cluster',
  'backuprepositories.velero.io': 'Velero’s bookkeeping: read from the bucket',
}

/** What Velero itself adds to every list of what stays out (`backup_controller.go`, v1.18.1). */
export const leftOutByVelero: Readonly<Record<string, string>> = {
  'volumesnapshots.snapshot.storage.k8s.io': 'Velero takes along its own alone',
  'volumesnapshotcontents.snapshot.storage.k8s.io': 'Velero takes along its own alone',
}

/** The label that keeps an object, or a namespace with all that is in it, out of backups when it says `true`. */
export const optOut = 'velero.io/exclude-from-backup'

/**
 * The ConfigMap in Velero's namespace by which every backup passes over the volumes of claims that have none. Without it
 * Velero counts such a claim as an error (`volume_policy_helper.go`, v1.18.3), and one claim that waits would keep every
 * backup from being whole. The claim itself is in the backup.
 */
export const unboundClaims = 'regrow-unbound-claims'

/** What that ConfigMap says (Velero's `volume_resources.go`; `pvcPhase` is known since v1.18). */
export const passedOver = {
  version: 'v1',
  volumePolicies: [{ conditions: { pvcPhase: ['Pending', 'Lost'] }, action: { type: 'skip' } }],
}

/**
 * How long all copies of a backup or a restore may take together, as Velero's flag has it. It copies one volume after
 * the other, counts from the beginning, and gives up after four hours by itself (`config.go`, v1.18.3).
 */
export const copyTimeout = '24h'

/** The words with which `velero backup create` asks for the same as the Schedule of the repository does. */
export const everything: readonly string[] = [
  '--include-cluster-resources=true',
  '--exclude-resources',
  Object.keys(noise).join(','),
  '--resource-policies-configmap',
  unboundClaims,
  '--item-operation-timeout',
  copyTimeout,
]
