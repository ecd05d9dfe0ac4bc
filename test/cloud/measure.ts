import { z } from 'zod'
import type { Look } from './look.ts'
import { listed, lookAt, type Sight } from './sight.ts'
import type { Memory, State } from './state.ts'

const named = z.object({ metadata: z.object({ name: z.string() }) })
const node = named.extend({
  status: z.object({
    images: z
      .array(z.object({ names: z.array(z.string()).nullish(), sizeBytes: z.number().default(0) }))
      .nullish(),
  }),
})
const pod = z.object({
  metadata: z.object({ name: z.string(), namespace: z.string() }),
  spec: z.object({
    containers: z.array(
      z.object({
        name: z.string(),
        resources: z.object({ limits: z.record(z.string(), z.string()).optional() }).optional(),
      }),
    ),
  }),
  status: z
    .object({
      containerStatuses: z
        .array(z.object({ name: z.string(), containerID: z.string().optional() }))
        .nullish(),
    })
    .optional(),
})

/** MiB of a quantity such as `136Mi`; 0 where there is none. */
export function mibOf(quantity = ''): number {
  const [, count = '0', unit = ''] = /^(\d+)([KMG]i)?$/.exec(quantity) ?? []
  const factor = { Ki: 1 / 1024, Mi: 1, Gi: 1024 }[unit] ?? 1 / 1024 / 1024
  return Math.round(Number(count) * factor * 10) / 10
}

/** Programs of less than 3 MiB are told together. */
const small = 3

/** Puts names and limits to what a machine says of its memory. */
export function memoryOf(when: string, look: Look, pods: readonly z.infer<typeof pod>[]): Memory {
  const known = new Map(
    pods.flatMap(({ metadata, spec, status }) =>
      (status?.containerStatuses ?? []).map((one) => {
        const limit = spec.containers.find(({ name }) => name === one.name)?.resources?.limits?.memory
        const id = one.containerID?.replace(/^.*:\/\//, '') ?? ''
        return [
          id,
          { name: `${metadata.namespace}/${metadata.name} ${one.name}`, limit: mibOf(limit) },
        ] as const
      }),
    ),
  )
  return {
    when,
    available: Number(look.values.get('available') ?? 0),
    programs: look.programs.filter(({ peak }) => peak >= small).toSorted((a, b) => b.peak - a.peak),
    containers: look.containers.flatMap(({ id, ...rest }) => {
      const its = known.get(id)
      return its ? [{ ...its, ...rest }] : []
    }),
  }
}

/** Looks at the first machine: its memory is noted in the state, and what it says of itself is returned. */
export async function measure(sight: Sight, state: State, when: string): Promise<Look> {
  const { kubeconfig } = sight
  const [first] = await listed(kubeconfig, 'nodes', node)
  const look = await lookAt(sight, first?.metadata.name ?? '')
  state.memory.push(memoryOf(when, look, await listed(kubeconfig, 'pods', pod)))
  state.images = (first?.status.images ?? [])
    .map(({ names, sizeBytes }) => ({
      name: names?.find((one) => !one.includes('@')) ?? names?.[0] ?? '',
      bytes: sizeBytes,
    }))
    .toSorted((a, b) => b.bytes - a.bytes)
  return look
}
