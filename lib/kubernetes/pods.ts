import { z } from 'zod'
import { type Kube, kubectl } from '../clients/tools.ts'
import { diskPaths } from './disk-paths.ts'
import { localClaims } from './local-claims.ts'
import { quantity } from './nodes.ts'

const texts = z.record(z.string(), z.string()).default({})
const pod = z.object({
  metadata: z.object({
    name: z.string(),
    namespace: z.string(),
    annotations: texts,
    ownerReferences: z.array(z.object({ kind: z.string() })).default([]),
  }),
  spec: z.looseObject({
    nodeName: z.string().default(''),
    nodeSelector: texts,
    containers: z
      .array(z.looseObject({ resources: z.object({ requests: texts.optional() }).nullish() }))
      .default([]),
    volumes: z
      .array(
        z.looseObject({
          persistentVolumeClaim: z.object({ claimName: z.string() }).optional(),
          emptyDir: z.looseObject({}).nullish(),
        }),
      )
      .default([]),
  }),
  status: z.object({ phase: z.string().default('') }).default({ phase: '' }),
})
/** A pod as far as scaling cares. */
export interface Pod {
  /** `namespace/name`. */
  name: string
  node: string
  /** A DaemonSet's, or the kubelet's own: it belongs to its node and does not move. */
  ofItsNode: boolean
  /** Nobody makes it again when it is gone. */
  alone: boolean
  selector: Record<string, string>
  cpu: number
  memory: number
  /** How many volumes it has by claims. */
  volumes: number
  /** Claims whose bytes lie on its machine's own disk. */
  localClaims: string[]
  /** Paths on its machine's own disk into which it may write. */
  onDisk: string[]
  /** It has an emptyDir, which goes when the pod moves. */
  scratch: boolean
}

/** All pods that run or wait on a node. @throws ToolFailure when the API does not answer */
export async function pods(kube: Kube): Promise<Pod[]> {
  const [found, local] = await Promise.all([
    kubectl(kube)`get pods --all-namespaces --request-timeout 20s -o json`,
    localClaims(kube),
  ])
  const names = new Set(local.map(({ name }) => name))
  return found
    .json(z.object({ items: z.array(pod) }))
    .items.filter((one) => one.spec.nodeName && !/^(Succeeded|Failed)$/.test(one.status.phase))
    .map((one) => asPod(one, names))
}

function asPod({ metadata, spec }: z.infer<typeof pod>, local: ReadonlySet<string>): Pod {
  const claims = spec.volumes
    .map((one) => one.persistentVolumeClaim?.claimName)
    .filter((name) => name !== undefined)
    .map((name) => `${metadata.namespace}/${name}`)
  const sum = (what: 'cpu' | 'memory') =>
    spec.containers.reduce((all, one) => all + quantity(one.resources?.requests?.[what] ?? '0'), 0)
  const owner = metadata.ownerReferences[0]?.kind
  return {
    name: `${metadata.namespace}/${metadata.name}`,
    node: spec.nodeName,
    ofItsNode: owner === 'DaemonSet' || 'kubernetes.io/config.mirror' in metadata.annotations,
    alone: owner === undefined,
    selector: spec.nodeSelector,
    cpu: sum('cpu'),
    memory: sum('memory'),
    volumes: claims.length,
    localClaims: claims.filter((name) => local.has(name)),
    onDisk: diskPaths(spec),
    scratch: spec.volumes.some((one) => one.emptyDir !== undefined && one.emptyDir !== null),
  }
}
