import { z } from 'zod'
import { Problem } from '../base/problem.ts'
import { TooLarge } from '../clients/object-sizes.ts'
import { type Kube, kubectl, ToolFailure } from '../clients/tools.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { Inventory } from '../cluster/ours.ts'
import type { Buckets } from '../store/buckets.ts'
import { DamagedKit, type Kit, lostKit, readKit } from '../store/kit.ts'
import { applications, isHealthy, stateOf } from './applications.ts'
import { whoseToken } from './cloud-token.ts'
import { runKubeconfig } from './kubeconfig.ts'
import { troubles } from './troubles.ts'
import { unreachable } from './unreachable.ts'
import { whoMayConnect } from './who-may-connect.ts'

const node = z.object({
  metadata: z.object({ name: z.string() }),
  status: z
    .object({ conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]) })
    .optional(),
})

/** How a cluster is, as far as it can be told. */
export interface Health {
  nodes?: { name: string; ready: boolean }[]
  /** Argo CD's Applications; `state` is in its own words. */
  applications?: { name: string; healthy: boolean; state: string }[]
  /** What keeps pods and claims waiting, one line each. */
  troubles?: string[]
  /** Why its API does not answer, one line each. */
  api?: string[]
  /** Whose DigitalOcean token lives in it. */
  tokenInCluster?: string | undefined
  /** `namespace/name` of each claim, by the name and by the id of its volume. */
  claims?: Map<string, string>
  /** The way to its API, where that answers. */
  kube?: Kube
}

/**
 * Looks at nodes, Applications, volumes, and what keeps pods and claims waiting; or finds out why the API does not answer.
 * @param own what belongs to the cluster at DigitalOcean
 * @param hasBackup whether a whole backup can be brought back
 */
export async function health(
  cluster: Cluster,
  own: Inventory,
  buckets: Buckets | undefined,
  hasBackup: boolean,
): Promise<Health> {
  const kit = await kitOf(cluster, own, buckets)
  if (kit instanceof Problem) return { api: [`${kit.message}: ${kit.cure}`] }
  if (!kit) return {}
  const [address] = own.reservedIps
  const api = unreachable(cluster, own, hasBackup)
  if (api) return { api }
  if (!address) return {}
  const kube = { file: await runKubeconfig(cluster, kit, address.ip) }
  try {
    const [nodes, apps, found, tokenInCluster, claims] = await Promise.all([
      nodesOf(kube),
      applications(kube),
      troubles(kube),
      whoseToken(kube, cluster),
      claimsOf(kube),
    ])
    return {
      nodes,
      applications: [...apps].map(([name, one]) => ({ name, healthy: isHealthy(one), state: stateOf(one) })),
      claims,
      kube,
      ...(found.length > 0 ? { troubles: found } : {}),
      tokenInCluster,
    }
  } catch (error) {
    if (!(error instanceof ToolFailure)) throw error
    return {
      api: [
        `does not answer at ${address.ip}:6443`,
        whoMayConnect(address.ip, cluster.wanted.network.adminCidrs),
      ],
    }
  }
}

/** The kit, or why there is none that could be used. */
async function kitOf(
  cluster: Cluster,
  { droplets }: Inventory,
  buckets: Buckets | undefined,
): Promise<Kit | Problem | undefined> {
  try {
    return (buckets && (await readKit(buckets))) ?? (await lostKit(cluster, buckets, droplets))
  } catch (error) {
    if (error instanceof DamagedKit || error instanceof TooLarge) return error
    throw error
  }
}

async function nodesOf(kube: Kube): Promise<{ name: string; ready: boolean }[]> {
  const answer = await kubectl(kube)`get nodes --request-timeout 10s -o json`
  return answer
    .json(z.object({ items: z.array(node) }))
    .items.map(({ metadata: { name }, status }) => ({
      name,
      ready: status?.conditions.find(({ type }) => type === 'Ready')?.status === 'True',
    }))
    .toSorted((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }))
}

const volume = z.object({
  metadata: z.object({ name: z.string() }),
  spec: z.object({
    claimRef: z.object({ namespace: z.string(), name: z.string() }).optional(),
    csi: z.object({ volumeHandle: z.string() }).optional(),
  }),
})

async function claimsOf(kube: Kube): Promise<Map<string, string>> {
  const answer = await kubectl(kube)`get persistentvolumes --request-timeout 10s -o json`
  return new Map(
    answer
      .json(z.object({ items: z.array(volume) }))
      .items.flatMap(({ metadata, spec: { claimRef, csi } }) => {
        const claim = `${claimRef?.namespace}/${claimRef?.name}`
        return claimRef
          ? [metadata.name, csi?.volumeHandle ?? metadata.name].map((key) => [key, claim] as const)
          : []
      }),
  )
}
