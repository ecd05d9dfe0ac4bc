import { z } from 'zod'
import { behaviourOf } from './behaviour.ts'
import { imagesOf, regionsOf, sizesOf } from './catalog.ts'
import type { Cloud } from './cloud.ts'
import { need, page, read, refuse } from './reply.ts'
import type { Born, State } from './state.ts'

/** The account, the catalogue and tags. */
export function accountRoutes(cloud: Cloud): void {
  const { app, state } = cloud
  app.get('/v2/account', (c) => {
    const { limits } = behaviourOf(cloud.world)
    return c.json({
      account: {
        droplet_limit: limits.droplets,
        floating_ip_limit: limits.reservedIps,
        reserved_ip_limit: limits.reservedIps,
        volume_limit: limits.volumes,
        email: 'alice@example.org',
        name: 'Alice',
        uuid: state.user,
        email_verified: true,
        status: 'active',
        status_message: '',
        team: { uuid: state.team, name: 'My Team' },
      },
    })
  })
  app.get('/v2/sizes', (c) => page(c, 'sizes', sizesOf(cloud)))
  app.get('/v2/regions', (c) => page(c, 'regions', regionsOf(cloud)))
  app.get('/v2/images', (c) => {
    const { type, private: own, tag_name: tag } = c.req.query()
    const fits = (one: ReturnType<typeof imagesOf>[number]) =>
      (!type || (type === 'distribution' && one.public)) &&
      (own !== 'true' || !one.public) &&
      (!tag || one.tags.includes(tag))
    return page(c, 'images', imagesOf(cloud).filter(fits))
  })
  app.get('/v2/images/:key', (c) => {
    const key = c.req.param('key')
    return c.json({ image: need(imagesOf(cloud).find((one) => one.slug === key || String(one.id) === key)) })
  })
  tagRoutes(cloud)
}

/** A tag's name, as the API description has it. */
export const tagName = z
  .string()
  .max(255)
  .regex(/^[a-zA-Z0-9_\-:]+$/, 'tag contains invalid characters')

const resources = z.strictObject({
  resources: z.array(
    z.strictObject({
      resource_id: z.union([z.string(), z.number()]).transform(String),
      resource_type: z.enum(['droplet', 'image', 'volume', 'volume_snapshot']),
    }),
  ),
})

interface Tagged extends Born {
  id: string | number
  tags: string[]
}

function tagRoutes(cloud: Cloud): void {
  const { app, state } = cloud
  const kinds: Record<string, () => Tagged[]> = {
    droplet: () => state.droplets,
    image: () => state.snapshots.filter((one) => one.resource_type === 'droplet'),
    volume: () => state.volumes,
    volume_snapshot: () => state.snapshots.filter((one) => one.resource_type === 'volume'),
  }
  const places: Record<string, string> = { volume_snapshot: 'snapshots' }
  const view = ({ name }: { name: string }) => {
    const counts = Object.entries(kinds).map(([kind, all]) => {
      const tagged = all().filter((one) => one.tags.includes(name))
      const last = tagged.at(-1)
      const uri = last
        ? { last_tagged_uri: `https://api.digitalocean.com/v2/${places[kind] ?? `${kind}s`}/${last.id}` }
        : {}
      return [`${kind}s`, { count: tagged.length, ...uri }] as const
    })
    const total = counts.reduce((sum, [, one]) => sum + one.count, 0)
    const last = counts.map(([, one]) => one).findLast((one) => one.last_tagged_uri)
    return {
      name,
      resources: { ...last, count: total, ...Object.fromEntries(counts), databases: { count: 0 } },
    }
  }
  const find = cloud.show<State['tags'][number]>('/v2/tags', {
    names: ['tag', 'tags'],
    all: () => state.tags,
    keys: (one) => [one.name],
    view,
  })
  app.post('/v2/tags', async (c) => {
    const { name } = await read(c, z.strictObject({ name: tagName }))
    cloud.learnTags([name])
    cloud.save()
    return c.json({ tag: view({ name }) }, 201)
  })
  app.delete('/v2/tags/:key', (c) => {
    const tag = find(c.req.param('key'))
    for (const one of [...state.droplets, ...state.volumes, ...state.snapshots, ...state.firewalls])
      one.tags = one.tags.filter((name) => name !== tag.name)
    cloud.drop(state.tags, tag)
    return cloud.done(c)
  })
  for (const method of ['post', 'delete'] as const)
    app[method]('/v2/tags/:key/resources', async (c) => {
      const { name } = find(c.req.param('key'))
      const wish = (await read(c, resources)).resources.map((one) =>
        need(kinds[one.resource_type]?.().find((each) => String(each.id) === one.resource_id)),
      )
      refuse(422, 'resources can not be empty', wish.length === 0)
      for (const one of wish) {
        one.tags = one.tags.filter((tag) => tag !== name)
        if (method === 'post') one.tags.push(name)
      }
      return cloud.done(c)
    })
}
