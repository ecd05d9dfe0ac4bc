import { behaviourOf } from './behaviour.ts'
import { images, regionsOf, sizesOf } from './catalog.ts'
import type { Cloud } from './cloud.ts'
import { need, page } from './reply.ts'

/** The account and the catalogue. */
export function accountRoutes(cloud: Cloud): void {
  const { app, state } = cloud
  app.get('/v2/account', (c) => {
    const { limits, otherTeam } = behaviourOf(cloud.world)
    const isOther = c.req.header('authorization') === `Bearer ${otherTeam}`
    const account = {
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
      team: { uuid: isOther ? state.user : state.team, name: 'My Team' },
    }
    return c.json({ account })
  })
  app.get('/v2/sizes', (c) => page(c, 'sizes', sizesOf(cloud)))
  app.get('/v2/regions', (c) => page(c, 'regions', regionsOf(cloud)))
  app.get('/v2/images', (c) => {
    const { type = 'distribution', private: own, tag_name: tag } = c.req.query()
    return page(c, 'images', type === 'distribution' && own !== 'true' && !tag ? images : [])
  })
  app.get('/v2/images/:key', (c) => {
    const key = c.req.param('key')
    return c.json({ image: need(images.find((one) => one.slug === key || String(one.id) === key)) })
  })
}
