import t from 'tap'
import type { BackedObject } from '../../lib/backup/objects.ts'
import type { Bringer, Sight } from '../../lib/backup/proof/outcome.ts'
import { toReturn } from '../../lib/backup/restore/return.ts'
import { givesWay } from '../../lib/backup/restore/settle.ts'

const object = (resource: string, id: string, more: Partial<BackedObject> = {}): BackedObject => ({
  resource,
  id,
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  uid: `uid ${resource} ${id}`,
  owner: undefined,
  app: undefined,
  digest: '',
  marks: '',
  clustersOwn: false,
  ...more,
})
const sight = (apps: Record<string, Partial<Bringer>> = {}): Sight => ({
  live: { objects: new Map(), unlisted: new Map() },
  apps: new Map(
    Object.entries(apps).map(([name, one]) => [
      name,
      { lists: new Set<string>(), looked: true, automated: true, state: '', ...one },
    ]),
  ),
  volumes: new Map(),
  unequal: new Map(),
  nodes: new Map(),
  dropped: new Map(),
  partial: false,
  beside: false,
})
const [web, byHand, team] = [
  object('deployments.apps', 'shop/web', { app: 'apps' }),
  object('deployments.apps', 'shop/by-hand'),
  object('deployments.apps', 'team/api', { app: 'team' }),
]
const guard = object('validatingwebhookconfigurations.admissionregistration.k8s.io', 'guard')
const config = object('configmaps', 'shop/config')
const held = [web, byHand, team, guard, config]
const now = { kept: new Set<string>(), beside: false }
const ids = (all: readonly BackedObject[]) => all.map((one) => one.id)

t.test('at once comes what is by hand, and nothing that Git may bring in a moment', (t) => {
  t.same(ids(toReturn(held, sight(), 'by hand', now)), ['shop/by-hand', 'shop/config'])
  t.end()
})

t.test('a SealedSecret that is there and cannot be opened stays as it is', (t) => {
  const sealed = object('sealedsecrets.bitnami.com', 'vault/db', { opened: true })
  const there = { uid: '', digest: '', marks: '', owners: [], restoredBy: undefined, clustersOwn: false }
  const objects = new Map([
    [
      sealed.resource,
      new Map([[sealed.id, { ...there, ready: undefined, wantsNone: false, leaving: false }]]),
    ],
  ])
  const seen = (found: typeof objects) => ({ ...sight(), live: { objects: found, unlisted: new Map() } })
  t.same(ids(toReturn([sealed], seen(new Map()), 'by hand', now)), ['vault/db'])
  t.same(ids(toReturn([sealed], seen(objects), 'by hand', now)), [])
  t.end()
})

t.test('later comes what no Application makes: none is there, or it waits for a person', (t) => {
  const listed = new Set(['apps/Deployment shop/web', 'apps/Deployment team/api'])
  const seen = (team: Partial<Bringer>) =>
    sight({ apps: { lists: listed }, team: { lists: listed, ...team } })
  t.same(ids(toReturn([web, team], seen({}), 'what Git leaves', now)), [])
  t.same(ids(toReturn([web, team], seen({ automated: false }), 'what Git leaves', now)), ['team/api'])
  t.same(ids(toReturn([team], sight(), 'what Git leaves', now)), ['team/api'], 'its Application is gone')
  t.end()
})

t.test('data alone before Git, and last of all what may refuse the rest', (t) => {
  t.same(ids(toReturn(held, sight(), 'data', now)), ['shop/config'])
  t.same(ids(toReturn(held, sight(), 'what may refuse', now)), ['guard'])
  t.end()
})

t.test('what is kept though Git removed it, and everything beside the original, comes at once', (t) => {
  const kept = new Set(['deployments.apps shop/web'])
  t.same(ids(toReturn([web, team], sight(), 'by hand', { ...now, kept })), ['shop/web'])
  t.same(ids(toReturn([web, team], sight(), 'by hand', { ...now, beside: true })), ['shop/web', 'team/api'])
  t.end()
})

t.test('what an owner makes is left to it, until it has not made it', (t) => {
  const widget = object('widgets.example.org', 'shop/w')
  const made = object('deployments.apps', 'shop/made', {
    owner: { kind: 'Widget', name: 'w', uid: widget.uid },
  })
  t.same(ids(toReturn([widget, made], sight(), 'by hand', now)), ['shop/w'])
  t.same(ids(toReturn([widget, made], sight(), 'what no owner made', now)), ['shop/w', 'shop/made'])
  t.end()
})

t.test('only what holds no data gives way to Git, and of data what that Application brought', (t) => {
  const failed = (kind: string) => ({ group: '', kind, namespace: 'shop', name: 'a' })
  const one = (kind: string, app?: string) => [object('any', 'shop/a', { apiVersion: 'v1', kind, app })]
  t.equal(givesWay('apps', failed('Secret'), one('Secret', 'apps')), 'secrets')
  t.equal(givesWay('apps', failed('Secret'), one('Secret')), undefined, 'made by hand')
  t.equal(givesWay('apps', failed('Secret'), one('Secret', 'team')), undefined, 'another Application’s')
  t.equal(givesWay('apps', failed('Service'), one('Service')), 'services')
  t.equal(givesWay('apps', failed('PersistentVolumeClaim'), one('PersistentVolumeClaim', 'apps')), undefined)
  t.end()
})
