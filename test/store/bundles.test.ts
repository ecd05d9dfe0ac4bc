import t from 'tap'
import type { Bucket } from '../../lib/clients/s3.ts'
import { spentBundles } from '../../lib/store/bundles.ts'

// A bundle holds every key of its cluster: it stays in the bucket for as long as a machine has to fetch it, no longer.

const now = Date.parse('2026-11-30T12:00:00Z')
const hour = 3600_000
const kit = (objects: Record<string, number>): Bucket => ({
  name: 'kit',
  get: async () => undefined,
  put: async () => {},
  exists: async () => false,
  list: async (prefix = '') =>
    Object.entries(objects)
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, age]) => ({ key, size: 1, at: new Date(now - age) })),
  remove: async () => {},
  sign: async () => '',
  versions: async () => [],
  putBack: async () => {},
})

const spent = (objects: Record<string, number>, there: string[], wanted: string[] = there) =>
  spentBundles(kit(objects), async () => ({ there, wanted, now }))

t.test('a machine that still has to fetch its bundle keeps it', async (t) => {
  t.same(await spent({ 'bundles/main-1.tar.gz': 2 * hour }, ['main-1']), [])
  const started = { 'bundles/main-1.tar.gz': 2 * hour, 'nodes/main-1/started.json': hour }
  t.same(await spent(started, ['main-1']), [], 'it has begun to')
  t.same(await spent({ 'bundles/main-2.tar.gz': 60_000 }, [], ['main-2']), [], 'it is too new to show')
})

t.test('one that reported any later step does not: its own removal was lost', async (t) => {
  for (const step of ['fetch', 'host', 'k3s', 'argocd'])
    t.same(
      await spent({ 'bundles/main-1.tar.gz': 1, [`nodes/main-1/${step}.json`]: 0 }, ['main-1']),
      ['bundles/main-1.tar.gz'],
      step,
    )
  const other = { 'bundles/main-1.tar.gz': 1, 'nodes/main-11/fetch.json': 0 }
  t.same(await spent(other, ['main-1', 'main-11']), [], 'another machine’s report says nothing')
})

t.test('nor does one that was replaced, destroyed elsewhere or is not described', async (t) => {
  t.same(await spent({ 'bundles/main-1.tar.gz': 60_000 }, ['main-2']), ['bundles/main-1.tar.gz'])
  t.same(await spent({ 'bundles/main-1.tar.gz': 2 * hour }, [], ['main-1']), ['bundles/main-1.tar.gz'])
})

t.test('nor does one whose URL ended', async (t) => {
  t.same(await spent({ 'bundles/main-1.tar.gz': 170 * hour }, ['main-1']), ['bundles/main-1.tar.gz'])
})

t.test('where no bundle lies nothing more is asked', async (t) => {
  const asked = spentBundles(kit({ 'nodes/main-1/fetch.json': 0 }), async () => {
    throw new Error('nobody needs to know')
  })
  t.same(await asked, [])
})
