import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { type Thing, textAt } from '../../sandbox/cluster/tree.ts'
import { application, apply, argo, cluster, eventually, git, stateOf, workload } from './cluster-ground.ts'
import { clear, ground } from './droplet-ground.ts'

t.test('an app of apps is brought up in the order of its waves, healed, changed and pruned', async (t) => {
  const on = await ground()
  t.teardown(() => clear(on))
  const wave = (n: number) => ({ annotations: { 'argocd.argoproj.io/sync-wave': String(n) } })
  const files: Record<string, string> = {
    'apps/first.yaml': application('first', { path: 'first' }, {}, wave(-1)),
    'apps/second.yaml': application(
      'second',
      { path: 'second', directory: { include: '{a,b}.yaml' } },
      {},
      wave(1),
    ),
    'apps/cluster.yaml': '# +argocd:skip-file-rendering\nkind: Nonsense\napiVersion: none/v1\n',
    'first/kustomization.yaml': `
resources: [web.yaml]
patches:
  - target: { kind: Deployment }
    patch: |-
      - { op: add, path: /spec/replicas, value: 2 }
`,
    'first/web.yaml': workload('Deployment', 'default', 'web'),
    'second/a.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\ndata: { one: "1" }\n',
    'second/b.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: b }\n',
    'second/c.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: c }\n',
  }
  const one = await cluster(on, git(files))
  const { store } = one
  const order: string[] = []
  store.on(({ kind, thing }) => {
    const state = `${thing.metadata.name}: ${textAt(thing, 'status', 'health', 'status')}`
    if (kind.kind === 'Application' && !order.includes(state)) order.push(state)
  })
  apply(one, argo)
  apply(one, application('root', { path: 'apps' }))
  const started = performance.now()
  await eventually(one, () => stateOf(one, 'root') === 'Synced, Healthy')
  t.comment(`${Math.round(performance.now() - started)} ms`)
  t.ok(
    order.indexOf('first: Healthy') < order.indexOf('second: '),
    'the second wave waits for the first to be healthy',
  )
  t.equal(store.list('Pod', 'default').length, 2, 'the patch was applied')
  t.same(
    store.list('ConfigMap', 'default').map((map) => map.metadata.name),
    ['a', 'b', 'kube-root-ca.crt'],
    'include is honoured',
  )

  store.update({ ...store.get('ConfigMap', 'default', 'a'), data: { one: 'drift' } })
  await eventually(one, () => textAt(store.find('ConfigMap', 'default', 'a'), 'data', 'one') === '1')
  files['second/a.yaml'] = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\ndata: { two: "2" }\n'
  delete files['second/b.yaml']
  await eventually(one, () => textAt(store.find('ConfigMap', 'default', 'a'), 'data', 'two') === '2')
  await eventually(one, () => !store.find('ConfigMap', 'default', 'b'))
  t.notOk(textAt(store.find('ConfigMap', 'default', 'a'), 'data', 'one'), 'what Git dropped is gone')
})

t.test('a world that was paused goes on as it was, and what was left undone is done soon', async (t) => {
  const on = await ground()
  t.teardown(() => clear(on))
  let reads = 0
  const { head, files } = git({
    'first/a.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\n',
  })
  const counted = {
    head,
    files: async (...which: Parameters<typeof files>) => {
      reads++
      return files(...which)
    },
  }
  const one = await cluster(on, counted)
  apply(one, argo)
  apply(one, application('first', { path: 'first' }))
  await eventually(one, () => stateOf(one, 'first') === 'Synced, Healthy')
  await one.stop()
  const saved = on.world.load('clusters/main-1') as { store: { things: Thing[] } }
  saved.store.things = saved.store.things.filter(
    ({ kind, metadata }) => kind !== 'ConfigMap' || metadata.name !== 'a',
  )
  on.world.save('clusters/main-1', saved)

  reads = 0
  const again = await cluster(on, counted, true)
  t.teardown(() => again.stop())
  await sleep(1000)
  t.equal(reads, 0, 'nothing was read that was settled')
  await eventually(again, () => again.store.find('ConfigMap', 'default', 'a'), 5000)
})
