import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import type { Cloud } from './cloud.ts'
import { need, page, read, refuse } from './reply.ts'
import { made, now, type Project } from './state.ts'

const environment = z
  .string()
  .transform((text) => text.charAt(0).toUpperCase() + text.slice(1).toLowerCase())
  .pipe(z.enum(['Development', 'Staging', 'Production']))
const wishes = {
  name: z.string().min(1).max(175),
  description: z.string().max(255),
  purpose: z.string().min(1).max(255),
  environment,
}

const withoutNulls = (body: unknown) =>
  Object.fromEntries(Object.entries(body ?? {}).filter(([, value]) => value !== null))

/** Projects and what lies in them. */
export function projectRoutes(cloud: Cloud): void {
  const { app, state } = cloud
  const view = ({ resources: _, born: __, ...project }: Project) => ({
    ...project,
    owner_uuid: state.team,
    owner_id: 1,
  })
  const find = cloud.show('/v2/projects', {
    names: ['project', 'projects'],
    all: () => state.projects,
    keys: (one) => (one.is_default ? [one.id, 'default'] : [one.id]),
    view,
    remove: (project) => {
      refuse(412, 'cannot delete the default project', project.is_default)
      const text = 'cannot delete a project with resources. move or remove the resources first'
      refuse(412, text, project.resources.length > 0)
      cloud.drop(state.projects, project)
    },
  })
  app.post('/v2/projects', async (c) => {
    const wish = await read(
      c,
      z.strictObject({
        ...wishes,
        description: wishes.description.default(''),
        environment: environment.default('Development'),
      }),
    )
    refuse(
      409,
      'name is already in use',
      state.projects.some((one) => one.name === wish.name),
    )
    const times = { ...made(), updated_at: now() }
    const project: Project = { id: randomUUID(), ...wish, is_default: false, ...times, resources: [] }
    state.projects.push(project)
    return cloud.done(c, { project: view(project) }, 201)
  })
  const all = z.strictObject({ ...wishes, is_default: z.boolean() })
  // What doctl is not told it sends as null.
  const some = z.preprocess(withoutNulls, all.partial())
  for (const method of ['put', 'patch'] as const)
    app[method]('/v2/projects/:key', async (c) => {
      const project = find(c.req.param('key'))
      const { is_default: chosen, ...given } = await read(c, method === 'put' ? all : some)
      if (chosen) for (const one of state.projects) one.is_default = one === project
      Object.assign(project, given, { updated_at: now() })
      return cloud.done(c, { project: view(project) })
    })
  resourceRoutes(cloud, find)
}

const urn = /^do:(dbaas|domain|droplet|floatingip|reservedip|loadbalancer|space|volume|kubernetes|vpc):(.+)$/
const wanted = z.strictObject({ resources: z.array(z.string().regex(urn, 'urn is invalid')) })

function resourceRoutes(cloud: Cloud, find: (key: string | undefined) => Project): void {
  const { app, state } = cloud
  const view = (resource: { urn: string; assigned_at: string }, status: string) => {
    const [, kind = '', id] = urn.exec(resource.urn) ?? []
    const place = { floatingip: 'reserved_ips', kubernetes: 'kubernetes/clusters' }[kind] ?? `${kind}s`
    return { ...resource, links: { self: `https://api.digitalocean.com/v2/${place}/${id}` }, status }
  }
  app.get('/v2/projects/:key/resources', (c) => {
    const project = find(c.req.param('key'))
    return page(
      c,
      'resources',
      project.resources.map((one) => view(one, 'ok')),
    )
  })
  /** Things of kinds that are not simulated are believed. */
  const exists = (kind: string, id: string) => {
    const simulated: Record<string, () => string[]> = {
      droplet: () => state.droplets.map((one) => String(one.id)),
      volume: () => state.volumes.map((one) => one.id),
      floatingip: () => state.reservedIps.map((one) => one.ip),
    }
    return simulated[kind]?.().includes(id) ?? true
  }
  app.post('/v2/projects/:key/resources', async (c) => {
    const project = find(c.req.param('key'))
    const { resources } = await read(c, wanted)
    const answers = resources.map((given) => {
      const name = given.replace('do:reservedip:', 'do:floatingip:')
      const [, kind = '', id = ''] = urn.exec(name) ?? []
      const here = project.resources.find((one) => one.urn === name)
      if (here) return view(here, 'already_assigned')
      if (!exists(kind, id)) return view({ urn: name, assigned_at: now() }, 'not_found')
      cloud.assign(name, project.id)
      return view(need(project.resources.at(-1)), 'assigned')
    })
    return cloud.done(c, { resources: answers })
  })
}
