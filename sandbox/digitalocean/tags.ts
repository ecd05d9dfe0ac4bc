import { z } from 'zod'
import type { Cloud } from './cloud.ts'
import { need, read } from './reply.ts'
import type { Tag } from './state.ts'

const valid = /^[a-zA-Z0-9_\-:]+$/
/** A tag's name. */
export const tagName = z.string().max(255).regex(valid, 'tag contains invalid characters')

const resource = z.strictObject({
  resource_id: z.union([z.string(), z.number()]).transform(String),
  resource_type: z.enum(['droplet', 'volume', 'volume_snapshot']),
})
const tagging = z.strictObject({ resources: z.array(resource).min(1) })

/** Tags; a new one comes into being with its first use on a thing, but a firewall must know it already. */
export function tagRoutes(cloud: Cloud): void {
  const { app, state } = cloud
  const kinds = {
    droplet: () => state.droplets,
    volume: () => state.volumes,
    volume_snapshot: () => state.snapshots,
  }
  const view = ({ name }: Pick<Tag, 'name'>) => {
    const count = (all: { tags: string[] }[]) => all.filter((one) => one.tags.includes(name)).length
    const counts = Object.entries(kinds).map(([kind, all]) => [`${kind}s`, { count: count(all()) }])
    const total = count(Object.values(kinds).flatMap<{ tags: string[] }>((all) => all()))
    const none = { images: { count: 0 }, databases: { count: 0 } }
    return { name, resources: { count: total, ...none, ...Object.fromEntries(counts) } }
  }
  const find = cloud.show<Tag>('/v2/tags', {
    names: ['tag', 'tags'],
    all: () => state.tags,
    keys: (one) => [one.name],
    view,
    remove: (tag) => {
      for (const one of [...state.droplets, ...state.volumes, ...state.snapshots, ...state.firewalls])
        one.tags = one.tags.filter((name) => name !== tag.name)
      cloud.drop(state.tags, tag)
    },
  })
  app.post('/v2/tags', async (c) => {
    const { name } = await read(c, z.strictObject({ name: tagName }))
    cloud.learnTags([name])
    return cloud.done(c, { tag: view({ name }) }, 201)
  })
  for (const method of ['post', 'delete'] as const)
    app[method]('/v2/tags/:key/resources', async (c) => {
      const { name } = find(c.req.param('key'))
      const { resources } = await read(c, tagging)
      const things = resources.map(({ resource_id, resource_type }) => {
        const all: { id: string | number; tags: string[] }[] = kinds[resource_type]()
        return need(all.find((one) => String(one.id) === resource_id))
      })
      for (const one of things) {
        one.tags = one.tags.filter((tag) => tag !== name)
        if (method === 'post') one.tags.push(name)
      }
      return cloud.done(c)
    })
}
