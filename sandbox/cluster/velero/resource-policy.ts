import { load } from 'js-yaml'
import type { Cluster } from '../cluster.ts'
import { Refusal } from '../refusal.ts'
import { at, listAt, type Thing, textAt, textsAt, treeAt } from '../tree.ts'

/** Whether a backup has a resource policy; Velero takes no notice of one that is no ConfigMap. */
const hasPolicy = (backup: Thing) =>
  textAt(backup, 'spec', 'resourcePolicy', 'kind').toLowerCase() === 'configmap'

/** What Velero says instead of beginning a backup whose resource policy cannot be used; undefined where it can. */
export function policyObjection({ store }: Cluster, backup: Thing): string | undefined {
  if (!hasPolicy(backup)) return undefined
  const name = textAt(backup, 'spec', 'resourcePolicy', 'name')
  const policy = store.find('ConfigMap', 'velero', name)
  const why = policy
    ? faultOf(policy)
    : `fail to get ResourcePolicies velero/${name} ConfigMap: ConfigMap "${name}" not found`
  return why && `invalid resource policies: ${why}`
}

/** Paper knows volumes that are skipped by the phase of their claim, nothing else. */
function faultOf(policy: Thing): string | undefined {
  const texts = Object.values(treeAt(policy, 'data'))
  if (texts.length !== 1) return `illegal resource policies velero/${policy.metadata.name} configmap`
  const { version, volumePolicies: _known, ...others } = treeAt({ read: load(String(texts[0])) }, 'read')
  const policies = policiesOf(policy)
  const unknown = [
    ...Object.keys(others),
    ...policies.flatMap(({ conditions: _conditions, action: _action, ...more }) => Object.keys(more)),
    ...policies.flatMap((one) => Object.keys(treeAt(one, 'conditions'))).filter((one) => one !== 'pvcPhase'),
    ...policies.flatMap((one) => Object.keys(treeAt(one, 'action'))).filter((one) => one !== 'type'),
    ...policies.map((one) => textAt(one, 'action', 'type')).filter((one) => one !== 'skip'),
  ]
  if (unknown.length > 0) return `paper knows nothing of ${unknown.join(', ')} in a resource policy`
  return version === 'v1' ? undefined : `incompatible version number ${version} with supported version v1`
}

const policiesOf = (policy: Thing) =>
  listAt(load(String(Object.values(treeAt(policy, 'data'))[0])), 'volumePolicies')

/** Whether a backup's resource policy skips a claim. @throws Refusal where the claim names a volume that is not there */
export function isSkippedByPolicy({ store }: Cluster, backup: Thing, claim: Thing): boolean {
  if (!hasPolicy(backup)) return false
  const volume = textAt(claim, 'spec', 'volumeName')
  if (volume) store.get('PersistentVolume', undefined, volume)
  const phase = textAt(claim, 'status', 'phase') || 'Pending'
  return policiesOf(store.get('ConfigMap', 'velero', textAt(backup, 'spec', 'resourcePolicy', 'name'))).some(
    ({ conditions }) =>
      at(conditions, 'pvcPhase') === undefined || textsAt(conditions, 'pvcPhase').includes(phase),
  )
}

/**
 * Asks for the claims of a pod, and for that of a volume that is none of a CSI driver, as Velero does where there is a
 * resource policy (v1.18.3, `ShouldPerformFSBackup` and `takePVSnapshot`).
 * @throws Refusal where one is not there: the object is not in the backup then
 */
export function askForClaims({ store }: Cluster, backup: Thing, { kind, metadata, spec }: Thing): void {
  if (!hasPolicy(backup)) return
  if (kind === 'Pod')
    for (const volume of listAt(spec, 'volumes')) {
      const name = textAt(volume, 'persistentVolumeClaim', 'claimName')
      if (name && !store.find('PersistentVolumeClaim', metadata.namespace, name))
        throw new Refusal(
          404,
          'NotFound',
          `failed to get PVC ${name} for Volume ${metadata.namespace}/${volume.name}: persistentvolumeclaims "${name}" not found`,
        )
    }
  if (kind !== 'PersistentVolume' || at(spec, 'csi') || at(backup, 'spec', 'snapshotVolumes') === false)
    return
  const name = textAt(spec, 'claimRef', 'name')
  if (name) store.get('PersistentVolumeClaim', textAt(spec, 'claimRef', 'namespace'), name)
}
