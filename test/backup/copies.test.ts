import t from 'tap'
import { copiesIn } from '../../lib/backup/copies.ts'
import type { Snapshot, Volume } from '../../lib/clients/digitalocean-types.ts'
import { asked, bucketWith, claim, clusterWith, moved, skipped, snapped } from './bucket.ts'

const generated = 'pvc-9ed3c5b2-2f5d-4b3a-8f3e-0123456789ab'
const volume = (name: string, id = `id-of-${name}`, created_at = '2026-11-01T00:00:00Z') =>
  ({ id, name, created_at }) as Volume
const own = (volumes: Volume[], snapshots: string[] = []) => ({
  volumes,
  snapshots: snapshots.map((id) => ({ id }) as Snapshot),
})
const held = async (backups: Parameters<typeof bucketWith>[0], mine: ReturnType<typeof own>) => {
  const there = clusterWith(mine.snapshots.map(({ id }) => id))
  const copies = await copiesIn(await bucketWith(backups), there, mine)
  return { volumes: [...copies.volumes], snapshots: [...copies.snapshots] }
}
const shop = (name: string) => ({
  status: { completionTimestamp: '2026-11-23T03:05:00Z' },
  objects: claim('shop', 'db', name),
  volumes: [{ ...moved('shop', 'db'), pvName: name }],
})

t.test('a volume is held when a whole backup has its bytes', async (t) => {
  t.same((await held({ one: shop(generated) }, own([volume(generated)]))).volumes, [`id-of-${generated}`])
  const narrow = { ...shop(generated), spec: { ...asked, includedNamespaces: ['shop'] } }
  t.same((await held({ one: narrow }, own([volume(generated)]))).volumes, [], 'one that is not whole')
  const passed = { ...shop(generated), volumes: [{ ...skipped('shop', 'db', 'x'), pvName: generated }] }
  t.same((await held({ one: passed }, own([volume(generated)]))).volumes, [], 'an entry without bytes')
  const emptied = await bucketWith({ one: shop(generated) }, [])
  t.same(
    (await copiesIn(emptied, clusterWith(), own([volume(generated)]))).volumes.size,
    0,
    'bytes that are gone',
  )
  t.same((await copiesIn(undefined, clusterWith(), own([volume(generated)]))).volumes.size, 0, 'no bucket')
})

t.test('its id decides, whatever a file calls it', async (t) => {
  t.same((await held({ one: shop('data') }, own([volume('data')]))).volumes, ['id-of-data'])
  t.same((await held({ one: shop('data') }, own([volume('data', 'another')]))).volumes, [])
  const claimed = { ...shop('data'), volumes: [{ ...moved('shop', 'db'), pvName: generated }] }
  t.same((await held({ one: claimed }, own([volume(generated)]))).volumes, [], 'only its list says so')
  const other = { ...shop(generated), volumes: [{ ...moved('shop', 'other'), pvName: generated }] }
  t.same((await held({ one: other }, own([volume(generated)]))).volumes, [], 'it is another claim’s')
})

t.test('a backup holds nothing that is younger than it', async (t) => {
  for (const made of ['2026-11-23T03:05:01Z', 'some time'])
    t.same((await held({ one: shop('data') }, own([volume('data', 'id-of-data', made)]))).volumes, [], made)
})

t.test(
  'a snapshot holds its volume as long as it is there, and every backup’s snapshots are stood on',
  async (t) => {
    const snapshot = {
      status: { completionTimestamp: '2026-11-23T03:05:00Z' },
      objects: claim('shop', 'db', generated),
      volumes: [{ ...snapped('shop', 'db'), pvName: generated }],
    }
    t.same(await held({ one: snapshot }, own([volume(generated)], ['s-1'])), {
      volumes: [`id-of-${generated}`],
      snapshots: ['s-1'],
    })
    t.same((await held({ one: snapshot }, own([volume(generated)]))).volumes, [])
    const narrow = { ...snapshot, spec: { ...asked, includedNamespaces: ['shop'] } }
    t.same((await held({ one: narrow }, own([], ['s-1']))).snapshots, ['s-1'], 'a partial one’s too')
  },
)
