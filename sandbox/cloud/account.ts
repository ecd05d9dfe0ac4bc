import { z } from 'zod'
import { images, regions, sizes } from './catalog.ts'
import type { Cloud } from './cloud.ts'
import { need, page, Refusal } from './reply.ts'
import { now } from './state.ts'

/** Account, catalogue, projects and tags. */
export function accountRoutes(cloud: Cloud): void {
  const { app, state } = cloud
  app.get('/v2/account', (c) =>
    c.json({
      account: {
        droplet_limit: 25,
        floating_ip_limit: 3,
        reserved_ip_limit: 3,
        volume_limit: 100,
        email: 'alice@example.org',
        name: 'Alice',
        uuid: state.userUuid,
        email_verified: true,
        status: 'active',
        status_message: '',
        team: { uuid: state.teamUuid, name: 'My Team' },
      },
    }),
  )
  app.get('/v2/sizes', (c) => page(c, 'sizes', (cloud.world.load('sizes') as unknown[] | undefined) ?? sizes))
  app.get('/v2/regions', (c) => page(c, 'regions', regions))
  app.get('/v2/images', (c) => page(c, 'images', images))
  app.get('/v2/images/:slug', (c) =>
    c.json({ image: need(images.find((one) => one.slug === c.req.param('slug'))) }),
  )

  const view = ({ resources: _, ...project }: (typeof state.projects)[number]) => ({
    ...project,
    owner_uuid: state.userUuid,
    owner_id: 1,
    updated_at: project.created_at,
  })
  app.get('/v2/projects', (c) => page(c, 'projects', state.projects.map(view)))
  app.get('/v2/projects/:id', (c) => {
    const id = c.req.param('id')
    return c.json({
      project: view(need(state.projects.find((one) => (id === 'default' ? one.is_default : one.id === id)))),
    })
  })
  app.post('/v2/projects', async (c) => {
    const wish = z
      .object({
        name: z.string(),
        purpose: z.string(),
        description: z.string().default(''),
        environment: z.string().default('Development'),
      })
      .parse(await c.req.json())
    if (state.projects.some((one) => one.name === wish.name)) throw new Refusal(409, 'name already in use')
    const project = { id: cloud.uuid(), ...wish, is_default: false, created_at: now(), resources: [] }
    state.projects.push(project)
    cloud.save()
    return c.json({ project: view(project) }, 201)
  })
  app.delete('/v2/projects/:id', (c) => {
    const project = need(state.projects.find((one) => one.id === c.req.param('id')))
    if (project.is_default) throw new Refusal(412, 'cannot delete the default project')
    if (project.resources.length > 0) throw new Refusal(412, 'cannot delete a project with resources')
    state.projects.splice(state.projects.indexOf(project), 1)
    cloud.save()
    return c.body(null, 204)
  })
  app.get('/v2/projects/:id/resources', (c) => {
    const project = need(state.projects.find((one) => one.id === c.req.param('id')))
    return page(
      c,
      'resources',
      project.resources.map((urn) => ({
        urn,
        assigned_at: project.created_at,
        status: 'ok',
        links: { self: '' },
      })),
    )
  })
  app.post('/v2/projects/:id/resources', async (c) => {
    const project = need(state.projects.find((one) => one.id === c.req.param('id')))
    const { resources } = z.object({ resources: z.array(z.string()) }).parse(await c.req.json())
    for (const urn of resources) cloud.assign(urn, project.id)
    cloud.save()
    return c.json({
      resources: resources.map((urn) => ({
        urn,
        assigned_at: now(),
        status: 'assigned',
        links: { self: '' },
      })),
    })
  })

  const tagView = (name: string) => ({
    name,
    resources: {
      count:
        state.droplets.filter((one) => one.tags.includes(name)).length +
        state.volumes.filter((one) => one.tags.includes(name)).length,
    },
  })
  app.get('/v2/tags', (c) => page(c, 'tags', state.tags.map(tagView)))
  app.get('/v2/tags/:name', (c) =>
    c.json({ tag: tagView(need(state.tags.find((one) => one === c.req.param('name')))) }),
  )
  app.post('/v2/tags', async (c) => {
    const { name } = z.object({ name: z.string().regex(/^[\w:-]{1,255}$/) }).parse(await c.req.json())
    cloud.learnTags([name])
    cloud.save()
    return c.json({ tag: tagView(name) }, 201)
  })
  app.delete('/v2/tags/:name', (c) => {
    const name = need(state.tags.find((one) => one === c.req.param('name')))
    state.tags = state.tags.filter((one) => one !== name)
    for (const one of [...state.droplets, ...state.volumes, ...state.snapshots, ...state.firewalls])
      one.tags = one.tags.filter((tag) => tag !== name)
    cloud.save()
    return c.body(null, 204)
  })
  const resources = z.object({
    resources: z.array(z.object({ resource_id: z.string(), resource_type: z.string() })),
  })
  for (const method of ['post', 'delete'] as const)
    app[method]('/v2/tags/:name/resources', async (c) => {
      const name = need(state.tags.find((one) => one === c.req.param('name')))
      for (const one of resources.parse(await c.req.json()).resources) {
        const tagged = need(
          [...state.droplets, ...state.volumes, ...state.snapshots].find(
            (each) => String(each.id) === one.resource_id,
          ),
        )
        tagged.tags = tagged.tags.filter((tag) => tag !== name)
        if (method === 'post') tagged.tags.push(name)
      }
      cloud.save()
      return c.body(null, 204)
    })
}
