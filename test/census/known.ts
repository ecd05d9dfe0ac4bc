import type { Test } from 'tap'
import { z } from 'zod'
import { sealSecrets } from '../../lib/gitops/sealing.ts'
import { makeSealingKey } from '../../lib/store/sealing-key.ts'
import { openApi } from './api.ts'
import { proof } from './evidence.ts'
import { tell } from './judge.ts'
import { bytesOf, cloudOf } from './look.ts'
import * as make from './make.ts'
import { cloud, github } from './person.ts'
import { type Ground, happen, killed, prepare, type Run, restored, restoreJudged } from './play.ts'
import { commit } from './repository.ts'
import { app, type Scene } from './scene.ts'
import { idOf, type Thing } from './things.ts'

// Cases in which a restore once lied, or was in its own way. Each is a world of its own, with its state afterwards.

/** What is played on a cluster that was just grown. */
export type Case = (t: Test, ground: Ground) => Promise<void>

/** A claim, its namespace and more in Git; a Secret beside them by hand. */
const books: Scene = {
  git: {
    [app('books/home.yaml')]: [make.namespace('books')],
    [app('books/ledger.yaml')]: [make.claim('books/ledger'), make.configMap('books/settings')],
  },
  hand: [
    make.secret('books/pin'),
    make.claim('books/notes'),
    make.deployment('books/reader', { claims: ['notes'] }),
  ],
  bytes: { 'books/ledger': { sales: 'nowhere else' }, 'books/notes': { drafts: 'nor these' } },
  flags: ['--replace'],
}
const gone = { [app('books/home.yaml')]: undefined, [app('books/ledger.yaml')]: undefined }

/** A proof with which the judge agrees, and an end that says so. */
function whole(t: Test, run: Run | undefined): void {
  t.same((run?.faults ?? [{ what: 'no proof', about: 'restore', says: 'not run' } as const]).map(tell), [])
  t.equal(run?.evidence.ended.code, 0, run?.evidence.ended.err ?? '')
}

const proofOf = (run: Run | undefined) => proof.parse(JSON.parse(run?.evidence.ended.out ?? ''))
const restoreOf = (name: string, ...more: string[]) => [
  'restore.mts',
  '--backup',
  name,
  '--json',
  '--yes',
  ...more,
]

/** What left Git after the backup: nothing is bought before somebody says what becomes of it. */
function leftGit(answer: 'revert' | 'keep' | 'drop'): Case {
  return async (t, ground) => {
    const taken = await prepare(ground, books)
    await happen(ground, ['power-off'])
    const sha = await commit(ground.env, gone)
    const before = await cloudOf(ground.env)
    const asked = await ground.run(restoreOf(taken.name, '--replace'))
    t.not(asked.code, 0)
    for (const word of ['books/ledger', 'books', sha.slice(0, 7), '--git-removed']) t.match(asked.err, word)
    t.same(await cloudOf(ground.env), before, 'nothing was bought, nothing was removed')
    const dropped =
      answer === 'drop' ? ['books/ledger', 'books/notes'].map((id) => `persistentvolumeclaims ${id}`) : []
    const command = restoreOf(taken.name, '--replace', '--git-removed', answer)
    const scene = { ...books, ...(dropped.length > 0 ? { dropped } : {}), after: [['git', gone]] as const }
    const run = await restoreJudged(ground, answer === 'revert' ? books : scene, taken, command)
    whole(t, run)
    const tracked = run.evidence.after?.find(
      ({ resource, thing }) => resource === 'persistentvolumeclaims' && thing.metadata.name === 'ledger',
    )
    t.equal(tracked !== undefined, answer !== 'drop', 'the claim is there, or was let go')
    if (answer === 'keep') t.notOk(tracked?.thing.metadata.annotations?.['argocd.argoproj.io/tracking-id'])
    const path = `/repos/bob/regrow-main/contents/${app('books/ledger.yaml')}`
    const inGit = await github(ground.env, 'GET', path).then(
      () => true,
      () => false,
    )
    t.equal(inGit, answer === 'revert', 'the file is in Git again only where that was wanted')
  }
}

/** The bytes of a claim that Git made a second time are not those of an old download. */
const madeAnew: Case = async (t, ground) => {
  // Argo CD may delete this claim: one that it may not stays when its file leaves Git.
  const annotations = { 'argocd.argoproj.io/sync-options': 'Prune=true' }
  const ledger = [make.claim('books/ledger', {}, { annotations }), make.configMap('books/settings')]
  const path = app('books/ledger.yaml')
  const prunable: Scene = { ...books, git: { ...books.git, [path]: ledger } }
  const taken = await prepare(ground, prunable)
  await happen(ground, ['power-off'])
  const point = { service: 'kubernetes', method: 'PATCH', path: '/applications/root', nth: 1 }
  t.ok(
    await killed(ground, restoreOf(taken.name, '--replace'), point),
    'killed right after the root was applied',
  )
  await happen(ground, ['git', { [path]: undefined }])
  await happen(ground, ['git', { [path]: ledger }])
  const api = openApi(ground.home)
  const now = await api.dump()
  api.close()
  t.same(bytesOf(ground.home, now)['books/ledger'], {}, 'Git’s new claim is empty')
  for (const n of [1, 2]) {
    const run = await restoreJudged(ground, prunable, taken, restoreOf(taken.name, '--replace'))
    const lies = run.faults.filter(({ what }) => what !== 'no proof')
    t.same(lies.map(tell), [], `run ${n}`)
    // What apps may have written into the new one by now is not overwritten: the old one stays.
    t.match(proofOf(run).missing.join('\n'), 'volume of claim books/ledger')
  }
}

/** What cannot change: Git’s is made, and the difference told. */
const immutable: Case = async (t, ground) => {
  const rights = (name: string) => [
    make.namespace('desk'),
    make.role('desk/reads'),
    make.role('desk/writes'),
    make.binding('desk/erin', name),
    make.configMap('desk/fixed', { by: name }, { immutable: true }),
  ]
  const scene: Scene = {
    git: { [app('desk.yaml')]: rights('reads') },
    hand: [make.deployment('desk/by-hand')],
    flags: ['--replace'],
    after: [['power-off'], ['git', { [app('desk.yaml')]: rights('writes') }]],
  }
  const started = performance.now()
  const [run] = await restored(ground, scene, await prepare(ground, scene))
  t.ok(performance.now() - started < 240_000, 'in seconds, not after a deadline')
  whole(t, run)
  t.match(proofOf(run).changed.join('\n'), /desk\/erin/)
  t.match(proofOf(run).changed.join('\n'), /desk\/fixed/)
}

/** A volume that the driver did not order: its bytes come back on another, and it stays, named with its price. */
const imported: Case = async (t, ground) => {
  const wish = { name: 'from-the-old-house', region: 'fra1', size_gigabytes: 1 }
  const { volume } = await cloud(ground.env, 'POST', 'volumes', wish)
  const { id } = z.object({ id: z.string() }).parse(volume)
  const scene: Scene = {
    hand: [
      make.namespace('lot'),
      make.object('v1', 'PersistentVolume', 'from-the-old-house', {
        spec: {
          capacity: { storage: '1Gi' },
          accessModes: ['ReadWriteOnce'],
          persistentVolumeReclaimPolicy: 'Retain',
          storageClassName: 'do-block-storage',
          csi: { driver: 'dobs.csi.digitalocean.com', fsType: 'ext4', volumeHandle: id },
        },
      }),
      make.claim('lot/old', { volumeName: 'from-the-old-house' }),
      make.deployment('lot/app', { claims: ['old'] }),
    ],
    bytes: { 'lot/old': { a: 'brought along' } },
    flags: ['--replace'],
  }
  const [run] = await restored(ground, scene, await prepare(ground, scene))
  whole(t, run)
  t.ok(
    (await cloudOf(ground.env)).volumes.some((one) => one.id === id),
    'it is not the cluster’s to delete',
  )
  t.match(proofOf(run).stays.join('\n'), /from-the-old-house.*\$0\.10/)
}

/** An operator by hand, and in Git what needs it. */
const operator: Case = async (t, ground) => {
  const group = 'queue.example.org'
  const scene: Scene = {
    hand: [
      make.definition('Broker', group, { scope: 'Cluster' }),
      make.namespace('queue'),
      make.deployment('queue/operator'),
    ],
    backup: 'schedule',
    after: [['wipe']],
  }
  const taken = await prepare(ground, scene)
  await happen(ground, [
    'git',
    { [app('broker.yaml')]: [make.object(`${group}/v1`, 'Broker', 'everywhere', { spec: { size: 3 } })] },
  ])
  const [run] = await restored(ground, scene, taken)
  whole(t, run)
}

/** A storage class below apps/: it is there before what needs it. */
const ownClass: Case = async (t, ground) => {
  const scene: Scene = {
    git: {
      [app('speed.yaml')]: [
        make.object('storage.k8s.io/v1', 'StorageClass', 'speedy', {
          provisioner: 'dobs.csi.digitalocean.com',
          parameters: { 'csi.storage.k8s.io/fstype': 'xfs' },
          allowVolumeExpansion: true,
        }),
        make.namespace('speed'),
        make.claim('speed/data', { storageClassName: 'speedy' }),
      ],
    },
    bytes: { 'speed/data': { a: 'on a class of one’s own' } },
    backup: 'schedule',
    after: [['wipe']],
  }
  const [run] = await restored(ground, scene, await prepare(ground, scene))
  whole(t, run)
}

/** Told once more, after something was changed by hand. */
const toldAgain: Case = async (t, ground) => {
  const scene: Scene = { ...books, flags: [], after: [['wipe']] }
  const taken = await prepare(ground, scene)
  const [run] = await restored(ground, scene, taken)
  whole(t, run)
  const api = openApi(ground.home)
  await api.patch(make.configMap('books/settings'), { data: { mode: 'fast' } })
  await api.patch(make.secret('books/pin'), { data: { word: 'Zm9yZ290dGVu' } })
  api.close()
  const again = await restoreJudged(ground, scene, taken, restoreOf(taken.name))
  t.same(again.faults.map(tell), [])
}

/**
 * A SealedSecret that only a key of the old cluster opens, and what it opened is in no backup; beside it an app that
 * writes to its machine's disk.
 */
const keyLeftBehind: Case = async (t, ground) => {
  const { certificate, key } = await makeSealingKey({ now: new Date() })
  const labels = { 'sealedsecrets.bitnami.com/sealed-secrets-key': 'active' }
  const own = make.secret('sealed-secrets/key-of-the-old-house', { 'tls.crt': certificate, 'tls.key': key })
  const scene: Scene = {
    hand: [
      make.namespace('vault'),
      make.optedOut(make.marked({ ...own, type: 'kubernetes.io/tls' }, { labels })),
      ...(sealSecrets([make.secret('vault/pin')], certificate) as Thing[]),
      make.deployment('vault/writer', {
        pod: {
          containers: [{ name: 'main', image: 'a', volumeMounts: [{ name: 'data', mountPath: '/data' }] }],
          volumes: [{ name: 'data', hostPath: { path: '/srv/vault' } }],
        },
      }),
    ],
    restarted: ['sealed-secrets'],
    flags: ['--replace'],
  }
  const taken = await prepare(ground, scene)
  t.ok(
    taken.before.some(({ resource, thing }) => resource === 'secrets' && idOf(thing) === 'vault/pin'),
    'it was opened',
  )
  const before = await cloudOf(ground.env)
  const [run] = await restored(ground, scene, taken)
  t.same((run?.faults ?? []).filter(({ what }) => what !== 'there after all').map(tell), [])
  t.match(proofOf(run).missing, [/^sealedsecrets\.bitnami\.com vault\/pin: it was opened/])
  t.match(proofOf(run).notRestored, [/^pods vault\/writer-.*\/srv\/vault/])
  const after = new Set((await cloudOf(ground.env)).droplets.map(({ id }) => id))
  t.ok(
    before.droplets.every(({ id }) => after.has(id)),
    'the machine with the key is still there',
  )
}

/** The cases by what becomes of it. */
export const known: Record<string, Case> = {
  'what left Git since is asked about, and its commit reverted': leftGit('revert'),
  'what left Git since is asked about, and kept outside Git’s hands': leftGit('keep'),
  'what left Git since is asked about, and let go': leftGit('drop'),
  'a claim that was made anew after its bytes had moved': madeAnew,
  'what Git has otherwise in a field that cannot change': immutable,
  'a volume that was ordered beforehand': imported,
  'an operator by hand that Git’s objects need': operator,
  'a storage class below apps/': ownClass,
  'a proof that is told once more': toldAgain,
  'a sealing key that stays behind, and a folder on the machine’s disk': keyLeftBehind,
}
