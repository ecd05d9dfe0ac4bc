import { z } from 'zod'
import { type Kube, kubectl } from '../clients/tools.ts'

const expression = z.object({ key: z.string(), values: z.array(z.string()).nullish() })
const volume = z.object({
  spec: z.object({
    claimRef: z.object({ namespace: z.string(), name: z.string() }).optional(),
    local: z.looseObject({}).optional(),
    hostPath: z.looseObject({}).optional(),
    nodeAffinity: z
      .object({
        required: z.object({
          nodeSelectorTerms: z.array(z.object({ matchExpressions: z.array(expression).nullish() })),
        }),
      })
      .nullish()
      .catch(undefined),
  }),
})

/** A claim whose bytes lie on a machine's own disk. */
export interface LocalClaim {
  /** `namespace/name`. */
  name: string
  /** The machine; undefined where its volume does not say. */
  node: string | undefined
}

/** All claims whose bytes lie on a machine's own disk, used or not. @throws ToolFailure when the API does not answer */
export async function localClaims(kube: Kube): Promise<LocalClaim[]> {
  const found = await kubectl(kube)`get persistentvolumes --request-timeout 20s -o json`
  return found.json(z.object({ items: z.array(volume) })).items.flatMap(({ spec }) => {
    if (!spec.claimRef || !(spec.local || spec.hostPath)) return []
    const [node] = (spec.nodeAffinity?.required.nodeSelectorTerms ?? [])
      .flatMap((one) => one.matchExpressions ?? [])
      .flatMap(({ key, values }) => (key === 'kubernetes.io/hostname' ? (values ?? []) : []))
    return [{ name: `${spec.claimRef.namespace}/${spec.claimRef.name}`, node }]
  })
}
