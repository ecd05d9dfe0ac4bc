import type { SpacesKey } from '../../sandbox/spaces/key.ts'

/** A key of the box's Spaces, with grants as pairs of bucket and permission. */
export const key = (name: string, ...grants: [string, string][]): SpacesKey => ({
  access_key: `DO00${name}`,
  secret_key: `secret-of-${name}`,
  created_at: new Date().toISOString(),
  grants: grants.map(([bucket, permission]) => ({ bucket, permission })),
})
