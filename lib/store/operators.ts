import { z } from 'zod'
import { change } from '../change.ts'
import type { Bucket } from '../clients/s3.ts'
import { parseJson } from '../json.ts'
import { Problem } from '../problem.ts'
import type { Buckets } from './buckets.ts'

const key = 'operators.json'
const schema = z.object({ generation: z.number().int().min(1) })

/** The group that kubeconfigs of now belong to, such as `regrow:operators-1`. @throws Problem where it cannot be read */
export async function operatorGroup(kit: Bucket): Promise<string> {
  return groupOf(await generationIn(kit))
}

/** Lets the next group follow: who has a kubeconfig of before belongs to none that counts. @returns the new group */
export async function nextOperatorGroup({ kit, places }: Buckets): Promise<string> {
  const generation = (await generationIn(kit)) + 1
  await change(`aws s3 cp - s3://${places.kit}/${key}`, () =>
    kit.put(key, JSON.stringify({ generation }), { type: 'application/json' }),
  )
  return groupOf(generation)
}

const groupOf = (generation: number) => `regrow:operators-${generation}`

async function generationIn(kit: Bucket): Promise<number> {
  const bytes = await kit.get(key)
  if (!bytes) return 1
  const read = schema.safeParse(parseJson(Buffer.from(bytes).toString()))
  if (read.success) return read.data.generation
  throw new Problem(`${key} in ${kit.name} is damaged`, {
    cure: `Remove it: the first group counts again, and with it kubeconfigs that are still good.`,
    cause: read.error,
  })
}
