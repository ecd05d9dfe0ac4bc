import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { Cloud } from './cloud.ts'
import { read, refuse } from './reply.ts'
import { makeSpacesKey, type SpacesKey, type SshKey } from './state.ts'

/** SSH keys and Spaces keys. */
export function keyRoutes(cloud: Cloud): void {
  sshKeyRoutes(cloud)
  spacesKeyRoutes(cloud)
}

function sshKeyRoutes(cloud: Cloud): void {
  const { app, state } = cloud
  const view = ({ born: _, ...key }: SshKey) => key
  const find = cloud.show('/v2/account/keys', {
    names: ['ssh_key', 'ssh_keys'],
    all: () => state.sshKeys,
    remove: (one) => cloud.drop(state.sshKeys, one),
    keys: (one) => [one.id, one.fingerprint],
    view,
  })
  app.post('/v2/account/keys', async (c) => {
    const wish = await read(c, z.strictObject({ name: z.string().min(1), public_key: z.string() }))
    const [type = '', body = ''] = wish.public_key.trim().split(/\s+/)
    const bytes = Buffer.from(body, 'base64')
    // A key's bytes begin with the length and the text of its type (RFC 4253, section 6.6).
    const valid = bytes.subarray(4, 4 + type.length).toString() === type && /^(ssh|ecdsa)-/.test(type)
    refuse(422, 'Key invalid, key should be of the format `ssh-rsa AAAA...`', !valid)
    const fingerprint = (createHash('md5').update(bytes).digest('hex').match(/../g) ?? []).join(':')
    const taken = state.sshKeys.some((one) => one.fingerprint === fingerprint)
    refuse(422, 'SSH Key is already in use on your account', taken)
    const key = { id: cloud.nextId(), fingerprint, ...wish, born: Date.now() }
    state.sshKeys.push(key)
    return cloud.done(c, { ssh_key: view(key) }, 201)
  })
  app.put('/v2/account/keys/:key', async (c) => {
    const key = find(c.req.param('key'))
    key.name = (await read(c, z.strictObject({ name: z.string().min(1) }))).name
    return cloud.done(c, { ssh_key: view(key) })
  })
}

const grants = z.array(
  z.strictObject({ bucket: z.string(), permission: z.enum(['', 'read', 'readwrite', 'fullaccess']) }),
)

function spacesKeyRoutes(cloud: Cloud): void {
  const { app, state } = cloud
  const view = ({ secret_key: _, born: __, ...key }: SpacesKey) => key
  const find = cloud.show('/v2/spaces/keys', {
    names: ['key', 'keys'],
    all: () => state.spacesKeys,
    remove: (one) => cloud.drop(state.spacesKeys, one),
    keys: (one) => [one.access_key],
    view,
    fits: (one, { name, bucket, permission }) =>
      (!name || one.name === name) &&
      (!bucket || one.grants.some((grant) => grant.bucket === bucket)) &&
      (!permission || one.grants.some((grant) => grant.permission === permission)),
  })
  app.post('/v2/spaces/keys', async (c) => {
    const wish = await read(c, z.strictObject({ name: z.string().min(1), grants: grants.default([]) }))
    const full = wish.grants.filter((one) => one.permission === 'fullaccess')
    const mixed = full.length > 0 && full.length < wish.grants.length
    refuse(400, 'cannot mix fullaccess permission with scoped permissions.', mixed)
    const nowhere = wish.grants.some((one) => one.permission.startsWith('read') && !one.bucket)
    refuse(400, 'a scoped permission needs a bucket', nowhere)
    const key = makeSpacesKey(wish.name, wish.grants)
    state.spacesKeys.push(key)
    return cloud.done(c, { key: { ...view(key), secret_key: key.secret_key } }, 201)
  })
  for (const method of ['put', 'patch'] as const)
    app[method]('/v2/spaces/keys/:key', async (c) => {
      const key = find(c.req.param('key'))
      // Grants are taken and change nothing: "You can only update the name of the key."
      const wish = z.strictObject({ name: z.string().min(1), grants: grants.optional() })
      key.name = (await read(c, wish)).name
      return cloud.done(c, { key: view(key) })
    })
}
