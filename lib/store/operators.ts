import { z } from 'zod'
import { change } from '../base/change.ts'
import type { Bucket } from '../clients/s3.ts'
import type { Buckets } from './buckets.ts'
import { readRecord, recordText } from './records.ts'

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
    kit.put(key, recordText({ generation }), { type: 'application/json' }),
  )
  return groupOf(generation)
}

const groupOf = (generation: number) => `regrow:operators-${generation}`

async function generationIn(kit: Bucket): Promise<number> {
  return (await readRecord(kit, key, schema))?.generation ?? 1
}
