export type Json = Record<string, unknown>
/** An object of a cluster. */
export interface Thing {
  kind: string
  metadata: { namespace?: string; name: string }
}

// The published normaliser, whole: what may differ between two worlds that are equal. At most 40 lines, held by a test.

/** A text without ids, times, key material and addresses. */
export function normal(text: string): string {
  return text
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<uuid>')
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, '<time>')
    .replace(/127\.\d+\.\d+\.\d+/g, '<address>')
    .replace(/DO00[0-9A-F]{16}/g, '<access key>')
    .replace(/ssh-ed25519 \S+/g, '<public key>')
    .replace(/"(secret_key|fingerprint)":"[^"]+"/g, '"$1":"<made>"')
    .replace(/-velero-\d+"/g, '-velero-<n>"')
    .replace(/-[0-9a-f]{10}-(velero|kit)/g, '-<team>-$1')
    .replace(/"(born|id|ended)":\d+/g, '"$1":0')
    .replace(/\b4000\d{5}\b/g, '<id>')
}

/** Without what only the account's own clock or counters put there, and with lists in one order. */
export function tidy({ userData: _, updated_at: __, ...thing }: Json): Json {
  const resources = thing.resources as Json[] | undefined
  return resources ? { ...thing, resources: resources.map((one) => normal(String(one.urn))).sort() } : thing
}

/** Objects that flows and Git made, by name; what Kubernetes itself names by chance, or makes and drops, is left out. */
export function nameOf({ kind, metadata: { namespace = '', name } }: Thing): string | undefined {
  const passing =
    /^(Event|Pod|ReplicaSet|ControllerRevision|EndpointSlice|Lease|PersistentVolume|VolumeAttachment)$/
  if (passing.test(kind)) return undefined
  const known = /^Data(Up|Down)load$/.test(kind) ? name.replace(/-[a-z0-9]{5}$/, '-<chance>') : name
  return `cluster ${kind} ${namespace}/${normal(known)}`
}
