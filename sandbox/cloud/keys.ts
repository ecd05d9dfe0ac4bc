import { createHash, randomBytes } from 'node:crypto'
import { z } from 'zod'
import type { Cloud } from './cloud.ts'
import { need, page, Refusal } from './reply.ts'
import { now, type SpacesKey } from './state.ts'

/** SSH keys and Spaces keys. */
export function keyRoutes(cloud: Cloud): void {
  const { app, state } = cloud
  const find = (id: string) =>
    need(state.sshKeys.find((one) => String(one.id) === id || one.fingerprint === id))
  app.get('/v2/account/keys', (c) => page(c, 'ssh_keys', state.sshKeys))
  app.get('/v2/account/keys/:id', (c) => c.json({ ssh_key: find(c.req.param('id')) }))
  app.post('/v2/account/keys', async (c) => {
    const wish = z.object({ name: z.string(), public_key: z.string() }).parse(await c.req.json())
    const body = Buffer.from(wish.public_key.split(' ')[1] ?? '', 'base64')
    if (body.length === 0) throw new Refusal(422, 'Key invalid, key should be of the format `ssh-rsa AAAA…`')
    const fingerprint = createHash('md5')
      .update(body)
      .digest('hex')
      .replace(/..(?=.)/g, '$&:')
    if (state.sshKeys.some((one) => one.fingerprint === fingerprint))
      throw new Refusal(422, 'SSH Key is already in use on your account')
    const key = { id: cloud.id(), name: wish.name, public_key: wish.public_key.trim(), fingerprint }
    state.sshKeys.push(key)
    cloud.save()
    return c.json({ ssh_key: key }, 201)
  })
  app.delete('/v2/account/keys/:id', (c) => {
    state.sshKeys.splice(state.sshKeys.indexOf(find(c.req.param('id'))), 1)
    cloud.save()
    return c.body(null, 204)
  })

  const hidden = ({ secret_key: _, ...rest }: SpacesKey) => rest
  const byKey = (key: string) => need(state.spacesKeys.find((one) => one.access_key === key))
  const grants = z.array(
    z.object({ bucket: z.string(), permission: z.enum(['read', 'readwrite', 'fullaccess', '']) }),
  )
  app.get('/v2/spaces/keys', (c) => page(c, 'keys', state.spacesKeys.map(hidden)))
  app.get('/v2/spaces/keys/:key', (c) => c.json({ key: hidden(byKey(c.req.param('key'))) }))
  app.post('/v2/spaces/keys', async (c) => {
    const wish = z.object({ name: z.string().min(1), grants: grants.default([]) }).parse(await c.req.json())
    const full = wish.grants.filter((one) => one.permission === 'fullaccess')
    if (full.length > 0 && full.length < wish.grants.length)
      throw new Refusal(400, 'cannot mix fullaccess with scoped grants')
    const key = makeSpacesKey(wish.name, wish.grants)
    state.spacesKeys.push(key)
    cloud.save()
    return c.json({ key }, 201)
  })
  for (const method of ['patch', 'put'] as const)
    app[method]('/v2/spaces/keys/:key', async (c) => {
      const key = byKey(c.req.param('key'))
      key.name = z.object({ name: z.string() }).parse(await c.req.json()).name
      cloud.save()
      return c.json({ key: hidden(key) })
    })
  app.delete('/v2/spaces/keys/:key', (c) => {
    state.spacesKeys.splice(state.spacesKeys.indexOf(byKey(c.req.param('key'))), 1)
    cloud.save()
    return c.body(null, 204)
  })
}

/** A new key with its secret. */
export function makeSpacesKey(name: string, grants: SpacesKey['grants']): SpacesKey {
  return {
    name,
    access_key: `DO${randomBytes(9).toString('hex').toUpperCase()}`,
    secret_key: randomBytes(32).toString('base64').replace(/[=]/g, ''),
    created_at: now(),
    grants,
  }
}
