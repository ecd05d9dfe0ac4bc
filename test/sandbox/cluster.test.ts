import { request } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { z } from 'zod'
import { makeOperatorCertificate } from '#cloud-init/certificates.ts'
import { aggregated } from '../../sandbox/cluster/discovery.ts'
import { apply, call, cluster, definition, eventually, workload } from './cluster-ground.ts'
import { authorities, clear, ground } from './droplet-ground.ts'

const named = z.object({ name: z.string() })
const versions = z.array(
  z.object({
    version: z.string(),
    resources: z.array(
      z.object({
        resource: z.string(),
        subresources: z.array(z.object({ subresource: z.string() })),
      }),
    ),
  }),
)

t.test('the Kubernetes API', async (t) => {
  const on = await ground()
  t.teardown(() => clear(on))
  const one = await cluster(on)
  const host = on.world.addresses.host(200, 1)
  await one.listen(host, ['main.regrow', host])
  const maps = '/api/v1/namespaces/default/configmaps'
  const send = (method: string, path: string, body: unknown, type = 'application/json') =>
    call(host, path, { method, body, type })

  t.test('objects are made, read, changed and deleted', async (t) => {
    t.match(await send('POST', maps, { metadata: { generateName: 'a-', labels: { x: '1' } } }), {
      status: 201,
      body: {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: /^a-\w{5}$/, uid: String, generation: 1 },
      },
    })
    t.match(await send('POST', maps, { metadata: { name: 'b' }, data: { one: '1', two: '2' } }), {
      status: 201,
    })
    t.match(await send('POST', maps, { metadata: { name: 'b' } }), {
      status: 409,
      body: { reason: 'AlreadyExists' },
    })
    t.match(await call(host, `${maps}/c`), {
      status: 404,
      body: { kind: 'Status', message: 'configmaps "c" not found' },
    })
    t.match(await send('POST', '/api/v1/namespaces/none/secrets', { metadata: { name: 'b' } }), {
      status: 404,
      body: { message: 'namespaces "none" not found' },
    })
    const merge = 'application/merge-patch+json'
    t.match(await send('PATCH', `${maps}/b`, { data: { one: null, three: '3' } }, merge), {
      body: { data: { two: '2', three: '3' } },
    })
    const stale = { metadata: { name: 'b', resourceVersion: '1' }, data: {} }
    t.match(await send('PUT', `${maps}/b`, stale), { status: 409, body: { reason: 'Conflict' } })
    const json = 'application/json-patch+json'
    const operations = [
      { op: 'test', path: '/data/two', value: '2' },
      { op: 'replace', path: '/data/two', value: '22' },
    ]
    t.match(await send('PATCH', `${maps}/b`, operations, json), { body: { data: { two: '22' } } })
    t.match(await send('PATCH', `${maps}/b`, operations, json), { status: 422 }, 'a test that fails')
    t.match(await call(host, `${maps}?labelSelector=x%3D1`), {
      body: { kind: 'ConfigMapList', items: [{ metadata: { labels: { x: '1' } } }] },
    })
    t.match(await call(host, `${maps}?fieldSelector=metadata.name%3Db`), {
      body: { items: [{ metadata: { name: 'b' } }] },
    })
    const names: string[] = []
    for (let next: string | undefined = ''; next !== undefined; ) {
      const page = await call(host, `/api/v1/configmaps?limit=2&continue=${encodeURIComponent(next)}`)
      const { items, metadata } = page.body as {
        items: { metadata: { namespace: string; name: string } }[]
        metadata: { continue?: string }
      }
      t.ok(items.length <= 2)
      names.push(...items.map((one) => `${one.metadata.namespace}/${one.metadata.name}`))
      next = metadata.continue
    }
    const { items } = (await call(host, '/api/v1/configmaps')).body as { items: unknown[] }
    t.equal(new Set(names).size, items.length, 'page by page it is the same list')
    t.equal(names.length, items.length)
    t.match(await send('DELETE', `${maps}/b`, undefined), { status: 200 })
    t.match(await call(host, `${maps}/b`), { status: 404 })
  })

  t.test('server-side apply remembers what a manager applied, and leaves the rest alone', async (t) => {
    const as = (manager: string, data: unknown) =>
      send(
        'PATCH',
        `${maps}/m?fieldManager=${manager}`,
        { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'm' }, data },
        'application/apply-patch+yaml',
      )
    t.match(await as('one', { a: '1', b: '1' }), { status: 201 })
    await as('two', { c: '2' })
    const { body } = await as('one', { a: '1' })
    t.same((body as { data: unknown }).data, { a: '1', c: '2' })
    const { body: again } = await as('one', { a: '1' })
    t.same(again, body, 'the same once more changes nothing')
  })

  t.test('kinds come and go with their definitions', async (t) => {
    t.match(await call(host, '/apis/acme.io/v1alpha1/things'), { status: 404 })
    apply(one, definition('acme.io', 'Thing'))
    const things = '/apis/acme.io/v1alpha1/namespaces/default/things'
    t.match(await send('POST', things, { metadata: { name: 'x' }, spec: {} }), {
      status: 201,
      body: { kind: 'Thing' },
    })
    t.match(await call(host, '/apis/acme.io/v1alpha1'), {
      body: { resources: [{ name: 'things', kind: 'Thing' }] },
    })
    await send('DELETE', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.acme.io', undefined)
    t.match(await call(host, things), { status: 404 })
  })

  t.test('all kinds at once are those that each group tells of itself', async (t) => {
    const all = await Promise.all(
      ['/api', '/apis'].map(async (path) => {
        const { body } = await call(host, path, { accept: aggregated })
        return z.object({ items: z.array(z.looseObject({ metadata: named, versions })) }).parse(body).items
      }),
    )
    for (const { metadata, versions } of all.flat())
      for (const { version, resources } of versions) {
        const base = metadata.name ? `/apis/${metadata.name}/${version}` : `/api/${version}`
        const { body } = await call(host, base)
        const { resources: each } = z.object({ resources: z.array(named) }).parse(body)
        const here = resources.flatMap(({ resource, subresources }) => [
          resource,
          ...subresources.map(({ subresource }) => `${resource}/${subresource}`),
        ])
        t.same(
          here,
          each.map(({ name }) => name),
          base,
        )
      }
    const groups = z.object({ groups: z.array(named) }).parse((await call(host, '/apis')).body).groups
    t.same(
      all[1]?.map(({ metadata }) => metadata.name),
      groups.map(({ name }) => name),
    )
  })

  t.test('a table for people, a watch for programs', async (t) => {
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json'
    t.match(await call(host, '/api/v1/nodes', { accept }), {
      body: {
        kind: 'Table',
        columnDefinitions: [{ name: 'Name' }, { name: 'Status' }],
        rows: [{ cells: ['main-1', 'Ready'] }],
      },
    })
    const all = await authorities()
    const operator = await makeOperatorCertificate(all, { now: new Date() })
    const tls = { ...operator, ca: all.server.cert, servername: 'main.regrow', agent: false }
    const events: string[] = []
    const watching = request(
      { host, port: 6443, path: `${maps}?watch=1&fieldSelector=metadata.name%3Dw`, ...tls },
      (answer) => {
        answer.on('data', (line: Buffer) =>
          events.push(
            ...line
              .toString()
              .trim()
              .split('\n')
              .map((text) => JSON.parse(text).type),
          ),
        )
      },
    )
    watching.end()
    await new Promise((resolve) => watching.once('response', resolve))
    one.store.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'w', namespace: 'default' } })
    one.store.apply({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'w', namespace: 'default' },
      data: { a: '1' },
    })
    one.store.remove('ConfigMap', 'default', 'w')
    await t.resolves(
      new Promise<void>((resolve) => setInterval(() => events.length === 3 && resolve(), 5).unref()),
    )
    t.same(events, ['ADDED', 'MODIFIED', 'DELETED'])
    watching.destroy()
  })

  t.test('pods follow their workload, its scale and evictions', async (t) => {
    apply(one, workload('Deployment', 'default', 'web'))
    const pods = () => one.store.list('Pod', 'default').map((pod) => pod.metadata.name)
    await eventually(one, () => pods().length === 1)
    await send(
      'PATCH',
      '/apis/apps/v1/namespaces/default/deployments/web/scale',
      { spec: { replicas: 3 } },
      'application/merge-patch+json',
    )
    await eventually(one, () => pods().length === 3)
    const [first = ''] = pods()
    t.match(await send('POST', `/api/v1/namespaces/default/pods/${first}/eviction`, {}), { status: 201 })
    await eventually(one, () => pods().length === 3 && !pods().includes(first))
    t.match(await call(host, `/api/v1/namespaces/default/pods/${pods()[0]}/log`), { body: /simulated/ })
    t.match(await send('POST', `/api/v1/namespaces/default/pods/${pods()[0]}/exec?command=ls`, {}), {
      status: 400,
      body: { message: /simulated/ },
    })
    one.store.remove('Deployment', 'default', 'web')
    await eventually(one, () => pods().length === 0)
  })

  t.test('what kubectl create sends as protobuf is read, as far as it is known', async (t) => {
    const field = (number: number, value: string | Buffer) =>
      Buffer.concat([Buffer.from([number * 8 + 2, Buffer.byteLength(value)]), Buffer.from(value)])
    const sent = (kind: string, ...fields: Buffer[]) => {
      const type = Buffer.concat([field(1, 'v1'), field(2, kind)])
      return Buffer.concat([Buffer.from('k8s\0'), field(1, type), field(2, Buffer.concat(fields))])
    }
    const post = (plural: string, body: Buffer) =>
      call(host, `/api/v1/namespaces/default/${plural}`, {
        method: 'POST',
        body,
        type: 'application/vnd.kubernetes.protobuf',
      })
    const data = field(2, Buffer.concat([field(1, 'key'), field(2, 'value')]))
    t.match(await post('secrets', sent('Secret', field(1, field(1, 'proto')), data, field(3, 'Opaque'))), {
      status: 201,
      body: {
        metadata: { name: 'proto' },
        type: 'Opaque',
        data: { key: Buffer.from('value').toString('base64') },
      },
    })
    t.match(await post('pods', sent('Pod', field(1, field(1, 'proto')))), {
      status: 415,
      body: { message: /reads no Pod in protobuf/ },
    })
  })

  t.test('a watch from a number that the store has not reached hears nothing until then', async (t) => {
    const tls = await makeOperatorCertificate(await authorities(), { now: new Date() })
    const heard = (from: string) => {
      const events: string[] = []
      const how = { host, port: 6443, agent: false, rejectUnauthorized: false, ...tls }
      const path = `${maps}?watch=1&fieldSelector=metadata.name%3Dlate&resourceVersion=${from}`
      return new Promise<{ events: string[]; ended: Promise<unknown> }>((resolve) => {
        const sent = request({ ...how, path }, (answer) => {
          answer.on('data', (chunk: Buffer) =>
            events.push(...[...chunk.toString().matchAll(/"type":"([A-Z]+)"/g)].map(([, type = '']) => type)),
          )
          const ended = new Promise((resolve) => answer.once('close', resolve))
          t.teardown(() => sent.destroy())
          resolve({ events, ended })
        })
        sent.end()
      })
    }
    for (let index = 0; index < 20; index++) {
      apply(one, '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"past","namespace":"default"}}')
      one.store.remove('ConfigMap', 'default', 'past')
    }
    const before = one.store.revision
    const open = await heard(String(before))
    one.store.renumber()
    t.ok(one.store.revision < before, 'the numbers begin anew')
    await open.ended
    t.pass('open connections are cut')
    t.match(await call(host, `${maps}?resourceVersion=${before}`), {
      status: 504,
      body: {
        reason: 'Timeout',
        message: `Timeout: Too large resource version: ${before}, current: ${one.store.revision}`,
      },
    })
    const [old, fresh] = [await heard(String(before)), await heard(String(one.store.revision))]
    apply(one, '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"late","namespace":"default"}}')
    for (let tries = 0; tries < 100 && fresh.events.length === 0; tries++) await sleep(5)
    t.same(fresh.events, ['ADDED'])
    t.same(old.events, [], 'it was taken, and hears nothing')
    for (let index = 0; one.store.revision <= before; index++)
      apply(
        one,
        `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"late","namespace":"default"},"data":{"n":"${index}"}}`,
      )
    for (let tries = 0; tries < 100 && old.events.length === 0; tries++) await sleep(5)
    t.same(old.events, ['MODIFIED'], 'once the store has passed it, the next change is heard')
  })

  t.test('a namespace takes along what is in it', async (t) => {
    apply(one, '{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"gone"}}')
    apply(one, '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c","namespace":"gone"}}')
    one.store.remove('Namespace', undefined, 'gone')
    await eventually(one, () => !one.store.find('Namespace', undefined, 'gone'))
    t.equal(one.store.find('ConfigMap', 'gone', 'c'), undefined)
  })
})
