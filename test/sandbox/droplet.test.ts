import { request } from 'node:https'
import t from 'tap'
import { makeOperatorCertificate } from '../../lib/node/certificates.ts'
import { authorities, clear, droplet, ground, report } from './droplet-ground.ts'

t.test('a droplet installs itself and serves the API with the authorities of its bundle', async (t) => {
  const on = await ground()
  t.teardown(() => clear(on))
  const hardware = await droplet(on)
  const reserved = on.world.addresses.host(200, 1)
  await on.machines.route(reserved, 1)
  await on.machines.boot(hardware)
  for (const step of ['started', 'fetch', 'host', 'k3s', 'argocd'])
    t.match(await report(on, step), { step, state: 'done', simulated: true })
  t.notOk(on.objects.has('/bundles/main-1.tar.gz'), 'the bundle was deleted')
  const operator = await makeOperatorCertificate(await authorities(), { now: new Date() })
  for (const host of [hardware.publicAddress, reserved]) {
    const nodes = await get(host, '/api/v1/nodes', { ...operator, ca: (await authorities()).server.cert })
    t.match(nodes.body, {
      items: [{ metadata: { name: 'main-1' }, status: { conditions: [{ type: 'Ready', status: 'True' }] } }],
    })
  }
})

function get(
  host: string,
  path: string,
  tls: { key: string; cert: string; ca: string },
): Promise<{ status: number; body: unknown }> {
  return new Promise((resolve, reject) => {
    const call = request(
      { host, port: 6443, path, ...tls, servername: 'kubernetes', agent: false },
      async (answer) => {
        let text = ''
        for await (const chunk of answer) text += chunk
        resolve({ status: answer.statusCode ?? 0, body: JSON.parse(text) })
      },
    )
    call.once('error', reject)
    call.end()
  })
}
