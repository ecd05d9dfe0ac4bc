import type { z } from 'zod'
import type { Bucket } from '../clients/s3.ts'
import { parseJson } from '../json.ts'
import { Problem } from '../problem.ts'

/**
 * A record that regrow wrote into the kit's bucket; undefined when there is none.
 * @throws Problem naming one that cannot be read
 */
export async function readRecord<T>(kit: Bucket, key: string, schema: z.ZodType<T>): Promise<T | undefined> {
  const bytes = await kit.get(key)
  if (!bytes) return undefined
  const read = schema.safeParse(parseJson(Buffer.from(bytes).toString()))
  if (read.success) return read.data
  throw new Problem(`${key} in bucket ${kit.name} cannot be read`, {
    cure: `It was altered or is damaged. Look at it: aws s3 cp s3://${kit.name}/${key} - shows it.`,
    cause: read.error,
  })
}
