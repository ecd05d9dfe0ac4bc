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
  if (collection === 'spaces')
    return method === 'POST' ? 'spaces_key:create_credentials' : named('keys', method)
  if (collection === 'account') return named(rest[0] === 'keys' ? 'ssh_keys' : 'account', method)
  return below[collection]?.[rest.at(-1) ?? ''] ?? named(collection, method)
}

const named = (collection: string, method: string) => {
  const scope = Object.entries(collections).find(([name]) => name === collection)?.[1].scope
  const verb = verbs[method]
  return scope && verb ? `${scope}:${verb}` : undefined
}
