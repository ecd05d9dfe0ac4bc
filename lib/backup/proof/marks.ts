import { dump } from 'js-yaml'
import { z } from 'zod'
import { tell } from '../../base/story.ts'
import { kubectlRepeated } from '../../kubernetes/repeated.ts'
import { marksOf } from '../restore/content.ts'
import { eachObject, type Manifest } from '../tarball.ts'
import type { Sight } from './outcome.ts'
import type { Returning } from './sight.ts'

const texts = z.record(z.string(), z.string()).default({})
const taint = z.looseObject({ key: z.string(), effect: z.string() })
const node = z.object({
  metadata: z.object({ name: z.string(), labels: texts, annotations: texts }),
  spec: z.object({ taints: z.array(taint).default([]) }).prefault({}),
})
const marked = z.object({
  metadata: z.object({ name: z.string(), labels: texts, annotations: texts }),
})

/** Labels that the kubelet, k3s and the CSI driver give a node by themselves; another node has its own, or none. */
const machines =
  /^((beta\.)?kubernetes\.io\/(arch|os|hostname)$|(beta|node)\.kubernetes\.io\/instance-type$|node-role\.kubernetes\.io\/(control-plane|master|etcd)$|(egress\.)?k3s\.io\/|p2p\.k3s\.cattle\.io\/|regrow\.dev\/|csi\.volume\.kubernetes\.io\/|topology\.[^/]*csi)/
/** Annotations that Kubernetes, k3s and its network give a node. */
const programs = /(^|\.)(kubernetes\.io|k8s\.io|k3s\.io|cattle\.io|coreos\.com|regrow\.dev)\//
/** Taints that come and go with a node's state. */
const states = /^(node\.kubernetes\.io|node-role\.kubernetes\.io|node\.cloudprovider\.kubernetes\.io)\//

/**
 * Gives nodes and namespaces that were there before the restore the labels, annotations and taints that a person gave
 * their predecessors: Velero leaves what exists as it is, and never makes a node.
 */
export async function returnMarks({ kube, bucket, course }: Returning, { nodes }: Sight): Promise<void> {
  const backed: Manifest[] = []
  await eachObject(bucket, course.backup, (resource, one) => {
    if (resource === 'nodes' || resource === 'namespaces') backed.push(one)
  })
  const [liveNodes, spaces] = await Promise.all([
    kubectlRepeated(kube)`get nodes -o json`,
    kubectlRepeated(kube)`get namespaces -o json`,
  ])
  const there = new Map(
    liveNodes.json(z.object({ items: z.array(node) })).items.map((one) => [one.metadata.name, one]),
  )
  const homes = new Map(
    spaces.json(z.object({ items: z.array(marked) })).items.map((one) => [one.metadata.name, one]),
  )
  for (const one of backed) {
    const manifest =
      one.kind === 'Node'
        ? nodeMarks(asNode(one), there.get(nodes.get(one.metadata.name) ?? one.metadata.name))
        : namespaceMarks(one, homes.get(one.metadata.name))
    if (!manifest) continue
    await kubectlRepeated(
      kube,
      dump(manifest.apply),
    )`apply --server-side --force-conflicts --field-manager regrow -f -`
    tell('~', `${one.kind.toLowerCase()} ${manifest.apply.metadata.name}`, `${manifest.what} from the backup`)
  }
}

interface Marks {
  apply: { apiVersion: 'v1'; kind: string; metadata: { name: string } & Record<string, unknown> } & Record<
    string,
    unknown
  >
  what: string
}

/** A node as far as a person's marks on it go. */
export const asNode = (value: unknown): z.infer<typeof node> => node.parse(value)

/** The labels, annotations and taints that a node lacks, as a manifest; undefined where it lacks none. */
export function nodeMarks(
  was: z.infer<typeof node>,
  now: z.infer<typeof node> | undefined,
): Marks | undefined {
  if (!now) return undefined
  const labels = lacking(was.metadata.labels, now.metadata.labels, machines)
  const own = was.spec.taints.filter(
    (one) =>
      !states.test(one.key) &&
      !now.spec.taints.some((other) => other.key === one.key && other.effect === one.effect),
  )
  const annotations = lacking(was.metadata.annotations, now.metadata.annotations, programs)
  const names = [...Object.keys(labels), ...Object.keys(annotations), ...own.map((one) => `taint ${one.key}`)]
  if (names.length === 0) return undefined
  return {
    apply: {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: now.metadata.name, labels, annotations },
      ...(own.length > 0 ? { spec: { taints: [...now.spec.taints, ...own] } } : {}),
    },
    what: names.join(', '),
  }
}

function namespaceMarks(was: Manifest, now: z.infer<typeof marked> | undefined): Marks | undefined {
  if (!now) return undefined
  const own = z.object({ labels: texts, annotations: texts }).parse(marksOf(was))
  const labels = lacking(own.labels, now.metadata.labels)
  const annotations = lacking(own.annotations, now.metadata.annotations)
  const names = [...Object.keys(labels), ...Object.keys(annotations)]
  if (names.length === 0) return undefined
  return {
    apply: {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: now.metadata.name, labels, annotations },
    },
    what: names.join(', '),
  }
}

const lacking = (was: Record<string, string>, now: Record<string, string>, but?: RegExp) =>
  Object.fromEntries(Object.entries(was).filter(([key]) => !(key in now) && !but?.test(key)))
