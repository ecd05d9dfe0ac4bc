import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { Secret } from '../../lib/base/secret.ts'
import { connectDigitalOcean } from '../../lib/clients/digitalocean.ts'

t.test('a project that lists show and that cannot be asked for yet has nothing in it', async (t) => {
  let status = 404
  const server = createServer((_request, response) => {
    response
      .writeHead(status, { 'content-type': 'application/json' })
      .end(JSON.stringify({ id: 'not_found', message: 'The resource you requested could not be found.' }))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  t.teardown(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const cloud = await connectDigitalOcean(url, new Secret('dop_v1_mine'))
  t.same(await cloud.projectResources('p1'), [])
  status = 403
  await t.rejects(cloud.projectResources('p1'), { message: 'the DigitalOcean token may not read resources' })
})
