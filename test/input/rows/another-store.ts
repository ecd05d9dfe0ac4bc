import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { z } from 'zod'
import { box } from './boxes.ts'
import type { Row } from './row.ts'

const { AWS_ENDPOINT_URL: store = '' } = box.env
const other = (more = '') =>
  `store: {endpoint: '${store}', region: eu-1, velero: my-velero, kit: my-kit}\n${more}`
const stores = await otherStore()

/** Buckets and keys that a person made at another store. */
export const anotherStore: Row[] = [
  {
    run: 'bootstrap.mts --config b2.yaml',
    given: () => box.file('b2.yaml', other()),
    code: 2,
    found: [
      [
        'cluster.yaml names another store, and REGROW_STORE_ENDPOINT, REGROW_STORE_KEY, REGROW_STORE_SECRET, REGROW_VELERO_KEY, REGROW_VELERO_SECRET are not set',
        'Its address is needed, and two keys: yours for both buckets, the cluster’s for the backups’ bucket only (docs/setup.md).',
      ],
    ],
  },
  {
    run: 'bootstrap.mts --config b3.yaml',
    given: () => box.file('b3.yaml', other().replace('my-kit', 'no-kit')),
    env: { REGROW_STORE_ENDPOINT: store, ...stores.operator, ...stores.cluster },
    code: 1,
    found: [['bucket no-kit is not there', `Make it at ${store}.`]],
  },
  {
    run: 'bootstrap.mts --config b2.yaml',
    env: { REGROW_STORE_ENDPOINT: store, ...stores.half, ...stores.cluster },
    code: 1,
    found: [
      [
        'the key in REGROW_STORE_KEY may not use bucket my-kit',
        `Give it to the key at ${store}, or name other buckets (store.velero, store.kit).`,
      ],
    ],
  },
  {
    run: 'bootstrap.mts --config b2.yaml',
    env: { REGROW_STORE_ENDPOINT: store, ...stores.operator, ...stores.tooMuch },
    code: 1,
    found: [
      [
        'the key in REGROW_VELERO_KEY opens bucket my-kit too',
        `It will live in the cluster: make one at ${store} for my-velero only.`,
      ],
    ],
  },
  {
    run: 'bootstrap.mts --config b2.yaml',
    env: { REGROW_STORE_ENDPOINT: 'https://s3.example.org', ...stores.operator, ...stores.cluster },
    code: 2,
    found: [
      [
        `cluster.yaml names the store ${store}, and REGROW_STORE_ENDPOINT is https://s3.example.org`,
        'The kit and every key go there. If it is the store of your keys, set REGROW_STORE_ENDPOINT to it as well. If not, find out who changed store.endpoint in Git.',
      ],
    ],
  },
]

/** Two buckets as a person makes them at another store, and keys of several reach. */
async function otherStore() {
  const keyFor = async (variables: [string, string], grants: [string, string][]) => {
    const made = await box.cloud('POST', '/v2/spaces/keys', {
      name: 'mine',
      grants: grants.map(([bucket, permission]) => ({ bucket, permission })),
    })
    const { key } = z
      .object({ key: z.object({ access_key: z.string(), secret_key: z.string() }) })
      .parse(made)
    return { [variables[0]]: key.access_key, [variables[1]]: key.secret_key }
  }
  const mine: [string, string] = ['REGROW_STORE_KEY', 'REGROW_STORE_SECRET']
  const clusters: [string, string] = ['REGROW_VELERO_KEY', 'REGROW_VELERO_SECRET']
  const whole = await keyFor(mine, [['', 'fullaccess']])
  const client = new S3Client({
    endpoint: store,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: {
      accessKeyId: whole.REGROW_STORE_KEY ?? '',
      secretAccessKey: whole.REGROW_STORE_SECRET ?? '',
    },
  })
  for (const Bucket of ['my-velero', 'my-kit']) await client.send(new CreateBucketCommand({ Bucket }))
  client.destroy()
  const both: [string, string][] = [
    ['my-velero', 'readwrite'],
    ['my-kit', 'readwrite'],
  ]
  return {
    operator: await keyFor(mine, both),
    half: await keyFor(mine, both.slice(0, 1)),
    cluster: await keyFor(clusters, both.slice(0, 1)),
    tooMuch: await keyFor(clusters, both),
  }
}
