import { mapAll } from '../base/parallel.ts'
import { noneTooLarge } from '../clients/object-sizes.ts'
import type { Bucket } from '../clients/s3.ts'
import { cureOf, damageOf, isNote, parseRecord } from './records.ts'

/**
 * Notes in the kit's bucket that cannot be read, one line each with what to do; whoever reads restores and vouchers tells of
 * those by himself.
 * @param machines those that are described: nobody reads what is noted of others
 */
export async function damagedNotes(kit: Bucket, machines: readonly string[]): Promise<string[]> {
  const isOf = (key: string) => {
    const [, machine] = /^nodes\/([^/]+)\//.exec(key) ?? []
    return machine === undefined ? !key.startsWith('vouched/') : machines.includes(machine)
  }
  const keys = (await kit.list())
    .map(({ key }) => key)
    .filter((key) => isNote(key) && !key.endsWith('/restore.json') && isOf(key))
  const read = async (key: string) => {
    const bytes = await kit.get(key).catch((error: unknown) => noneTooLarge(error) ?? '')
    // Removed meanwhile.
    if (bytes === undefined) return []
    const value = parseRecord(bytes)
    const isRecord = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isRecord ? [] : [`${damageOf(kit, key)}. ${cureOf(kit, key)}`]
  }
  return (await mapAll(keys, read, 16)).flat()
}
