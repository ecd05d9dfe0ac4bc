import { behaviourOf } from './behaviour.ts'
import { regionsOf } from './catalog.ts'
import type { Cloud } from './cloud.ts'
import { need, page } from './reply.ts'
import type { Action } from './state.ts'

/** An action as the API shows it; its end may show later than its effect. */
export function actionView(cloud: Cloud, action: Action) {
  const { id, kind, status, type, started_at, completed_at, region, about } = action
  const unseen =
    action.ended !== undefined && Date.now() - action.ended < behaviourOf(cloud.world).actionLagMs
  return {
    id,
    status: unseen ? 'in-progress' : status,
    type,
    started_at,
    completed_at: unseen ? null : completed_at,
    resource_id: kind === 'droplet' ? (about.droplet ?? null) : null,
    resource_type: { droplet: 'droplet', volume: 'backend', address: 'reserved_ip' }[kind],
    region: regionsOf(cloud).find((one) => one.slug === region),
    region_slug: region,
  }
}

/** The actions of the account, newest first, and one of them. */
export function actionRoutes(cloud: Cloud): void {
  cloud.show('/v2/actions', {
    names: ['action', 'actions'],
    all: () => cloud.state.actions.toReversed(),
    keys: (one) => [one.id],
    view: (one) => actionView(cloud, one),
  })
}

/** Serves the actions of one kind of thing, found by its key; `more` is what only a single one tells. */
export function actionsOf<T>(
  cloud: Cloud,
  path: string,
  find: (key: string | undefined) => T,
  own: (thing: T, action: Action) => boolean,
  more: (thing: T) => object = () => ({}),
): void {
  const all = (thing: T) => cloud.state.actions.filter((one) => own(thing, one)).toReversed()
  cloud.app.get(`${path}/:key/actions`, (c) => {
    const actions = all(find(c.req.param('key')))
    return page(
      c,
      'actions',
      actions.map((one) => actionView(cloud, one)),
    )
  })
  cloud.app.get(`${path}/:key/actions/:id`, (c) => {
    const thing = find(c.req.param('key'))
    const action = need(all(thing).find((one) => String(one.id) === c.req.param('id')))
    return c.json({ action: { ...actionView(cloud, action), ...more(thing) } })
  })
}
