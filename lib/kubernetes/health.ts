import { join } from 'node:path'
import { z } from 'zod'
import type { Cluster } from '../cluster/cluster.ts'
import type { Inventory } from '../cluster/ours.ts'
import type { Buckets } from '../store/buckets.ts'
import { readKit } from '../store/kit.ts'
import { type Kube, kubectl, ToolFailure, workFolder } from '../tools.ts'
import { applications, stateOf } from './applications.ts'
import { whoseToken } from './cloud-token.ts'
import { writeKubeconfig } from './kubeconfig.ts'
import { troubles } from './troubles.ts'
import { unreachable } from './unreachable.ts'
import { whoMayConnect } from './who-may-connect.ts'

const node = z.object({
  metadata: z.object({ name: z.string() }),
  status: z
    .object({ conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]) })
    .optional(),
})

interface Health {
  nodes?: string[]
  applications?: string[]
  troubles?: string[]
  api?: string[]
  /** Whose DigitalOcean token lives in it. */
  tokenInCluster?: string | undefined
}

/**
 * How a cluster is, as far as it can be told: nodes, Applications, and what keeps pods and claims waiting, one line each;
 * or why its API does not answer.
 * @param own what belongs to the cluster at DigitalOcean
 * @param hasBackup whether a whole backup can be brought back
 */
export async function health(
  cluster: Cluster,
  own: Inventory,
  buckets: Buckets | undefined,
  hasBackup: boolean,
): Promise<Health> {
  const kit = buckets && (await readKit(buckets))
  if (!kit) return {}
  const [address] = own.reservedIps
  const api = unreachable(cluster, own, hasBackup)
  if (api) return { api }
  if (!address) return {}
  const kube = await writeKubeconfig(cluster, kit, address.ip, join(workFolder(), 'kubeconfig.yaml'))
  try {
    const [nodes, apps, found, tokenInCluster] = await Promise.all([
      nodeLines(kube),
      applications(kube),
      troubles(kube),
      whoseToken(kube, cluster),
    ])
    return {
      nodes,
      applications: [...apps].map(([name, one]) => `${name}  ${stateOf(one)}`),
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

async function nodeLines(kube: Kube): Promise<string[]> {
  const answer = await kubectl(kube)`get nodes --request-timeout 10s -o json`
  return answer.json(z.object({ items: z.array(node) })).items.map((one) => {
    const ready = one.status?.conditions.find((condition) => condition.type === 'Ready')?.status === 'True'
    return `${one.metadata.name}  ${ready ? 'Ready' : 'NotReady'}`
  })
}
