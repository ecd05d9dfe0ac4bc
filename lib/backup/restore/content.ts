import { createHash } from 'node:crypto'
import type { Manifest } from '../tarball.ts'

/** Labels and annotations that clusters, Velero and tools write by themselves: nobody's data. */
const machines =
  /^(velero\.io\/|argocd\.argoproj\.io\/(tracking-id|refresh|hydrate)|kubectl\.kubernetes\.io\/last-applied|pv\.kubernetes\.io\/|volume\.(beta\.)?kubernetes\.io\/|deployment\.kubernetes\.io\/revision|deprecated\.daemonset|control-plane\.alpha|endpoints\.kubernetes\.io\/|kubernetes\.io\/metadata\.name|objectset\.rio\.cattle\.io\/|regrow\.dev\/|meta\.helm\.sh\/|sealedsecrets\.bitnami\.com\/managed)/

type Tree = Record<string, unknown>
const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Keys of a spec that the cluster fills in by itself, by kind. */
const filledIn: Readonly<Record<string, readonly string[]>> = {
  Service: ['clusterIP', 'clusterIPs', 'healthCheckNodePort', 'ipFamilies', 'ipFamilyPolicy'],
  PersistentVolumeClaim: ['volumeName', 'dataSource', 'dataSourceRef', 'selector'],
  Namespace: ['finalizers'],
  Node: ['podCIDR', 'podCIDRs', 'providerID', 'unschedulable'],
}

/**
 * What a person put into an object: all its fields but its name, its status and what clusters fill in by themselves.
 * Two objects with the same content are the same to whoever made them.
 */
export function contentOf(one: Manifest): Tree {
  const { apiVersion: _, kind, metadata: __, status: ___, ...body } = one
  const content: Tree = {}
  for (const [key, value] of Object.entries(body)) {
    if (value === null || (isTree(value) && Object.keys(value).length === 0)) continue
    if (kind === 'ServiceAccount' && key === 'secrets') continue
    content[key] = key === 'spec' && isTree(value) ? without(value, filledIn[kind] ?? [], kind) : value
  }
  return content
}

function without(spec: Tree, names: readonly string[], kind: string): Tree {
  const kept = Object.entries(spec).filter(
    // Headless is a person's word, an address the cluster's.
    ([key, value]) => !names.includes(key) || (kind === 'Service' && key === 'clusterIP' && value === 'None'),
  )
  return Object.fromEntries(kept)
}

/** The labels and annotations of an object that a person or a chart gave it. */
export function marksOf({ metadata }: Manifest): Tree {
  const own = (from: Record<string, string> | undefined) =>
    Object.fromEntries(Object.entries(from ?? {}).filter(([key]) => !machines.test(key)))
  return { labels: own(metadata.labels), annotations: own(metadata.annotations) }
}

/** SHA-256 of a value's JSON with sorted keys. */
export const digestOf = (value: unknown): string =>
  createHash('sha256')
    .update(JSON.stringify(sorted(value)))
    .digest('hex')

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (!isTree(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, one]) => [key, sorted(one)]),
  )
}

/**
 * Where an object differs from what a backup holds, in a line: `spec.replicas is 1, was 3`. Values of Secrets are never
 * shown. Empty when nothing of a person's differs.
 */
export function differenceOf(now: Manifest, was: Manifest): string {
  const secret = was.kind === 'Secret'
  const found = [
    ...differences(contentOf(now), contentOf(was), ''),
    ...differences(marksOf(now), marksOf(was), 'metadata.'),
  ]
  const shown = found
    .slice(0, 3)
    .map(({ path, is, before }) =>
      secret || /^(data|binaryData|stringData)\b/.test(path)
        ? `${path} differs`
        : `${path} is ${brief(is)}, was ${brief(before)}`,
    )
  return [...shown, ...(found.length > 3 ? [`${found.length - 3} more`] : [])].join('; ')
}

interface Difference {
  path: string
  is: unknown
  before: unknown
}

function differences(now: unknown, was: unknown, path: string): Difference[] {
  if (isTree(now) && isTree(was))
    return [...new Set([...Object.keys(was), ...Object.keys(now)])].flatMap((key) =>
      differences(now[key], was[key], path === '' || path.endsWith('.') ? `${path}${key}` : `${path}.${key}`),
    )
  return digestOf(now ?? null) === digestOf(was ?? null) ? [] : [{ path, is: now, before: was }]
}

function brief(value: unknown): string {
  if (value === undefined) return 'not there'
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > 40 ? `${text.slice(0, 37)}...` : text
}
