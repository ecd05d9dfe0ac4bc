import t from 'tap'
import {
  type Claim,
  compareVolumes,
  type DataDownload,
  stillThere,
  type Volume,
} from '../../lib/backup/restore/volumes.ts'

const restores = ['restore-main-2', 'restore-main-2-2']
const claim = (name: string, phase = 'Bound', made = 'restore-main-2'): Claim => ({
  metadata: {
    name,
    namespace: 'shop',
    uid: `uid-${name}`,
    creationTimestamp: '2026-11-29T20:00:00Z',
    labels: made === '' ? {} : { 'velero.io/restore-name': made },
  },
  spec: { dataSource: { kind: 'VolumeSnapshot' }, volumeName: `pv-${name}` },
  status: { phase },
})
const volume = (name: string, holder = `uid-${name}`): Volume => ({
  metadata: { name: `pv-${name}` },
  spec: { claimRef: { uid: holder }, csi: { volumeHandle: `handle-${name}` } },
})
const download = (
  pvc: string,
  phase: string,
  bytesDone: number,
  totalBytes = bytesDone,
  by = 'restore-main-2',
): DataDownload => ({
  metadata: { labels: { 'velero.io/restore-name': by } },
  spec: { targetVolume: { pvc, namespace: 'shop' } },
  status: {
    phase,
    progress: { bytesDone, totalBytes },
    message: phase === 'Failed' ? 'checksum mismatch' : '',
    completionTimestamp: '2026-11-29T20:01:00Z',
  },
})
const moved = (name: string) => ({
  claim: `shop/${name}`,
  volume: `pvc-${name}`,
  kept: 's3' as const,
  bytes: 100,
  snapshot: undefined,
})
const compare = (downloads: DataDownload[], claims: Claim[], volumes = [volume('db')]) =>
  compareVolumes([moved('db')], restores, { downloads, claims, volumes })[0]
const why = (downloads: DataDownload[], claims: Claim[], volumes?: Volume[]) =>
  compare(downloads, claims, volumes)?.missing

t.test('a volume is back when its data download moved every byte and its own claim has it', async (t) => {
  t.match(compare([download('db', 'Completed', 100)], [claim('db')]), {
    claim: 'shop/db',
    moved: 100,
    missing: undefined,
    pending: false,
    uid: 'uid-db',
    handleNow: 'handle-db',
  })
})

t.test('everything else is missing, with the reason', async (t) => {
  const empty = 'its claim was deleted and made again; the new one does not have the backup’s bytes'
  t.equal(why([], []), 'nothing was moved')
  t.equal(why([], [claim('db')]), 'nothing was moved into it')
  t.equal(why([], [claim('db', 'Bound', '')]), 'its claim was there before, so nothing was moved')
  t.equal(why([download('other', 'Completed', 100)], [claim('db')]), 'nothing was moved into it')
  t.equal(why([download('db', 'Failed', 0)], [claim('db', 'Pending')]), 'Failed: checksum mismatch')
  t.equal(why([download('db', 'Completed', 60, 100)], [claim('db')]), '60 of 100 bytes were moved')
  t.equal(
    why([download('db', 'Completed', 99)], [claim('db')]),
    '99 bytes were moved, and the backup recorded 100',
  )
  t.equal(why([download('db', 'Completed', 100)], []), 'there is no claim')
  t.equal(why([download('db', 'Completed', 100)], [claim('db', 'Lost')]), 'its claim is Lost')
  t.equal(why([download('db', 'Completed', 100)], [claim('db', 'Bound', '')]), empty, 'Git made it anew')
  t.equal(
    why([download('db', 'Completed', 100)], [claim('db', 'Bound', 'restore-main-1')]),
    empty,
    'another server’s restore',
  )
  const late = claim('db')
  late.metadata.creationTimestamp = '2026-11-29T20:05:00Z'
  t.equal(why([download('db', 'Completed', 100)], [late]), empty, 'a claim younger than its bytes')
  const taken = (claims: Claim[]) => compare([download('db', 'Completed', 100)], claims)?.taken
  t.same(
    [[], [claim('db')], [claim('db', 'Bound', '')], [late]].map(taken),
    [false, false, true, true],
    'whether another claim has its name',
  )
  t.equal(
    why([download('db', 'Completed', 100)], [claim('db')], [volume('db', 'uid-other')]),
    'its volume pv-db belongs to another claim',
  )
  t.equal(why([download('db', 'Completed', 100)], [claim('db')], []), 'its volume pv-db is not there')
})

t.test('the download of the restore that made the claim counts, not an earlier one’s', async (t) => {
  const [first, second] = [
    download('db', 'Canceled', 0, 100),
    download('db', 'Completed', 100, 100, 'restore-main-2-2'),
  ]
  t.equal(why([first, second], [claim('db', 'Bound', 'restore-main-2-2')]), undefined)
  t.equal(why([first, second], [claim('db')]), 'Canceled')
})

t.test('a claim is waited for only while its volume may still come', async (t) => {
  const pending = (downloads: DataDownload[]) => compare(downloads, [claim('db', 'Pending')])?.pending
  t.equal(pending([download('db', 'Completed', 100)]), true)
  t.equal(pending([download('db', 'Failed', 0)]), false)
})

t.test('a snapshot’s claim must come from this restore and from its snapshot', async (t) => {
  const kept = { ...moved('db'), kept: 'snapshot' as const, bytes: undefined }
  const reason = (claims: Claim[]) =>
    compareVolumes([kept], ['restore-main-2'], { downloads: [], claims, volumes: [volume('db')] })[0]?.missing
  t.equal(reason([claim('db')]), undefined)
  t.equal(
    reason([claim('db', 'Bound', 'restore-main-2-2')]),
    'its claim was there before, so it was not made from the snapshot',
  )
  t.equal(reason([{ ...claim('db'), spec: {} }]), 'it was not made from its snapshot')
  t.equal(reason([claim('db', 'Pending')]), 'its claim is Pending')
})

t.test('another claim or volume of the same name is not the one that had the bytes', async (t) => {
  const now = compareVolumes([moved('db')], restores, {
    downloads: [download('db', 'Completed', 100)],
    claims: [claim('db')],
    volumes: [volume('db')],
  })
  const seen = (uid: string, handle: string) => stillThere(now, [{ claim: 'shop/db', uid, handle }])[0]
  t.match(seen('uid-db', 'handle-db'), { missing: undefined, taken: false })
  const other = { missing: /^its claim was deleted and made again/, taken: true }
  t.match(seen('uid-earlier', 'handle-db'), other)
  t.match(seen('uid-db', 'handle-earlier'), other)
})

t.test('a claim that is being deleted is not back, though its bytes are still there', async (t) => {
  const going = claim('db')
  going.metadata.deletionTimestamp = '2026-11-29T20:05:00Z'
  t.equal(why([download('db', 'Completed', 100)], [going]), 'its claim is being deleted')
})
