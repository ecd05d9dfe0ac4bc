import type { Live } from './live.ts'

/** For each resource the keys of what, in the end, owns some object of it in the cluster. */
export function rootsOf({ objects }: Live): Map<string, Set<string>> {
  const byUid = new Map<string, { key: string; owners: readonly string[] }>()
  for (const [resource, all] of objects)
    for (const [id, { uid, owners }] of all) byUid.set(uid, { key: `${resource} ${id}`, owners })
  const found = new Map<string, Set<string>>()
  for (const [resource, all] of objects) {
    const roots = new Set<string>()
    for (const { owners } of all.values()) {
      const seen = new Set<string>()
      let next = owners
      while (next.length > 0) {
        const [uid = '', ...others] = next
        const owner = seen.has(uid) ? undefined : byUid.get(uid)
        seen.add(uid)
        if (owner) roots.add(owner.key)
        next = [...others, ...(owner?.owners ?? [])]
      }
    }
    found.set(resource, roots)
  }
  return found
}
