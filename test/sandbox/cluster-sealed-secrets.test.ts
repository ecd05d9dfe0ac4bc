import t from 'tap'
import { sealSecrets } from '../../lib/gitops/sealing.ts'
import { makeSealingKey } from '../../lib/store/sealing-key.ts'
import { listAt, textAt } from '../../sandbox/cluster/tree.ts'
import { apply, cluster, definition, eventually, workload } from './cluster-ground.ts'
import { clear, ground } from './droplet-ground.ts'

t.test('what was sealed is opened by the active key, once the controller runs', async (t) => {
  const on = await ground()
  t.teardown(() => clear(on))
  const one = await cluster(on)
  const { certificate, key } = await makeSealingKey({ now: new Date() })
  const other = await makeSealingKey({ now: new Date() })
  const sealed = (name: string, by: string) =>
    JSON.stringify(
      sealSecrets(
        [
          {
            apiVersion: 'v1',
            kind: 'Secret',
            metadata: { name, namespace: 'default' },
            stringData: { a: 'plain' },
          },
        ],
        by,
      )[0],
    )
  t.match(
    JSON.parse(sealed('mine', certificate)).spec.template.metadata.labels,
    { 'velero.io/exclude-from-backup': 'true' },
    'no backup holds it: restored beside its SealedSecret it would be nobody’s',
  )
  const labels = { 'sealedsecrets.bitnami.com/sealed-secrets-key': 'active' }
  apply(one, '{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"sealed-secrets"}}')
  apply(one, definition('bitnami.com', 'SealedSecret'))
  apply(
    one,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'key', namespace: 'sealed-secrets', labels },
      stringData: { 'tls.crt': certificate, 'tls.key': key },
    }),
  )
  apply(one, '{"apiVersion":"v1","kind":"Secret","metadata":{"name":"taken","namespace":"default"}}')
  for (const name of ['mine', 'taken']) apply(one, sealed(name, certificate))
  apply(one, sealed('foreign', other.certificate))
  t.notOk(one.store.find('Secret', 'default', 'mine'), 'nobody opens it yet')
  apply(one, workload('Deployment', 'sealed-secrets', 'sealed-secrets-controller'))
  const condition = (name: string) =>
    eventually(one, () => listAt(one.store.find('SealedSecret', 'default', name), 'status', 'conditions')[0])
  t.match(await condition('mine'), { type: 'Synced', status: 'True' })
  t.equal(
    Buffer.from(textAt(one.store.get('Secret', 'default', 'mine'), 'data', 'a'), 'base64').toString(),
    'plain',
  )
  t.match(await condition('taken'), {
    status: 'False',
    message: /already exists and is not managed by SealedSecret/,
  })
  t.match(await condition('foreign'), { status: 'False', message: 'no key could decrypt secret' })

  const { store } = one
  store.remove('Secret', 'default', 'mine')
  await eventually(one, () => store.find('Secret', 'default', 'mine')) // what it made it makes again
  const taken = store.get('Secret', 'default', 'taken')
  const annotations = { 'sealedsecrets.bitnami.com/managed': 'true' }
  store.update({ ...taken, metadata: { ...taken.metadata, annotations } })
  apply(one, sealed('taken', certificate))
  await eventually(one, () => textAt(store.get('Secret', 'default', 'taken'), 'data', 'a') !== '')
  t.strictSame(
    store.get('Secret', 'default', 'taken').metadata.annotations ?? {},
    {},
    'taken over as a whole',
  )

  await new Promise((resolve) => setTimeout(resolve, 1100)) // Kubernetes counts in whole seconds
  apply(
    one,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'late', namespace: 'sealed-secrets', labels },
      stringData: { 'tls.crt': other.certificate, 'tls.key': other.key },
    }),
  )
  apply(one, sealed('second', other.certificate))
  t.match(await condition('second'), { status: 'False' }, 'keys are read when it starts')
  for (const pod of store.list('Pod', 'sealed-secrets'))
    store.remove('Pod', 'sealed-secrets', pod.metadata.name)
  await eventually(one, () => store.find('Secret', 'default', 'second'))
  await eventually(one, () => store.find('Secret', 'default', 'foreign'))
})
