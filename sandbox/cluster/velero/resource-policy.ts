import { load } from 'js-yaml'
import type { Cluster } from '../cluster.ts'
import { unknownHere } from '../refusal.ts'
import { at, listAt, type Thing, textAt, textsAt, treeAt } from '../tree.ts'

/**
 * Whether a backup's resource policy skips a claim. Paper knows the conditions `pvcPhase` and `storageClass`.
 * @throws Refusal for any other policy, and where the ConfigMap is missing
 */
export function isSkippedByPolicy({ store }: Cluster, backup: Thing, claim: Thing): boolean {
  const name = textAt(backup, 'spec', 'resourcePolicy', 'name')
  if (!name) return false
  const texts = Object.values(treeAt(store.get('ConfigMap', 'velero', name), 'data'))
  if (texts.length !== 1) throw unknownHere(`illegal resource policies velero/${name} configmap`)
  const found = listAt(load(String(texts[0])), 'volumePolicies').find((policy) => {
    const conditions = treeAt(policy, 'conditions')
    const other = Object.keys(conditions).find((one) => one !== 'pvcPhase' && one !== 'storageClass')
    if (other) throw unknownHere(`Velero's volume policies with the condition ${other} are not known`)
    const fits = (field: string, value: string) =>
      at(conditions, field) === undefined || textsAt(conditions, field).includes(value)
    return (
      fits('pvcPhase', textAt(claim, 'status', 'phase') || 'Pending') &&
      fits('storageClass', textAt(claim, 'spec', 'storageClassName'))
    )
  })
  return textAt(found, 'action', 'type') === 'skip'
}
