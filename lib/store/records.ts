import { createHash } from 'node:crypto'
import type { z } from 'zod'
import { command } from '../base/hint.ts'
import { parseJson } from '../base/json.ts'
import { Problem } from '../base/problem.ts'
import { noneTooLarge } from '../clients/object-sizes.ts'
import type { Bucket } from '../clients/s3.ts'

const sumOf = (value: object) => createHash('sha256').update(JSON.stringify(value)).digest('hex')

/**
 * What regrow notes in a bucket, as it is written: JSON with a sum of itself, so that nothing that was damaged is taken for
 * another word. Whoever may write there can write the sum, too.
 */
export const recordText = (value: object): string => JSON.stringify({ ...value, sum: sumOf(value) })

/** What was noted, to be parsed; undefined where it is not what was written. An earlier regrow wrote no sum. */
export function parseRecord(bytes: Uint8Array | string): unknown {
  const read = parseJson(typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString())
  if (typeof read !== 'object' || read === null || !('sum' in read)) return read
  const { sum, ...rest } = read
  return sum === sumOf(rest) ? rest : undefined
}

/**
 * A record that regrow wrote into the kit's bucket; undefined when there is none.
 * @throws Problem naming one that cannot be read, and what to do about it
 */
export async function readRecord<T>(kit: Bucket, key: string, schema: z.ZodType<T>): Promise<T | undefined> {
  const bytes = await kit.get(key).catch((error: unknown) => noneTooLarge(error) ?? '')
  if (bytes === undefined) return undefined
  const read = schema.safeParse(parseRecord(bytes))
  if (read.success) return read.data
  throw new Problem(damageOf(kit, key), { cure: cureOf(kit, key), cause: read.error })
}

/** That a note cannot be read. */
export const damageOf = (kit: Pick<Bucket, 'name'>, key: string): string =>
  `${key} in bucket ${kit.name} cannot be read: it was altered or is damaged`

/** What to do about a note that cannot be read. */
export function cureOf(kit: Pick<Bucket, 'name'>, key: string): string {
  const without = notes.find(([keys]) => keys.test(key))?.[1]() ?? 'Whoever wrote it knows what it is.'
  return `aws s3 cp s3://${kit.name}/${key} - shows it, aws s3 rm s3://${kit.name}/${key} removes it. ${without}`
}

/** What becomes of each note that regrow keeps in the kit's bucket once it is removed. */
const notes: readonly (readonly [RegExp, () => string])[] = [
  [
    /^nodes\/[^/]+\/restore\.json$/,
    () =>
      `Without it that restore is forgotten: if it was not finished, ${command('restore.mts', '--backup', 'latest', '--replace')} begins anew, and no machine of before goes until then.`,
  ],
  [
    /^nodes\/[^/]+\/compared\.json$/,
    () => 'Without it a restore that is repeated compares all that came back once more.',
  ],
  [
    /^nodes\/[^/]+\/proof\.json$/,
    () => 'Without it a restore that is repeated tells all of its proof once more.',
  ],
  [/^nodes\/[^/]+\/bundle\.json$/, () => 'A machine that has installed itself needs it no more.'],
  [
    /^cloud-token\.json$/,
    () => `Without it ${command('bootstrap.mts')} believes the cluster which token it was given.`,
  ],
  [/^versions\.json$/, () => `${command('bootstrap.mts')} writes it anew.`],
  [
    /^operators\.json$/,
    () => 'Without it the first group counts again, and with it kubeconfigs that are still good.',
  ],
  [/^regrow\.json$/, () => `${command('bootstrap.mts')} marks the bucket anew.`],
  [
    /^vouched\//,
    () =>
      `Without it nobody vouches for that backup, until ${command('bootstrap.mts')} does: if the cluster runs that made it, and it is as it was.`,
  ],
]

/** Whether a key is one of a note that regrow wrote. */
export const isNote = (key: string): boolean => notes.some(([keys]) => keys.test(key))
