import t from 'tap'
import type { ObjectProof } from '../../lib/backup/proof/outcome.ts'
import { foreseenLines, isAccepted, type Terms, wordsOf } from '../../lib/backup/restore/terms.ts'
import { provenIds } from '../../lib/backup/restore/volumes.ts'
import { noDifference } from '../../lib/gitops/removed.ts'

const one = (id: string, outcome: ObjectProof['outcome'] = 'not restored'): ObjectProof => ({
  resource: 'jobs.batch',
  id,
  outcome,
  why: 'a Job is not run a second time',
})
const terms = (foreseen: ObjectProof[]): Terms => ({
  partial: false,
  git: noDifference,
  choice: undefined,
  dropped: new Map(),
  kept: new Set(),
  volumes: [],
  foreseen,
})

t.test('only what the plan named may be left behind', (t) => {
  t.equal(isAccepted([one('shop/once'), one('shop/web', 'back')], terms([one('shop/once')])), true)
  t.equal(isAccepted([one('shop/once'), one('shop/twice')], terms([one('shop/once')])), false)
  t.end()
})

t.test('the plan names what is not restored, by its reason', (t) => {
  t.same(foreseenLines(terms(['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => one(`shop/${name}`)))), [
    '  ! not restored  jobs.batch shop/a, shop/b, shop/c, shop/d, shop/e and 2 more: a Job is not run a second time',
  ])
  t.end()
})

t.test('the command that finishes a restore says what this one was asked', (t) => {
  const flags = { 'git-removed': 'keep', as: 'copy', 'as-repo': 'a/b', 'with-apps': true, partial: true }
  t.same(wordsOf(flags), ['--as-repo', 'a/b', '--with-apps', '--partial', '--git-removed', 'keep'])
  t.end()
})

t.test('an earlier volume is known by its claim, its name and its handle', (t) => {
  const proven = [
    { claim: 'shop/files', volume: 'pvc-1', missing: undefined },
    { claim: 'shop/lost', volume: 'pvc-2', missing: 'it is empty' },
  ]
  const held = (id: string, claim: string, handle: string) => ({
    resource: 'persistentvolumes',
    id,
    claim,
    handle,
  })
  t.same(
    [
      ...provenIds(proven, [
        held('pvc-1', 'shop/files', 'v-1'),
        held('pvc-2', 'shop/lost', 'v-2'),
        held('pvc-1', 'other/files', 'v-3'),
        held('pvc-9', 'shop/files', 'v-9'),
      ]),
    ],
    ['v-1'],
  )
  t.end()
})
