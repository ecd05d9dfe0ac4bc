import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { Secret } from '../../lib/base/secret.ts'
import { connectStore } from '../../lib/clients/s3.ts'

// A store that loses the first answer to each change, and then says what stores say to a second one.
let lost = new Set<string>()
let seen = 200
const server = createServer((request, response) => {
  request.resume()
  if (request.method === 'HEAD') return response.writeHead(seen).end()
  if (!lost.has(request.method ?? '')) {
    lost.add(request.method ?? '')
    return response.destroy()
  }
  const [status, code] = request.method === 'PUT' ? [409, 'BucketAlreadyExists'] : [404, 'NoSuchBucket']
  return response
    .writeHead(status as number, { 'content-type': 'application/xml' })
    .end(`<Error><Code>${code}</Code></Error>`)
})
await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
t.teardown(() => server.close())
const { port } = server.address() as AddressInfo
const key = { accessKey: 'DO00', secretKey: new Secret('not so secret') }
const store = await connectStore(`http://127.0.0.1:${port}`, 'fra1', key)

t.test('a bucket whose first answer was lost is ours', async (t) => {
  t.equal(await store.createBucket('regrow-b'), true)
})

t.test('one of that name that is a stranger’s is refused', async (t) => {
  lost = new Set()
  seen = 403
  await t.rejects(store.createBucket('regrow-b'), { message: /409 BucketAlreadyExists/ })
})

t.test('of one that exists and does not show it says so', async (t) => {
  lost = new Set(['PUT'])
  seen = 404
  t.equal(await store.createBucket('regrow-b'), false)
})

t.test('a removed bucket whose answer was lost is gone', async (t) => {
  await t.resolves(store.removeBucket('regrow-b'))
})
