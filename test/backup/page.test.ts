import t from 'tap'
import type { ObjectProof, Outcome } from '../../lib/backup/proof/outcome.ts'
import { page } from '../../lib/backup/proof/page.ts'
import { outcome, type Proof, verdictOf } from '../../lib/backup/proof/proof.ts'
import { Field } from '../../lib/base/result.ts'
import type { Cluster } from '../../lib/cluster/cluster.ts'
import type { Course } from '../../lib/machines/first/restoration.ts'

// What a person reads of a proof: the verdict, what is wrong by name, and the rest in numbers.

const object = (resource: string, id: string, outcome: Outcome = 'back', why?: string): ObjectProof => ({
  resource,
  id,
  outcome,
  ...(why ? { why } : {}),
})
const lost = 'its claim was deleted and made again; the new one does not have the backup’s bytes'
const volume = (claim: string, missing?: string, more = {}) => ({
  claim,
  volume: `pvc-${claim}`,
  kept: 's3' as const,
  bytes: 7,
  snapshot: undefined,
  moved: 7,
  missing,
  pending: false,
  absent: false,
  taken: false,
  uid: 'u',
  handleNow: 'h',
  ...more,
})
const proofOf = (volumes: Proof['volumes'], objects: ObjectProof[], more: Partial<Proof> = {}): Proof => {
  const lines = (which: Outcome) =>
    objects.filter((one) => one.outcome === which).map(({ resource, id, why }) => `${resource} ${id}: ${why}`)
  const notRestored = lines('not restored')
  const missing = [
    ...volumes.flatMap((one) => (one.missing ? [`volume of claim ${one.claim}: ${one.missing}`] : [])),
    ...lines('missing'),
  ]
  return {
    ...verdictOf(missing.length, notRestored.length),
    backup: { name: 'b4', at: '2026-11-29T10:00:00Z', commit: '0123456789abcdef', vouching: 'vouched for' },
    server: 'main-2',
    volumes,
    comparedAt: '2026-11-29T11:00:00Z',
    objects,
    notRestored,
    missing,
    changed: [],
    notReady: [],
    applications: { root: 'Synced, Healthy', apps: 'Synced, Healthy' },
    address: { now: '192.0.2.7', before: '192.0.2.7' },
    dns: [],
    extended: [],
    stays: [],
    unwritten: [],
    timeline: [],
    ...more,
  }
}

t.test('what is well is told in numbers', (t) => {
  const shown = page(
    proofOf(
      [volume('shop/db')],
      [
        object('secrets', 'shop/a'),
        object('deployments.apps', 'shop/web', 'from Git', 'by Application apps'),
        object('deployments.apps', 'shop/api'),
        object('pods', 'shop/web-1', 'made anew', 'by its owner'),
      ],
    ),
  )
  t.match(shown, {
    backup: ['b4 of 2026-11-29T10:00:00Z, onto main-2', 'vouched for'],
    commit: '0123456789ab',
    missing: 'nothing',
    notRestored: [],
    volumes: ['shop/db  7 bytes moved, as recorded'],
    objects: ['4 of 4: 2 back, 1 from Git, 1 made anew', 'complete: secrets 1, deployments 2, pods 1'],
    applications: ['2 of 2 Synced, Healthy'],
  })
  t.end()
})

t.test('what is missing is told once, first, and each cause in one line', (t) => {
  const proof = proofOf(
    [volume('shop/ok'), volume('shop/db', lost, { taken: true })],
    [
      object('persistentvolumeclaims', 'shop/db', 'missing', lost),
      object('persistentvolumes', 'pvc-1', 'missing', `it is the volume of claim shop/db: ${lost}`),
      ...['a', 'b'].map((name) => object('secrets', `shop/${name}`, 'missing', 'it is not there')),
      object('secrets', 'shop/c'),
      ...Array.from({ length: 40 }, (_, n) =>
        object('jobs.batch', `shop/job-${n}`, 'not restored', 'a Job is not run a second time'),
      ),
    ],
    { applications: { root: 'Synced, Healthy', apps: 'OutOfSync, Degraded' } },
  )
  t.equal(proof.missing.length, 5, 'as data each by its name')
  t.match(page(proof), {
    missing: [`volume of claim shop/db: ${lost}`, 'secrets shop/a, shop/b: it is not there'],
    notRestored: [
      'jobs.batch shop/job-0, shop/job-1, shop/job-2, shop/job-3, shop/job-4 and 35 more: a Job is not run a second time',
    ],
    volumes: ['shop/db  missing', 'shop/ok  7 bytes moved, as recorded'],
    objects: [
      '1 of 45: 4 missing, 1 back, 40 not restored',
      'persistentvolumeclaims  0 of 1',
      'persistentvolumes  0 of 1',
      'secrets  1 of 3',
      'jobs.batch  0 of 40',
    ],
    applications: ['apps  OutOfSync, Degraded', '1 of 2 Synced, Healthy'],
  })
  const many = page(
    proofOf([], [], { changed: Array.from({ length: 30 }, (_, n) => `configmaps shop/${n}`) }),
  )
  t.match((many.changed as string[]).slice(-2), ['configmaps shop/11', 'and 18 more: see --json'])
  t.end()
})

t.test('the way out is one that works, and the verdict has its colour', (t) => {
  const cluster = { name: 'main', place: { owner: 'bob', name: 'regrow-main' }, login: 'bob' } as Cluster
  const end = (missing: string | undefined, more: object, course: Partial<Course>) => {
    const where = { cluster, course: { backup: 'b4', server: 'main-2', ...course } as Course }
    return outcome(
      proofOf([volume('shop/db', missing, more)], []),
      { lastBackup: new Field(null, 'b4') },
      where,
    )
  }
  const wayOut = (...words: Parameters<typeof end>) => end(...words).fault()?.cure
  t.match(
    wayOut('Failed: checksum', {}, {}),
    /^What came back stays\. Fix the reason, then run the same command/,
  )
  const command = /restore\.mts --name main --backup b4 (.*)$/
  const way = (more: object, course: Partial<Course>) => command.exec(wayOut(lost, more, course) ?? '')?.[1]
  t.equal(
    way({ taken: true }, { words: ['--git-removed', 'keep'] }),
    '--replace --unfinished --git-removed keep',
  )
  t.equal(
    way({ taken: true }, { words: ['--partial'] }),
    '--partial --as copy',
    'a partial one never replaces',
  )
  t.equal(way({ taken: true }, { finished: '2026-11-29T12:00:00Z' }), '--as copy', 'it lives on since')
  t.equal(way({ absent: true }, { finished: '2026-11-29T12:00:00Z' }), '--as copy')
  t.equal(way({ absent: true }, {}), undefined, 'the same command brings it')
  t.same(end(undefined, {}, {}).headlined?.(), { text: 'PROVEN', tone: 'good' })
  t.same(end(lost, {}, {}).headlined?.(), { text: 'NOT PROVEN', tone: 'bad' })
  t.end()
})
