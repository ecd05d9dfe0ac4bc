import t from 'tap'
import { authorities, firstServer } from '../../cloud-init/test/sample.ts'
import type { Cluster } from '../../lib/cluster/cluster.ts'
import { deliver } from '../../lib/machines/first/bundle.ts'
import type { Buckets } from '../../lib/store/buckets.ts'

t.test(
  'a bundle is in the bucket before its user-data is told, which holds nothing of lasting worth',
  async (t) => {
    const put: string[] = []
    const bodies: Buffer[] = []
    const signed: [string, string, number][] = []
    const kit = {
      put: async (key: string, body: Uint8Array | string) => {
        put.push(key)
        bodies.push(Buffer.from(body))
      },
      sign: async (method: string, key: string, seconds: number) => {
        signed.push([method, key, seconds])
        return `https://kit.example/${key}?method=${method}`
      },
    }
    const userData = await deliver(
      { cloud: { clockOffset: () => 0 } } as unknown as Cluster,
      { kit, accessKey: async () => 'DO00' } as unknown as Buckets,
      {
        node: firstServer,
        authorities,
        kubernetes: {},
      },
    )
    t.same(put, ['bundles/main-1.tar.gz', 'nodes/main-1/bundle.json'])
    t.same(signed.map(([method, key]) => `${method} ${key}`).sort(), [
      'DELETE bundles/main-1.tar.gz',
      'GET bundles/main-1.tar.gz',
      ...['argocd', 'fetch', 'host', 'k3s', 'started'].map((step) => `PUT nodes/main-1/${step}.json`),
    ])
    // The longest that Signature Version 4 allows (https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html).
    for (const [, , seconds] of signed) t.equal(seconds, 604_800)
    t.match(userData, 'https://kit.example/bundles/main-1.tar.gz?method=GET')
    // What opens the bundle is in the user-data alone, and what it opens in the bucket alone.
    const key = /KEY='([\w-]{22})'/.exec(userData)?.[1] ?? ''
    t.ok(key)
    t.notOk(bodies.some((one) => one.includes(key)))
    t.equal(bodies[0]?.subarray(0, 8).toString(), 'Salted__')
    for (const secret of [firstServer.tokens.server, firstServer.tokens.agent, authorities.server.key])
      t.notOk(userData.includes(secret))
  },
)
