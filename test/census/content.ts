import { at, type Thing } from './things.ts'

// What a person, or a program on their behalf, put into an object: everything but what the server, its controllers,
// Velero and Argo CD note for themselves. Written down here a second time on purpose: the judge shares nothing with the proof.

const noted = {
  labels: /^velero\.io\/(backup-name|restore-name|volume-snapshot-name|dynamic-pv-restore)$/,
  annotations:
    /^(pv|volume(\.beta)?|deployment|endpoints)\.kubernetes\.io\/|^kubectl\.kubernetes\.io\/last-applied-configuration$|^deprecated\.daemonset\.template\.generation$|^argocd\.argoproj\.io\/(tracking-id|refresh)$|^(backup\.)?velero\.io\//,
  finalizers:
    /^(kubernetes$|kubernetes\.io\/(pvc|pv)-protection$|external-|service\.kubernetes\.io\/|foregroundDeletion$)/,
}

/** Fields that the server fills in, by kind; each a path below the object. */
const filled: Record<string, string[][]> = {
  PersistentVolumeClaim: [
    ['spec', 'volumeName'],
    ['spec', 'dataSource'],
    ['spec', 'dataSourceRef'],
    ['spec', 'selector', 'matchLabels', 'velero.io/dynamic-pv-restore'],
  ],
  PersistentVolume: [
    ['spec', 'claimRef'],
    ['spec', 'csi', 'volumeHandle'],
    ['spec', 'csi', 'volumeAttributes'],
  ],
  ServiceAccount: [['secrets']],
  Namespace: [['spec']],
}

const takenOver = 'metadata.annotations.sealedsecrets.bitnami.com/managed'

/** The paths of all fields of a person in which two objects differ, such as `spec.replicas`; empty where none does. */
export function differences(before: Thing, after: Thing): string[] {
  const [one, other] = [fieldsOf(before), fieldsOf(after)]
  // A Secret that its SealedSecret is to take over says so; it had no need to while it was the controller’s own.
  if (!one.has(takenOver)) other.delete(takenOver)
  return [...new Set([...one.keys(), ...other.keys()])]
    .filter((path) => one.get(path) !== other.get(path))
    .sort()
}

/** Every leaf of an object's content by its path. */
function fieldsOf(thing: Thing): Map<string, string> {
  const fields = new Map<string, string>()
  walk('', ofAPerson(thing), fields)
  return fields
}

function walk(path: string, value: unknown, into: Map<string, string>): void {
  if (value === undefined || value === null) return
  if (typeof value !== 'object') return void into.set(path, JSON.stringify(value))
  const entries = Object.entries(value)
  // An empty list or object says no more than none.
  for (const [key, inner] of entries) walk(path ? `${path}.${key}` : key, inner, into)
}

function ofAPerson(thing: Thing): Record<string, unknown> {
  const { apiVersion: _, kind, status: __, metadata, ...body } = structuredClone(thing)
  const { labels = {}, annotations = {}, finalizers = [], ownerReferences = [] } = metadata
  const kept = (pairs: Record<string, string>, without: RegExp) =>
    Object.fromEntries(Object.entries(pairs).filter(([key]) => !without.test(key)))
  for (const path of filled[kind] ?? []) remove(body, path)
  // What the server fills in where nobody says otherwise.
  if (at(body, 'spec', 'volumeMode') === 'Filesystem') remove(body, ['spec', 'volumeMode'])
  if (kind === 'Service') plainService(body)
  return {
    ...body,
    metadata: {
      labels: kept(labels, noted.labels),
      annotations: kept(annotations, noted.annotations),
      finalizers: finalizers.filter((one) => !noted.finalizers.test(one)).sort(),
      ownerReferences: ownerReferences.map((one) => `${one.kind} ${one.name}`).sort(),
    },
  }
}

/** An address that the cluster drew is nobody's wish; `None` is one. Node ports are kept: others rely on them. */
function plainService(body: Record<string, unknown>): void {
  if (at(body, 'spec', 'clusterIP') !== 'None') {
    remove(body, ['spec', 'clusterIP'])
    remove(body, ['spec', 'clusterIPs'])
  }
  remove(body, ['spec', 'healthCheckNodePort'])
}

function remove(from: Record<string, unknown>, path: readonly string[]): void {
  const last = path.at(-1) ?? ''
  const holder = at(from, ...path.slice(0, -1))
  if (typeof holder === 'object' && holder !== null) delete (holder as Record<string, unknown>)[last]
}
