import { gzipSync } from 'node:zlib'
import t from 'tap'
import { pack } from 'tar-stream'
import { backedObjects } from '../../lib/backup/objects.ts'
import { differenceOf } from '../../lib/backup/restore/content.ts'
import { bare } from '../../lib/backup/restore/return.ts'
import type { Bucket } from '../../lib/clients/s3.ts'

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
    { resource: 'secrets', id: 'shop/db', owner: { kind: 'SealedSecret', name: 'db' } },
    { resource: 'namespaces', id: 'shop', owner: undefined },
  ])
  t.equal(one.length, 2)
  t.not(one[0]?.digest, other[0]?.digest, 'the content counts')
})

t.test(
  'what k3s makes in every cluster lies in its own namespace; a copy elsewhere is a person’s',
  async (t) => {
    const object = (namespace: string) => ({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: {
        name: 'coredns',
        namespace,
        labels: { 'objectset.rio.cattle.io/hash': 'bce283298811743a0386' },
      },
    })
    const file = (namespace: string) => `resources/deployments.apps/namespaces/${namespace}/coredns.json`
    const bytes = await tarball({
      [file('kube-system')]: object('kube-system'),
      [file('shop')]: object('shop'),
    })
    const found = await backedObjects(holding(bytes), 'daily')
    t.same(
      found.map(({ id, clustersOwn }) => [id, clustersOwn]),
      [
        ['kube-system/coredns', true],
        ['shop/coredns', false],
      ],
    )
  },
)

t.test('a pod’s folders on its machine’s disk are kept in mind', async (t) => {
  const bytes = await tarball({
    'resources/pods/namespaces/shop/web-1.json': {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'web-1', namespace: 'shop' },
      spec: {
        containers: [{ name: 'main', volumeMounts: [{ name: 'data', mountPath: '/data' }] }],
        volumes: [{ name: 'data', hostPath: { path: '/srv/shop' } }],
      },
    },
  })
  t.match(await backedObjects(holding(bytes), 'daily'), [{ id: 'shop/web-1', onDisk: ['/srv/shop'] }])
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
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name: 'web',
      namespace: 'shop',
      labels: { app: 'web' },
      annotations: { 'argocd.argoproj.io/tracking-id': 'apps:apps/Deployment:shop/web', mine: 'yes' },
      finalizers: ['example.org/mine'],
      uid: '1',
      resourceVersion: '7',
      managedFields: [],
      ownerReferences: [],
    },
    spec: { replicas: 2 },
    status: { replicas: 2 },
  }
  const metadata = {
    name: 'web',
    namespace: 'shop',
    labels: { app: 'web', 'velero.io/restore-name': 'restore-main-2' },
    annotations: deployment.metadata.annotations,
    finalizers: ['example.org/mine'],
  }
  t.same(bare(deployment, 'restore-main-2'), {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata,
    spec: { replicas: 2 },
  })
  t.same(bare(deployment, 'restore-main-2', true).metadata.annotations, { mine: 'yes' }, 'out of Git’s hands')
  const service = (clusterIP: string) =>
    bare(
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'web', namespace: 'shop' },
        spec: { clusterIP, clusterIPs: [clusterIP], ports: [{ port: 80, nodePort: 30080 }] },
      },
      'restore-main-2',
    ).spec
  t.same(service('10.43.0.9'), { ports: [{ port: 80, nodePort: 30080 }] }, 'node ports are a person’s')
  t.same(service('None'), { clusterIP: 'None', ports: [{ port: 80, nodePort: 30080 }] })
  t.end()
})

t.test('a difference is told by its field, and never by the content of a Secret', (t) => {
  const one = (kind: string, body: object, metadata: object = {}) => ({
    apiVersion: 'v1',
    kind,
    metadata: { name: 'web', ...metadata },
    ...body,
  })
  t.equal(
    differenceOf(one('Deployment', { spec: { replicas: 1 } }), one('Deployment', { spec: { replicas: 3 } })),
    'spec.replicas is 1, was 3',
  )
  t.equal(
    differenceOf(one('Secret', { data: { pin: 'MQ==' } }), one('Secret', { data: { pin: 'Mg==' } })),
    'data.pin differs',
  )
  t.equal(
    differenceOf(
      one('Service', { spec: { clusterIP: '10.43.0.7' } }),
      one('Service', { spec: { clusterIP: '10.43.0.9' } }),
    ),
    '',
    'an address is the cluster’s',
  )
  t.equal(
    differenceOf(one('Namespace', {}), one('Namespace', {}, { labels: { team: 'red' } })),
    'metadata.labels.team is not there, was red',
  )
  t.equal(
    differenceOf(
      one('ConfigMap', { data: {} }),
      one('ConfigMap', {}, { annotations: { 'velero.io/x': '1' } }),
    ),
    '',
  )
  t.end()
})
