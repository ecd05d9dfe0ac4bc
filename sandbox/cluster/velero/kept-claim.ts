import { type Thing, textAt, treeAt } from '../tree.ts'

const stale = ['velero.io/restore-name', 'velero.io/volume-snapshot-name']

/** A bound claim as Velero keeps it: without its source, its selector and the labels of earlier restores and backups. */
export function cleaned(claim: Thing, backup: string): Thing {
  if (textAt(claim, 'status', 'phase') !== 'Bound' || !textAt(claim, 'spec', 'volumeName')) return claim
  const { dataSource: _source, dataSourceRef: _reference, selector, ...spec } = treeAt(claim, 'spec')
  const isStatic = spec.storageClassName === ''
  const labels = Object.entries(claim.metadata.labels ?? {}).filter(
    ([key, value]) => !stale.includes(key) && !(key === 'velero.io/backup-name' && value !== backup),
  )
  return {
    ...claim,
    metadata: { ...claim.metadata, labels: Object.fromEntries(labels) },
    spec: { ...spec, ...(isStatic && selector ? { selector } : {}) },
  }
}

/** The same with what Velero's action for CSI volumes writes on it: its snapshot, and its upload where it is moved. */
export function marked(claim: Thing, backup: string, snapshot: string, upload?: string): Thing {
  const { labels, annotations } = claim.metadata
  return {
    ...claim,
    metadata: {
      ...claim.metadata,
      labels: { ...labels, 'velero.io/volume-snapshot-name': snapshot, 'velero.io/backup-name': backup },
      annotations: {
        ...annotations,
        'velero.io/volume-snapshot-name': snapshot,
        ...(upload ? { 'velero.io/data-upload-name': `velero/${upload}` } : {}),
      },
    },
  }
}
