import { collections } from './digitalocean-types.ts'

const verbs: Record<string, string> = {
  GET: 'read',
  POST: 'create',
  PUT: 'update',
  PATCH: 'update',
  DELETE: 'delete',
}

/** What is done to a thing that is there, by a path below it: `POST /v2/droplets/1/actions`. */
const below: Record<string, Record<string, string>> = {
  droplets: { actions: 'droplet:update' },
  firewalls: { tags: 'firewall:update' },
  projects: { resources: 'project:assign_resource' },
  reserved_ips: { actions: 'reserved_ip:update' },
  volumes: { actions: 'block_storage_action:create', snapshots: 'block_storage_snapshot:create' },
}

/**
 * The scope that a token needs for a request that changes something, such as `droplet:create`; undefined where none is known.
 * Source: `security` of each operation in DigitalOcean's API description.
 * @param path from `/v2/` on, without query
 */
export function scopeOf(method: string, path: string): string | undefined {
  const [, collection = '', ...rest] = path.split('/').filter(Boolean)
  if (collection === 'spaces' && method === 'POST') return 'spaces_key:create_credentials'
  const scope = scopes.find(([start]) => `${path}/`.startsWith(`/v2/${start}/`))?.[1]
  const verb = verbs[method]
  return below[collection]?.[rest.at(-1) ?? ''] ?? (scope && verb ? `${scope}:${verb}` : undefined)
}

/** By path, that of SSH keys before that of the account which it begins with. */
const scopes = Object.entries(collections)
  .map(([name, one]) => ['path' in one ? one.path : name, one.scope] as const)
  .toSorted(([one], [other]) => other.length - one.length)
