import t from 'tap'
import { type Claim, compareVolumes, type DataDownload } from '../../lib/backup/volumes.ts'

const claim = (name: string, phase = 'Bound', made = 'restore-main-2'): Claim => ({
  metadata: { name, namespace: 'shop', labels: { 'velero.io/restore-name': made } },
  spec: { dataSource: { kind: 'VolumeSnapshot' } },
  status: { phase },
})
const download = (pvc: string, phase: string, bytesDone: number, totalBytes = bytesDone): DataDownload => ({
  spec: { targetVolume: { pvc, namespace: 'shop' } },
  status: {
    phase,
    progress: { bytesDone, totalBytes },
    message: phase === 'Failed' ? 'checksum mismatch' : '',
  },
})
const moved = (name: string) => ({
  claim: `shop/${name}`,
  volume: `pvc-${name}`,
  kept: 's3' as const,
  bytes: 100,
  snapshot: undefined,
})
const why = (name: string, downloads: DataDownload[], claims: Claim[]) =>
  compareVolumes([moved(name)], { restore: 'restore-main-2', downloads, claims })[0]?.missing

t.test('a volume is back when its data download moved every byte and its claim is bound', async (t) => {
  const [volume] = compareVolumes([moved('db')], {
    restore: 'restore-main-2',
    downloads: [download('db', 'Completed', 100)],
    claims: [claim('db')],
  })
  t.match(volume, { claim: 'shop/db', moved: 100, missing: undefined, pending: false })
})

t.test('everything else is missing, with the reason', async (t) => {
  t.equal(why('db', [], []), 'nothing was moved')
  t.equal(why('db', [], [claim('db')]), 'its claim was there before, so nothing was moved')
  t.equal(
    why('db', [download('other', 'Completed', 100)], [claim('db')]),
    'its claim was there before, so nothing was moved',
  )
  t.equal(why('db', [download('db', 'Failed', 0)], [claim('db', 'Pending')]), 'Failed: checksum mismatch')
  t.equal(why('db', [download('db', 'Completed', 60, 100)], [claim('db')]), '60 of 100 bytes were moved')
  t.equal(
    why('db', [download('db', 'Completed', 99)], [claim('db')]),
    '99 bytes were moved, and the backup recorded 100',
  )
  t.equal(why('db', [download('db', 'Completed', 100)], []), 'there is no claim')
  t.equal(why('db', [download('db', 'Completed', 100)], [claim('db', 'Lost')]), 'its claim is Lost')
})

t.test('a claim is waited for only while its volume may still come', async (t) => {
  const pending = (downloads: DataDownload[]) =>
    compareVolumes([moved('db')], {
      restore: 'restore-main-2',
      downloads,
      claims: [claim('db', 'Pending')],
    })[0]?.pending
  t.equal(pending([download('db', 'Completed', 100)]), true)
  t.equal(pending([download('db', 'Failed', 0)]), false)
})

t.test('a snapshot’s claim must come from this restore and from its snapshot', async (t) => {
  const kept = { ...moved('db'), kept: 'snapshot' as const, bytes: undefined }
  const reason = (claims: Claim[]) =>
    compareVolumes([kept], { restore: 'restore-main-2', downloads: [], claims })[0]?.missing
  t.equal(reason([claim('db')]), undefined)
  t.equal(
    reason([claim('db', 'Bound', 'restore-main-2-2')]),
    'its claim was there before, so it was not made from the snapshot',
  )
  t.equal(reason([{ ...claim('db'), spec: {} }]), 'it was not made from its snapshot')
  t.equal(reason([claim('db', 'Pending')]), 'its claim is Pending')
})
