import { readFileSync } from 'node:fs'
import { missingScope } from '../../../lib/clients/digitalocean-refusal.ts'
import { scopeOf } from '../../../lib/clients/digitalocean-scopes.ts'
import { needed } from '../../../sandbox/digitalocean/scopes.ts'
import { againstDescription } from './known.ts'

/** What regrow's doctl changes. */
const changes = [
  'POST /v2/account/keys',
  'DELETE /v2/account/keys/{ssh_key_identifier}',
  'POST /v2/droplets',
  'DELETE /v2/droplets/{droplet_id}',
  'POST /v2/droplets/{droplet_id}/actions',
  'POST /v2/firewalls',
  'PUT /v2/firewalls/{firewall_id}',
  'DELETE /v2/firewalls/{firewall_id}',
  'DELETE /v2/load_balancers/{lb_id}',
  'POST /v2/projects',
  'DELETE /v2/projects/{project_id}',
  'POST /v2/projects/{project_id}/resources',
  'POST /v2/reserved_ips',
  'DELETE /v2/reserved_ips/{reserved_ip}',
  'POST /v2/reserved_ips/{reserved_ip}/actions',
  'DELETE /v2/snapshots/{snapshot_id}',
  'POST /v2/spaces/keys',
  'DELETE /v2/spaces/keys/{access_key}',
  'POST /v2/tags',
  'DELETE /v2/tags/{tag_id}',
  'POST /v2/tags/{tag_id}/resources',
  'DELETE /v2/volumes/{volume_id}',
  'POST /v2/vpcs',
  'DELETE /v2/vpcs/{vpc_id}',
]

againstDescription('the scopes that the box asks of a token in the cluster', async (t, file) => {
  const { paths } = JSON.parse(readFileSync(file, 'utf8')) as {
    paths: Record<string, Record<string, { security: Record<string, string[]>[] }>>
  }
  for (const [operation, scopes] of Object.entries(needed)) {
    const [method = '', path = ''] = operation.split(' ')
    const described = Object.entries(paths).find(([one]) => one.replace(/\{\w+\}/g, '{}') === path)?.[1]
    const security = described?.[method.toLowerCase()]?.security.flatMap(Object.values).flat() ?? []
    // Before there were scopes a token could read or write.
    const wanted = security.filter((one) => !one.startsWith('api:'))
    t.same([...scopes].sort(), [...new Set(wanted)].sort(), operation)
  }
})

againstDescription('the scope that a refused change is told to need', async (t, file) => {
  const { paths } = JSON.parse(readFileSync(file, 'utf8'))
  for (const change of changes) {
    const [method = '', path = ''] = change.split(' ')
    const needed = paths[path][method.toLowerCase()].security.flatMap(Object.values).flat()
    const told = scopeOf(method, path)
    t.ok(needed.includes(told), `${change}: ${told}, described: ${needed.join(', ')}`)
    const said = `{"errors":[{"detail":"${method} https://api.digitalocean.com${path}: 403 (request \\"a-b\\") You are not authorized"}]}`
    t.equal(missingScope(said), told)
  }
  t.equal(missingScope('POST https://api.digitalocean.com/v2/droplets: 422 (request "a") no'), undefined)
  t.equal(missingScope('GET https://ghcr.io/v2/a/b: 403 denied'), undefined)
})
