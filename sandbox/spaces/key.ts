/** A Spaces key as DigitalOcean's API shows it, with its secret. Other stores' keys have the same shape. */
export interface SpacesKey {
  access_key: string
  secret_key: string
  /** ISO 8601. */
  created_at: string
  /** `fullaccess` needs no bucket; an empty permission allows nothing. */
  grants: readonly { bucket: string; permission: string }[]
}

/**
 * What an operation asks of a key: `full` is what only a full-access key may do; `past` is to see earlier versions,
 * `erase` to remove them.
 */
export type Need = 'read' | 'write' | 'past' | 'erase' | 'full'

/** What a key with a grant for one bucket may do with earlier versions: DigitalOcean does not say. */
export type OfLimited = 'erase' | 'see' | 'nothing'

/** Whether a key's grants (https://docs.digitalocean.com/products/spaces/how-to/manage-access/) allow this. */
export function allows(key: SpacesKey, bucket: string | undefined, need: Need, versions: OfLimited): boolean {
  return key.grants.some((grant) => {
    if (grant.permission === 'fullaccess') return true
    if (need === 'full' || grant.bucket !== bucket) return false
    if (need === 'past' && versions === 'nothing') return false
    if (need === 'erase' && versions !== 'erase') return false
    return (
      grant.permission === 'readwrite' || (grant.permission === 'read' && ['read', 'past'].includes(need))
    )
  })
}
