import { gzipSync } from 'node:zlib'
import t from 'tap'
import { pack } from 'tar-stream'
import { type BackedObject, backedObjects, compareObjects } from '../../lib/backup/objects.ts'
import { bare } from '../../lib/backup/workloads.ts'
import type { Bucket } from '../../lib/clients/s3.ts'

const object = (resource: string, id: string, more: Partial<BackedObject> = {}): BackedObject => ({
  resource,
  id,
  owner: undefined,
  digest: undefined,
  ...more,
})
const present = (things: Record<string, Record<string, string | undefined>>) =>
  new Map(Object.entries(things).map(([resource, ids]) => [resource, new Map(Object.entries(ids))]))

t.test('each kind is counted: back, left out with the reason, missing by name', (t) => {
  const proofs = compareObjects(
    [
      object('secrets', 'shop/db', { digest: 'a' }),
      object('secrets', 'shop/gone', { digest: 'b' }),
      object('secrets', 'shop/opened', { owner: 'SealedSecret opened', digest: 'c' }),
      object('secrets', 'shop/robot', { type: 'kubernetes.io/service-account-token', digest: 'e' }),
      object('configmaps', 'shop/kube-root-ca.crt', { digest: 'd' }),
      object('pods', 'shop/web-1', { owner: 'ReplicaSet web' }),
      object('persistentvolumes', 'pvc-1'),
      object('postgresqls.example.org', 'shop/db'),
      object('services', 'velero/metrics'),
    ],
    present({ secrets: { 'shop/db': 'a' }, configmaps: {} }),
    true,
  )
  t.same(proofs, [
    {
      resource: 'configmaps',
      inBackup: 1,
      back: 0,
      leftOut: { 'made anew by Kubernetes': ['shop/kube-root-ca.crt'] },
      missing: [],
    },
    {
      resource: 'persistentvolumes',
      inBackup: 1,
      back: 0,
      leftOut: { 'proven with its volume': ['pvc-1'] },
      missing: [],
    },
    {
      resource: 'pods',
      inBackup: 1,
      back: 0,
      leftOut: { 'made anew by what runs them': ['shop/web-1'] },
      missing: [],
    },
    {
      resource: 'postgresqls.example.org',
      inBackup: 1,
      back: 0,
      leftOut: {},
      missing: [{ id: 'shop/db', why: 'the cluster knows no such kind' }],
    },
    {
      resource: 'secrets',
      inBackup: 4,
      back: 1,
      leftOut: {
        'opened anew from its SealedSecret': ['shop/opened'],
        'made anew by Kubernetes': ['shop/robot'],
      },
      missing: [{ id: 'shop/gone', why: 'it is not there' }],
    },
    {
      resource: 'services',
      inBackup: 1,
      back: 0,
      leftOut: { 'comes with the platform': ['velero/metrics'] },
      missing: [],
    },
  ])
  t.end()
})

t.test('a Secret with another content is no Secret that came back, until Git and apps are at work', (t) => {
  const backed = [object('secrets', 'shop/db', { digest: 'a' })]
  const there = present({ secrets: { 'shop/db': 'altered' } })
  t.same(compareObjects(backed, there, true)[0]?.missing, [
    { id: 'shop/db', why: 'its content is not the backup’s' },
  ])
  t.equal(compareObjects(backed, there, false)[0]?.back, 1)
  t.end()
})

/** A bucket with one object of whatever key. */
const holding = (bytes: Uint8Array | undefined) =>
  ({ name: 'kept', get: async () => bytes }) as unknown as Bucket

async function tarball(files: Record<string, object>): Promise<Buffer> {
  const tar = pack()
  for (const [name, content] of Object.entries(files)) tar.entry({ name }, JSON.stringify(content))
  tar.finalize()
  const chunks: Buffer[] = []
  for await (const chunk of tar as AsyncIterable<Buffer>) chunks.push(chunk)
  return gzipSync(Buffer.concat(chunks))
}

t.test('a tarball of Velero’s is read object by object, each once', async (t) => {
  const secret = (value: string) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'db', namespace: 'shop', ownerReferences: [{ kind: 'SealedSecret', name: 'db' }] },
    data: { password: value },
  })
  const read = async (value: string) =>
    backedObjects(
      holding(
        await tarball({
          'metadata/version': {},
          'resources/secrets/namespaces/shop/db.json': secret(value),
          'resources/secrets/v1-preferredversion/namespaces/shop/db.json': secret(value),
          'resources/namespaces/cluster/shop.json': {
            apiVersion: 'v1',
            kind: 'Namespace',
            metadata: { name: 'shop' },
          },
        }),
      ),
      'daily',
    )
  const [one, other] = [await read('YQ=='), await read('Yg==')]
  t.match(one, [
    { resource: 'secrets', id: 'shop/db', owner: 'SealedSecret db' },
    { resource: 'namespaces', id: 'shop', owner: undefined, digest: undefined },
  ])
  t.equal(one.length, 2)
  t.not(one[0]?.digest, other[0]?.digest, 'the content counts')
})

t.test('a tarball that was altered or is gone is no backup', async (t) => {
  const bytes = await tarball({ 'resources/secrets/namespaces/shop/db.json': { kind: 'Secret' } })
  await t.rejects(backedObjects(holding(bytes), 'daily'), {
    message: /daily\.tar\.gz in kept cannot be read/,
  })
  await t.rejects(backedObjects(holding(bytes.subarray(0, 40)), 'daily'), { message: /cannot be read/ })
  await t.rejects(backedObjects(holding(undefined), 'daily'), {
    message: 'kept has no backups/daily/daily.tar.gz',
  })
})

t.test('an object is applied to another cluster without what the earlier one gave it', (t) => {
  const one = bare({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name: 'web',
      namespace: 'shop',
      labels: { app: 'web' },
      uid: '1',
      resourceVersion: '7',
      managedFields: [],
      ownerReferences: [],
    },
    spec: { replicas: 2 },
    status: { replicas: 2 },
  })
  t.same(one, {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'shop', labels: { app: 'web' } },
    spec: { replicas: 2 },
  })
  t.end()
})
