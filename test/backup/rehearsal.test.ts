import t from 'tap'
import { type Drill, drillOutcome } from '../../lib/backup/proof/rehearsal.ts'
import { Field } from '../../lib/base/result.ts'

const lastBackup = new Field({ name: 'main-first' }, 'main-first, 3 s old')
const proof = {
  verdict: 'PROVEN',
  headline: 'PROVEN, 1 objects not restored',
  volumes: [{ claim: 'shop/data', kept: 's3', bytes: 7, moved: 7 }],
  objects: [
    { resource: 'configmaps', id: 'shop/a', outcome: 'back' },
    { resource: 'secrets', id: 'shop/b', outcome: 'back' },
    { resource: 'endpoints', id: 'shop/c', outcome: 'not restored', why: 'its owner is gone' },
  ],
  notRestored: ['endpoints shop/c: its owner is gone'],
  missing: [],
}
const drill = (given: object, more: Partial<Drill> = {}): Drill => ({
  restored: { code: 0, out: JSON.stringify({ ...proof, ...given }) },
  destroyed: { code: 0, out: JSON.stringify({ removed: ['droplet main-drill-1'] }) },
  seconds: 90,
  cost: 0.02,
  changed: [],
  passedOver: [],
  altered: [],
  wrongCopies: [],
  lastBackup,
  ...more,
})

t.test('a rehearsal that was proven tells the proof, the time and the cost', async (t) => {
  const ended = drillOutcome(drill({}))
  t.equal(ended.fault(), undefined)
  t.same(ended.shown(), {
    proof: 'PROVEN, 1 objects not restored',
    volumes: ['shop/data  back, 7 bytes'],
    objects: '2 back, 1 not restored',
    notRestored: ['endpoints shop/c: its owner is gone'],
    estimatedRestoreTime: '1.5 min, plus the time until your DNS follows',
    cost: 'about $0.02',
    passedOver: undefined,
    originalsBackups: 'unchanged',
    lastBackup,
  })
})

t.test('one that never began tells no duration, no cost, and nothing of the backups', async (t) => {
  const refused = { restored: { code: 1, out: '' }, destroyed: { code: 0, out: '{"removed": []}' } }
  const ended = drillOutcome(drill({}, refused))
  t.match(ended.fault()?.message, /^the rehearsal failed:\n {4}the restore did not reach a proof; see above$/)
  t.same(ended.shown(), {
    proof: 'none',
    cost: 'nothing was made',
    passedOver: undefined,
    originalsBackups: undefined,
    lastBackup,
  })
  t.same([ended.seconds, ended.cost], [undefined, undefined])
})

t.test('one that broke off tells what it cost', async (t) => {
  const ended = drillOutcome(drill({}, { restored: { code: 1, out: '' } }))
  t.match(ended.shown(), { proof: 'none', cost: 'about $0.02' })
  t.equal(ended.seconds, undefined)
})

t.test('what is not proven, not removed or not as it was is named', async (t) => {
  const changed = ['backups/a/velero-backup.json']
  const destroyed = { code: 1, out: '' }
  const missing = ['volume shop/data: 3 of 7 bytes']
  const wrongCopies = ['the copy of k3s v1.36.5+k3s1 in kit was altered']
  const ended = drillOutcome(
    drill(
      { verdict: 'NOT PROVEN', headline: 'NOT PROVEN', missing },
      { changed, destroyed, wrongCopies, altered: ['backup b was altered'] },
    ),
  )
  t.same(ended.wrong, [
    ...missing,
    'the rehearsal’s cluster was not removed completely; what is left is listed above',
    'backups/a/velero-backup.json of the original’s backups has changed',
    'backup b was altered',
    ...wrongCopies,
  ])
  t.match(ended.shown(), { cost: 'about $0.02', originalsBackups: changed })
  const silent = drillOutcome(drill({ verdict: 'NOT PROVEN', headline: 'NOT PROVEN' }))
  t.same(silent.wrong, ['NOT PROVEN'])
  const other = drillOutcome(drill({ objects: [{ resource: 'pods', back: 3 }] }))
  t.match(other.wrong, [/did not reach a proof/], 'no other shape is taken for a proof')
})

t.test('a newer backup that was altered fails a rehearsal of the older one, which is proven', async (t) => {
  const altered = ['backup newer was altered since it was vouched for, and comes back nowhere: its tarball']
  const passedOver = ['newer: altered: its tarball']
  const ended = drillOutcome(drill({}, { altered, passedOver }))
  t.match(ended, { proof: { verdict: 'PROVEN' }, passedOver, wrong: altered })
  t.match(ended.fault()?.message, /^the rehearsal failed:\n {4}backup newer was altered/)
  t.match(ended.shown(), { passedOver })
  t.equal(drillOutcome(drill({}, { passedOver })).fault(), undefined, 'one that is only passed over is told')
})
