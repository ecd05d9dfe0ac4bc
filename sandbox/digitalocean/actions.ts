import type { Context } from 'hono'
import { behaviourOf } from './behaviour.ts'
import { regionsOf } from './catalog.ts'
import type { Cloud } from './cloud.ts'
import { need, page } from './reply.ts'
import type { Action } from './state.ts'

/** An action as the API shows it; its end may show later than its effect. */
export function actionView(cloud: Cloud, action: Action) {
  const { id, status, type, started_at, completed_at, resource_id, resource_type, region } = action
  const unseen =
    action.ended !== undefined && Date.now() - action.ended < behaviourOf(cloud.world).actionLagMs
  return {
    id,
    status: unseen ? 'in-progress' : status,
    type,
    started_at,
    completed_at: unseen ? null : completed_at,
    resource_id,
    resource_type,
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

/** Serves the actions of one kind of thing: a droplet's, a volume's. */
export function actionsOf(
  cloud: Cloud,
  path: string,
  own: (key: string | undefined) => (action: Action) => boolean,
) {
  const all = (c: Context) => cloud.state.actions.filter(own(c.req.param('key'))).toReversed()
  cloud.app.get(`${path}/:key/actions`, (c) =>
    page(
      c,
      'actions',
      all(c).map((one) => actionView(cloud, one)),
    ),
  )
  cloud.app.get(`${path}/:key/actions/:id`, (c) => {
    const action = need(all(c).find((one) => String(one.id) === c.req.param('id')))
    return c.json({ action: actionView(cloud, action) })
  })
}
