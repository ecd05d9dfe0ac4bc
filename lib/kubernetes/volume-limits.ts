import { z } from 'zod'
import { type Kube, kubectl, ToolFailure } from '../clients/tools.ts'

const csiNodes = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string() }),
      spec: z
        .object({
          drivers: z
            .array(z.object({ name: z.string(), allocatable: z.object({ count: z.number() }).optional() }))
            .nullish(),
        })
        .prefault({}),
    }),
  ),
})

/** How many volumes of DigitalOcean each node takes, as its driver says; nothing for a node whose driver says nothing. */
export async function volumeLimits(kube: Kube): Promise<Map<string, number>> {
  const answer = await kubectl(kube)`get csinodes.storage.k8s.io -o json`.catch((error: unknown) => {
    if (error instanceof ToolFailure) return undefined
    throw error
  })
  const counts = (answer?.json(csiNodes).items ?? []).flatMap(({ metadata, spec }): [string, number][] => {
    const count = spec.drivers?.find(({ name }) => name === 'dobs.csi.digitalocean.com')?.allocatable?.count
    return count === undefined ? [] : [[metadata.name, count]]
  })
  return new Map(counts)
}
