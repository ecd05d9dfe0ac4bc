import { z } from 'zod'
import { type Kube, kubectl, ToolFailure } from '../clients/tools.ts'

/** On a node that regrow cordoned, with the reason: a person's own cordon is never lifted. */
export const cordonMark = 'regrow.dev/cordoned'

const node = z.object({
  metadata: z.object({
    name: z.string(),
    creationTimestamp: z.string().default(''),
    labels: z.record(z.string(), z.string()).default({}),
    annotations: z.record(z.string(), z.string()).default({}),
  }),
  spec: z.object({ unschedulable: z.boolean().default(false) }).default({ unschedulable: false }),
  status: z
    .object({
      conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]),
      allocatable: z.record(z.string(), z.string()).default({}),
    })
    .default({ conditions: [], allocatable: {} }),
})

/** A Kubernetes node as far as scaling cares. */
export interface Member {
  name: string
  ready: boolean
  /** When it joined, in milliseconds since 1970. */
  since: number
  server: boolean
  /** It takes part in etcd. */
  etcd: boolean
  unschedulable: boolean
  /** Cordoned by regrow, not by a person. */
  cordonedByUs: boolean
  labels: Record<string, string>
  /** What pods may ask for: processors, bytes of memory, number of pods. */
  room: Room
}

/** Processors, bytes of memory and a number of pods. */
interface Room {
  cpu: number
  memory: number
  pods: number
}

/** All nodes of the cluster. @throws ToolFailure when the API does not answer */
export async function members(kube: Kube): Promise<Member[]> {
  const answer = await kubectl(kube)`get nodes --request-timeout 10s -o json`
  return answer.json(z.object({ items: z.array(node) })).items.map(({ metadata, spec, status }) => {
    const { labels, annotations } = metadata
    return {
      name: metadata.name,
      ready: status.conditions.some((one) => one.type === 'Ready' && one.status === 'True'),
      since: Date.parse(metadata.creationTimestamp) || 0,
      server: labels['node-role.kubernetes.io/control-plane'] === 'true',
      etcd: labels['node-role.kubernetes.io/etcd'] === 'true',
      unschedulable: spec.unschedulable,
      cordonedByUs: spec.unschedulable && cordonMark in annotations,
      labels,
      room: {
        cpu: quantity(status.allocatable.cpu ?? '0'),
        memory: quantity(status.allocatable.memory ?? '0'),
        pods: quantity(status.allocatable.pods ?? '110'),
      },
    }
  })
}

/** All nodes; undefined while the API does not answer, as happens while servers come and go. */
export async function membersNow(kube: Kube): Promise<Member[] | undefined> {
  try {
    return await members(kube)
  } catch (error) {
    if (!(error instanceof ToolFailure)) throw error
    return undefined
  }
}

const units: Record<string, number> = {
  '': 1,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
}

/** A Kubernetes quantity such as `250m` or `512Mi` as a number; 0 for what is none. */
export function quantity(text: string): number {
  const [, amount = '', unit = ''] = text.match(/^(\d+(?:\.\d+)?)([a-zA-Z]*)$/) ?? []
  return Number(amount) * (units[unit] ?? 0)
}
