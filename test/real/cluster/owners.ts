import type { KubeObject } from '../parts/kubectl.ts'

/**
 * The fields of an object that two managers own, with them. Left out: what Argo CD owns twice by itself, as it writes
 * roles and bindings with `kubectl auth reconcile` (manager `argocd`) before it applies them (`argocd-controller`).
 */
export function doubleOwners({ kind, metadata }: KubeObject): string[] {
  const owners = new Map<string, Set<string>>()
  for (const { manager, subresource, fieldsV1 } of metadata.managedFields ?? [])
    if (!subresource)
      for (const field of leaves(fieldsV1)) owners.set(field, (owners.get(field) ?? new Set()).add(manager))
  const isRole = /^(Cluster)?Role(Binding)?$/.test(kind)
  return [...owners].flatMap(([field, managers]) => {
    const names = [...managers].sort().join(', ')
    const twice = managers.size > 1 && !(isRole && names === 'argocd, argocd-controller')
    return twice ? [`${kind} ${metadata.namespace ?? ''}/${metadata.name} ${field}: ${names}`] : []
  })
}

/** Paths of `fieldsV1` (FieldsV1 of apimachinery): keys `f:name`, `k:{...}`, `v:...`; `.` stands for the field itself. */
function leaves(fields: object, at = ''): string[] {
  return Object.entries(fields).flatMap(([key, below]: [string, object]) => {
    if (key === '.') return []
    return Object.keys(below).length === 0 ? [`${at}/${key}`] : leaves(below, `${at}/${key}`)
  })
}
