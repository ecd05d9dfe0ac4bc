import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { z } from 'zod'
import { openApi } from './api.ts'
import { proof } from './evidence.ts'
import { tell } from './judge.ts'
import type { Case } from './known.ts'
import { cloudOf } from './look.ts'
import * as make from './make.ts'
import { github } from './person.ts'
import { type Ground, happen, prepare, restored, restoreJudged } from './play.ts'
import { commit } from './repository.ts'
import { app, type Scene } from './scene.ts'

// Backups that hold less than the cluster had, and were taken for whole; and what is told of repositories and machines.

const record = z.looseObject({
  name: z.string(),
  whole: z.boolean(),
  wholeness: z.enum(['whole', 'partial', 'failed']),
  reasons: z.array(z.string()),
})

/** What `backups --json` says of one. */
async function listed(ground: Ground, name: string) {
  const ended = await ground.run(['scripts/backups.mts', '--json'])
  const all = z.array(record).parse(JSON.parse(ended.out))
  return all.find((one) => one.name === name)
}

const shelf: Scene = {
  hand: [
    make.namespace('shelf'),
    make.claim('shelf/own'),
    make.deployment('shelf/reader', { claims: ['own'] }),
    make.secret('shelf/pin'),
  ],
  bytes: { 'shelf/own': { a: 'moved' } },
  backup: 'schedule',
}

/** A claim on a volume of no driver that takes snapshots. */
const elsewhere = [
  make.object('v1', 'PersistentVolume', 'on-the-disk', {
    spec: {
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteOnce'],
      persistentVolumeReclaimPolicy: 'Retain',
      storageClassName: 'by-hand',
      hostPath: { path: '/var/lib/shelf' },
    },
  }),
  make.claim('shelf/disk', { storageClassName: 'by-hand', volumeName: 'on-the-disk' }),
]

/** One that is refused as the newest and with `--replace`, and given by its name with `--partial`. */
async function refusedUnlessPartial(
  t: Parameters<Case>[0],
  ground: Ground,
  scene: Scene,
  taken: Awaited<ReturnType<typeof prepare>>,
  claim: string,
): Promise<void> {
  const { name } = taken
  t.match(await listed(ground, name), { whole: false, wholeness: 'partial' })
  t.match((await listed(ground, name))?.reasons.join('\n'), claim)
  const before = await cloudOf(ground.env)
  const replace = ['restore.mts', '--replace', '--yes', '--json', '--backup']
  const unasked = await ground.run([...replace, name])
  t.not(unasked.code, 0)
  t.match(unasked.err, claim)
  const both = await ground.run([...replace, name, '--partial'])
  t.equal(both.code, 2, both.err)
  const latest = await ground.run([...replace, 'latest', '--dry-run'])
  t.notMatch(latest.err, `backup ${name},`, 'it is never the newest')
  t.same(await cloudOf(ground.env), before, 'nothing was bought, nothing was removed')
  await happen(ground, ['wipe'])
  const accepted = { ...scene, dropped: [`persistentvolumeclaims ${claim}`] }
  const run = await restoreJudged(ground, accepted, taken, [
    'restore.mts',
    '--backup',
    name,
    '--partial',
    '--yes',
    '--json',
  ])
  const told = proof.safeParse(JSON.parse(run.evidence.ended.out || 'null')).data
  t.match([...(told?.missing ?? []), ...(told?.notRestored ?? [])].join('\n'), claim)
  t.same(run.faults.map(tell), [])
}

const notOfTheDriver: Case = async (t, ground) => {
  const scene = { ...shelf, hand: [...(shelf.hand ?? []), ...elsewhere] }
  const taken = await prepare(ground, scene)
  const status = await ground.run(['scripts/status.mts', '--json'])
  t.match(status.out, 'shelf/disk', 'status tells it before the next backup')
  await refusedUnlessPartial(t, ground, scene, taken, 'shelf/disk')
}

/** As the real Velero notes a volume of a pod with its annotation for copies of the file system. */
const fileSystemBackup: Case = async (t, ground) => {
  const taken = await prepare(ground, shelf)
  rewriteVolumes(ground.home, taken.name, (one) =>
    one.pvcName === 'own'
      ? {
          pvcName: one.pvcName,
          pvcNamespace: one.pvcNamespace,
          pvName: one.pvName,
          pvInfo: one.pvInfo,
          backupMethod: 'PodVolumeBackup',
          snapshotDataMoved: false,
          preserveLocalSnapshot: false,
          skipped: false,
          result: 'succeeded',
          pvbInfo: {
            snapshotHandle: 'k1',
            size: 6,
            uploaderType: 'kopia',
            volumeName: 'own',
            podNamespace: 'shelf',
            phase: 'Completed',
          },
        }
      : one,
  )
  await refusedUnlessPartial(t, ground, shelf, taken, 'shelf/own')
}

/** As the real Velero notes a volume that it left out. */
const skipped: Case = async (t, ground) => {
  const taken = await prepare(ground, shelf)
  rewriteVolumes(ground.home, taken.name, (one) =>
    one.pvcName === 'own'
      ? { ...one, skipped: true, skippedReason: 'no snapshot class', snapshotDataMovementInfo: undefined }
      : one,
  )
  await refusedUnlessPartial(t, ground, shelf, taken, 'shelf/own')
}

/** A claim that its owner labelled out. */
const claimLabelledOut: Case = async (t, ground) => {
  const { hand = [] } = shelf
  const scene = {
    ...shelf,
    hand: hand.map((one) => (one.kind === 'PersistentVolumeClaim' ? make.optedOut(one) : one)),
  }
  await refusedUnlessPartial(t, ground, scene, await prepare(ground, scene), 'shelf/own')
}

/** Rewrites what a backup in the box says of its volumes. */
function rewriteVolumes(
  home: string,
  backup: string,
  change: (one: Record<string, unknown>) => object,
): void {
  const spaces = join(home, 'spaces')
  const bucket = readdirSync(spaces).find(
    (name) => /-[0-9a-f]{10}-velero$/.test(name) && !name.includes('-0123456789-'),
  )
  const file = join(spaces, bucket ?? '', 'backups', backup, `${backup}-volumeinfo.json.gz@`)
  const all = JSON.parse(gunzipSync(readFileSync(file)).toString()) as Record<string, unknown>[]
  const bytes = gzipSync(JSON.stringify(all.map(change)))
  const meta = z.looseObject({}).parse(JSON.parse(readFileSync(`${file}meta`, 'utf8')))
  const etag = createHash('md5').update(bytes).digest('hex')
  writeFileSync(file, bytes)
  writeFileSync(`${file}meta`, JSON.stringify({ ...meta, size: bytes.length, etag }))
}

/** A person's second schedule, of one namespace, ran after the nightly one. */
const narrow: Case = async (t, ground) => {
  const scene: Scene = { ...shelf, flags: ['--replace'] }
  const taken = await prepare(ground, scene)
  const api = openApi(ground.home)
  await api.apply(
    make.object('velero.io/v1', 'Backup', 'velero/hourly-shelf-20990101000000', {
      metadata: { labels: { 'velero.io/schedule-name': 'hourly-shelf' } },
      spec: {
        storageLocation: 'default',
        ttl: '48h0m0s',
        snapshotMoveData: true,
        includedNamespaces: ['hello'],
      },
    }),
  )
  for (let tries = 0; tries < 200 && !(await listed(ground, 'hourly-shelf-20990101000000')); tries++);
  api.close()
  t.match(await listed(ground, 'hourly-shelf-20990101000000'), { whole: false, wholeness: 'partial' })
  const run = await restoreJudged(ground, scene, taken, [
    'restore.mts',
    '--backup',
    'latest',
    '--replace',
    '--yes',
    '--json',
  ])
  t.equal(
    proof.safeParse(JSON.parse(run.evidence.ended.out || 'null')).data?.backup && run.evidence.ended.code,
    0,
  )
  t.same(run.faults.map(tell), [])
}

/** Two generations whose volumes stay snapshots, then one into the bucket. */
const snapshots: Case = async (t, ground) => {
  for (const [n, volumes] of ['snapshot', 'snapshot', 's3'].entries()) {
    const scene: Scene = { ...(n === 0 ? shelf : {}), flags: ['--replace'] }
    const taken = await prepare(ground, { ...scene, backup: 'hand' }, [
      `--volumes`,
      volumes,
      '--backup',
      `gen-${n}`,
    ])
    const [run] = await restored(ground, scene, taken)
    t.same((run?.faults ?? []).map(tell), [], `generation ${n}, ${volumes}`)
  }
}

/** A namespace that is labelled out: Velero leaves out all that is in it, and the backup is told to hold less. */
const labelledOut: Case = async (t, ground) => {
  const scene: Scene = {
    hand: [
      make.optedOut(make.namespace('closet', { annotations: { 'example.org/why': 'private' } })),
      make.configMap('closet/inside'),
      ...(shelf.hand ?? []),
    ],
    backup: 'schedule',
  }
  const taken = await prepare(ground, scene)
  const one = await listed(ground, taken.name)
  t.match(one, { whole: false, wholeness: 'partial' })
  t.match(one?.reasons.join('\n'), /closet/)
  await happen(ground, ['wipe'])
  const unasked = await ground.run(['restore.mts', '--backup', taken.name, '--yes'])
  t.equal(unasked.code, 1)
  t.match(unasked.err, /closet/)
  const command = ['restore.mts', '--backup', taken.name, '--partial', '--yes', '--json']
  t.same((await restoreJudged(ground, scene, taken, command)).faults.map(tell), [])
}

/** The repository's default branch was moved: what Git's machines follow is told, and regrow writes there. */
const branchMoved: Case = async (t, ground) => {
  const repo = '/repos/bob/regrow-main'
  const { object } = z
    .object({ object: z.object({ sha: z.string() }) })
    .parse(await github(ground.env, 'GET', `${repo}/git/ref/heads/main`))
  await github(ground.env, 'POST', `${repo}/git/refs`, { ref: 'refs/heads/develop', sha: object.sha })
  await github(ground.env, 'PATCH', repo, { default_branch: 'develop' })
  const status = await ground.run(['scripts/status.mts', '--json'])
  t.equal(status.code, 3, status.err)
  t.match(status.out, 'develop')
  await commit(ground.env, { [app('after.yaml')]: [make.namespace('after')] })
  const api = openApi(ground.home)
  const there = async () => (await api.find(make.namespace('after'))) !== undefined
  const end = performance.now() + 60_000
  while (!(await there()) && performance.now() < end);
  t.ok(await there(), 'an edit on main is followed')
  api.close()
}

/** A rehearsal ends well on whatever the platform's charts bring. */
const rehearsed: Case = async (t, ground) => {
  await prepare(ground, shelf)
  const ended = await ground.run(['scripts/rehearse.mts', '--yes'])
  t.equal(ended.code, 0, ended.err)
}

export const partial: Record<string, Case> = {
  'a claim that no driver takes snapshots of': notOfTheDriver,
  'a volume copied file by file': fileSystemBackup,
  'a volume that was left out': skipped,
  'a claim that is labelled out': claimLabelledOut,
  'a narrower schedule of one’s own': narrow,
  'volumes that stay snapshots, generation after generation': snapshots,
  'a namespace that is labelled out': labelledOut,
  'a default branch that was moved': branchMoved,
  'a rehearsal': rehearsed,
}
