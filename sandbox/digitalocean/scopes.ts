/**
 * Which scopes a token needs for what the programs in a cluster ask for: `security` of each operation in DigitalOcean's
 * API description (test/real/contract holds it against that). All of them are needed.
 */
export const needed: Readonly<Record<string, readonly string[]>> = {
  'GET /v2/account': ['account:read'],
  'GET /v2/actions/{}': ['actions:read'],
  'GET /v2/droplets': ['droplet:read'],
  'GET /v2/droplets/{}': ['droplet:read'],
  'GET /v2/snapshots': ['snapshot:read'],
  'GET /v2/snapshots/{}': ['snapshot:read', 'block_storage_snapshot:read'],
  'DELETE /v2/snapshots/{}': ['image:delete', 'snapshot:delete'],
  'GET /v2/tags': ['tag:read'],
  'POST /v2/tags': ['tag:create'],
  'POST /v2/tags/{}/resources': ['tag:create'],
  'GET /v2/volumes': ['block_storage:read'],
  'POST /v2/volumes': ['block_storage:create'],
  'GET /v2/volumes/{}': ['block_storage:read'],
  'DELETE /v2/volumes/{}': ['block_storage:delete'],
  'GET /v2/volumes/{}/actions/{}': ['block_storage_action:read'],
  'POST /v2/volumes/{}/actions': ['block_storage_action:create'],
  'GET /v2/volumes/{}/snapshots': ['block_storage_snapshot:read'],
  'POST /v2/volumes/{}/snapshots': ['block_storage_snapshot:create'],
}

const operations = Object.entries(needed).map(([operation, scopes]): [RegExp, readonly string[]] => [
  new RegExp(`^${operation.replaceAll('{}', '[^/]+')}$`),
  scopes,
])

/** Whether a token with these scopes may do something, as `METHOD /v2/path`; what no operation here is it may not. */
export function scopesAllow(scopes: readonly string[], request: string): boolean {
  const operation = operations.find(([pattern]) => pattern.test(request))
  return operation?.[1].every((one) => scopes.includes(one)) === true
}

/** Whether an entry of a token's list is a scope, `droplet:read`, and no pattern. */
export const isScope = (entry: string) => /^[a-z_]+:[a-z_]+$/.test(entry)
