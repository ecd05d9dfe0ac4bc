import t from 'tap'
import { copyingTime } from '../../lib/backup/copying-time.ts'
import { backupTable, records } from '../../lib/backup/record.ts'
import { asked, bucketWith, clusterWith } from './bucket.ts'

t.test('a screen of 80 columns: one line a backup, below it what keeps it from being whole', async (t) => {
  const expiration = '2026-12-23T03:00:00Z'
  const bucket = await bucketWith({
    'daily-20261123031700': { status: { expiration } },
    'hourly-20261123020000': {
      spec: { ...asked, includedNamespaces: ['shop'] },
      status: { expiration, startTimestamp: '2026-11-23T02:00:00Z' },
    },
    broken: { status: { phase: 'PartiallyFailed', errors: 1, startTimestamp: undefined } },
  })
  const all = await records({ velero: bucket }, clusterWith(), [])
  const lines = backupTable(all.map((one) => ({ ...one, bytes: 2048 })))
  t.same(lines, [
    'name                   state    taken (UTC)       size     volumes  kept until',
    'daily-20261123031700   whole    2026-11-23 03:00  2.0 KiB  1        2026-12-23',
    '    not vouched for',
    'hourly-20261123020000  partial  2026-11-23 02:00  2.0 KiB  1        2026-12-23',
    '  ! only these namespaces are in it: shop',
    '    not vouched for',
    'broken                 failed   never             2.0 KiB  1        deleted',
    '  ! PartiallyFailed, 1 error',
  ])
  t.ok(lines.every((line) => line.length <= 80))
  t.match(all[1], {
    state: 'Completed',
    whole: false,
    wholeness: 'partial',
    reasons: ['only these namespaces are in it: shop'],
  })
  t.match(all[0], { whole: true, wholeness: 'whole', reasons: [], volumes: [{ claim: 'shop/db', bytes: 7 }] })
  t.same(backupTable([]), ['no backups'])
})

t.test('below a backup stands how long its volumes take, where that is more than a minute', async (t) => {
  const [one] = await records({ velero: await bucketWith({ daily: {} }) }, clusterWith(), [])
  if (!one) return t.fail('no record')
  t.same(one.copying, copyingTime(7))
  const told = (copying: typeof one.copying) => backupTable([{ ...one, copying }])
  t.notMatch(told(one.copying).join('\n'), 'from the bucket')
  t.equal(told({ least: 170, most: 2400 }).at(-1), '    its volumes take 3 min to 40 min from the bucket')
  t.notMatch(told(undefined).join('\n'), 'from the bucket', 'snapshots are back at once')
})

t.test('a backup whose volumes cannot be read is still in the list', async (t) => {
  const bucket = await bucketWith({ torn: { volumes: 'torn' } })
  t.match(await records({ velero: bucket }, clusterWith(), []), [
    { name: 'torn', wholeness: 'partial', volumes: [] },
  ])
})
