import { dump } from 'js-yaml'
import t from 'tap'
import { GitHubRefusal } from '../../lib/clients/github-refusal.ts'
import {
  commitsBeside,
  dropped,
  gitDifference,
  gitRemovedChoice,
  gitRemovedProblems,
  revertRemoved,
  toStrip,
} from '../../lib/gitops/git-removed.ts'
import { heldObject } from '../../lib/gitops/held.ts'
import { clusterIn, FakeRepository, seeded } from './fake-repository.ts'

/** A cluster as its repository is seeded, with a namespace in one file and a claim in another. */
function shop() {
  const fake = new FakeRepository()
  fake.commit('Seed', {
    ...seeded(),
    'clusters/main/apps/shop.yaml': dump(namespace),
    'clusters/main/apps/ledger.yaml': dump(claim),
  })
  return { fake, cluster: clusterIn(fake) }
}

const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } }
const claim = {
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name: 'ledger', namespace: 'shop' },
  spec: { resources: { requests: { storage: '5Gi' } } },
}
const tracked = <T extends { metadata: object }>(one: T, id: string) => ({
  ...one,
  metadata: { ...one.metadata, annotations: { 'argocd.argoproj.io/tracking-id': id, mine: 'x' } },
})
const held = [
  heldObject(
    'namespaces',
    tracked({ ...namespace, metadata: { name: 'shop' } }, 'apps:/Namespace:default/shop'),
  ),
  heldObject('secrets', { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'pin', namespace: 'shop' } }),
  heldObject('configmaps', {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'kube-root-ca.crt', namespace: 'shop' },
  }),
  heldObject('persistentvolumeclaims', tracked(claim, 'apps:/PersistentVolumeClaim:shop/ledger')),
]

t.test('--git-removed takes three words, and none for a copy', async (t) => {
  const read = (word: string | undefined, as?: string) => gitRemovedChoice({ 'git-removed': word, as })
  t.equal(read(undefined), undefined)
  t.equal(read('keep'), 'keep')
  t.throws(() => read('undo'), { message: /undo: not one of revert, keep, drop/, exitCode: 2 })
  t.throws(() => read('constructor'), { message: /constructor/, exitCode: 2 })
  t.throws(() => read('keep', 'copy'), { message: /--as do not go together/, exitCode: 2 })
})

t.test(
  'until the person has chosen each removing commit is a problem, with all three choices to paste',
  async (t) => {
    const { fake, cluster } = shop()
    const started = fake.commits[0]?.date
    t.same((await gitDifference(cluster, { started }, held)).removed, [])
    const first = fake.commit('Remove the ledger', { 'clusters/main/apps/ledger.yaml': undefined })
    const second = fake.commit('Close the shop', { 'clusters/main/apps/shop.yaml': undefined })
    const found = await gitDifference(cluster, { commit: fake.commits[0]?.sha }, held)
    const problems = gitRemovedProblems(cluster, found, undefined, ['--backup', 'old', '--replace'])
    t.equal(problems.length, 2)
    t.match(
      problems.map((one) => one.message),
      [
        `commit ${second.slice(0, 7)} “Close the shop” (bob, 2026-01-03) removed from Git what the backup holds, so Argo CD would delete it again: Namespace shop; Secret shop/pin, with Namespace shop`,
        `commit ${first.slice(0, 7)} “Remove the ledger” (bob, 2026-01-02) removed from Git what the backup holds, so Argo CD would delete it again: claim shop/ledger (5Gi)`,
      ],
    )
    for (const choice of ['revert', 'keep', 'drop'])
      t.match(
        problems[0]?.cure,
        new RegExp(`\\./restore\\.mts --name main --backup old --replace --git-removed ${choice}  # \\w`),
      )
    const { argv } = process
    t.teardown(() => {
      process.argv = argv
    })
    process.argv = [...argv, '--sandbox']
    const [boxed] = gitRemovedProblems(cluster, found, undefined, ['--backup', 'old'])
    t.match(boxed?.cure, '--git-removed keep --sandbox  #')
    for (const choice of ['revert', 'keep', 'drop'] as const)
      t.same(gitRemovedProblems(cluster, found, choice, []), [], choice)
  },
)

t.test('keep strips what Git removed, drop names each with its commit, revert does neither', async (t) => {
  const { fake, cluster } = shop()
  const sha = fake.commit('Close the shop', { 'clusters/main/apps/shop.yaml': undefined })
  const found = await gitDifference(cluster, { commit: fake.commits[0]?.sha }, held)
  t.same(
    toStrip(found, 'keep').map(({ id }) => id),
    ['shop'],
    'what goes with it is not Git’s',
  )
  t.same(toStrip(found, 'revert'), [])
  t.same(toStrip(found, 'drop'), [])
  t.same(
    dropped(found, 'drop').map(({ object, why }) => `${object.resource} ${object.id}: ${why}`),
    [
      'namespaces shop',
      'secrets shop/pin',
      'configmaps shop/kube-root-ca.crt',
      'persistentvolumeclaims shop/ledger',
    ].map((one) => `${one}: Git has it no longer: commit ${sha.slice(0, 7)}`),
  )
  t.same(dropped(found, 'keep'), [])
})

t.test('what moved to another Application is stripped whatever is chosen', async (t) => {
  const moved = held.slice(0, 1)
  const found = { removed: [], moved, restorable: new Map(), unrestorable: [] }
  t.same(toStrip(found, undefined), moved)
  t.same(toStrip(found, 'drop'), moved)
})

t.test('revert puts the files back in one commit, on top of what came since', async (t) => {
  const { fake, cluster } = shop()
  const [before] = fake.commits
  fake.commit('Remove all', {
    'clusters/main/apps/ledger.yaml': undefined,
    'clusters/main/apps/shop.yaml': undefined,
  })
  const found = await gitDifference(cluster, { commit: before?.sha }, held)
  fake.commit('Meanwhile', { 'clusters/main/apps/shop.yaml': 'mine', 'x.yaml': 'y' })
  await revertRemoved(cluster, found)
  t.equal(fake.commits.at(-1)?.message, 'Bring back what cccccc2 removed')
  t.match(fake.commits.at(-1)?.files, {
    'clusters/main/apps/ledger.yaml': before?.files['clusters/main/apps/ledger.yaml'],
    'clusters/main/apps/shop.yaml': 'mine',
    'x.yaml': 'y',
  })
  const count = fake.commits.length
  await revertRemoved(cluster, await gitDifference(cluster, { commit: before?.sha }, held.slice(3)))
  t.equal(fake.commits.length, count, 'once')
})

t.test('a document of a file that is otherwise there is reverted by the person', async (t) => {
  const { fake, cluster } = shop()
  const path = 'clusters/main/apps/shop.yaml'
  const first = fake.commit('One file', {
    [path]: `${dump(namespace)}---\n${dump(claim)}`,
    'clusters/main/apps/ledger.yaml': undefined,
  })
  const sha = fake.commit('No ledger', { [path]: dump(namespace) })
  const found = await gitDifference(cluster, { commit: first }, held)
  t.match(gitRemovedProblems(cluster, found, 'revert', ['--backup', 'old']), [
    {
      message: `commit ${sha.slice(0, 7)} “No ledger” (bob, 2026-01-03) cannot be reverted by regrow: claim shop/ledger (5Gi)`,
      cure: `git revert ${sha.slice(0, 7)} && git push`,
    },
  ])
})

t.test('a refusal of GitHub’s is told, with what else can be chosen', async (t) => {
  const { fake, cluster } = shop()
  const [before] = fake.commits
  fake.commit('Remove it', { 'clusters/main/apps/ledger.yaml': undefined })
  const found = await gitDifference(cluster, { commit: before?.sha }, held)
  fake.github.moveRef = async () => {
    throw new GitHubRefusal('move ref heads/main', 422, 'Repository rule violations found')
  }
  await t.rejects(revertRemoved(cluster, found), {
    message: /could not be put back: GitHub refused to move ref heads\/main: 422/,
    cure: /--git-removed keep or drop/,
  })
})

t.test(
  'the commits beside a backup: the recorded one, or by its time, and one that Argo CD may have had',
  async (t) => {
    const fake = new FakeRepository()
    const at = (time: string) => `2026-01-01T${time}Z`
    const a = fake.commit('a', { x: '1' }, at('00:00:00'))
    const b = fake.commit('b', { x: '2' }, at('02:58:00'))
    const c = fake.commit('c', { x: '3' }, at('03:30:00'))
    const beside = (moment: object) => commitsBeside({ github: fake.github, place: fake.place }, moment)
    t.same(await beside({ started: at('03:00:00') }), [b, a], 'a nightly one')
    t.same(await beside({ commit: c, started: at('03:40:00') }), [c])
    t.same(await beside({ commit: c, started: at('03:31:00') }), [c, b])
    t.same(
      await beside({ commit: 'f'.repeat(40), started: at('03:00:00') }),
      [b, a],
      'a history written anew',
    )
    t.same(await beside({ commit: 'none' }), [])
    t.same(await beside({ started: '2020-01-01T00:00:00Z' }), [])
  },
)
