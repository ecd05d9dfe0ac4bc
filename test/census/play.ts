import type { ChildProcess } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault } from '../../sandbox/faults.ts'
import { here, type World } from '../faults/world.ts'
import { type Api, openApi, type Wanted } from './api.ts'
import type { Cloud, Evidence, Fault as Found } from './evidence.ts'
import { judge } from './judge.ts'
import { bytesOf, cloudOf, type Pace, settled, writeBytes } from './look.ts'
import { cloud } from './person.ts'
import { commit } from './repository.ts'
import type { Scene, Step } from './scene.ts'
import { at, idOf, type Listed, type Thing, textAt } from './things.ts'

/** One run of the restore, and what the judge says of it. */
export interface Run {
  evidence: Evidence
  faults: Found[]
}

/** Where a scene is played: a box with a cluster `main` that runs. */
export interface Ground extends Pick<World, 'home' | 'env' | 'breaks'> {
  /** Where it is not paper’s. */
  pace?: Pace
  run(command: readonly string[], started?: (child: ChildProcess) => void): Promise<Ended>
}

interface Ended {
  code: number | null
  out: string
  err: string
}

/** A world of the faults' harness as a ground. */
export const groundOf = (world: World): Ground => ({
  ...world,
  run: (command, started) => world.run(here, command, started),
})

/** A backup that was taken, and the moment of which it is one. */
export interface Taken {
  name: string
  before: Listed[]
  bytes: Evidence['bytes']['before']
  /** Kinds of the scene that the cluster does not know: their objects were left out. */
  unknown: string[]
}

/** Builds a scene, backs it up, lets happen what happens, restores it, and judges each run of the restore. */
export async function play(ground: Ground, scene: Scene): Promise<Run[]> {
  return restored(ground, scene, await prepare(ground, scene))
}

/** Lets happen what happens to a scene that was backed up, restores it, and judges each run of the restore. */
export async function restored(ground: Ground, scene: Scene, taken: Taken): Promise<Run[]> {
  for (const step of scene.after ?? []) await happen(ground, step)
  const command = ['restore.mts', '--backup', taken.name, '--json', '--yes', ...(scene.flags ?? [])]
  const runs = [await restoreJudged(ground, scene, taken, command, { killAt: scene.killAt })]
  if (scene.again) runs.push(await restoreJudged(ground, scene, taken, command))
  return runs
}

/** Builds a scene and backs it up. @param words of a backup by hand @throws Error when the backup failed */
export async function prepare(
  ground: Ground,
  scene: Scene,
  words: readonly string[] = ['--backup', 'census'],
): Promise<Taken> {
  const api = openApi(ground.home)
  const unknown: string[] = []
  try {
    // What Git holds may live in a namespace by hand.
    const rooms = (scene.hand ?? []).filter(({ kind }) => kind === 'Namespace')
    for (const room of rooms) await api.apply(room)
    if (scene.git) await followed(api, await commit(ground.env, scene.git))
    for (const thing of scene.hand ?? [])
      if (await api.knows(thing)) await api.apply(await owned(api, thing))
      else unknown.push(thing.kind)
    const restarted = [...(scene.restarted ?? []), ...(isLate(scene) ? ['velero'] : [])]
    for (const { resource, thing } of restarted.length > 0 ? await api.dump() : [])
      if (resource === 'pods' && restarted.includes(thing.metadata.namespace ?? '')) await api.remove(thing)
    for (const [of, change] of scene.patches ?? []) await api.patch(of, change)
    if (scene.bytes) {
      await bound(api, Object.keys(scene.bytes))
      writeBytes(ground.home, await settled(api, ground.pace), scene.bytes)
    }
    for (const one of scene.removed ?? []) await api.remove(one)
    const before = await settled(api, ground.pace)
    const bytes = bytesOf(ground.home, before)
    const isScheduled = scene.backup === 'schedule'
    const name = isScheduled ? await scheduled(api) : await byHand(ground, words)
    const seen = isScheduled ? before : await withVelerosPods(api, before)
    return { name, before: seen, bytes, unknown: [...new Set(unknown)] }
  } finally {
    api.close()
  }
}

/** Waits until claims are bound, which takes its time on a busy machine. @throws Error after five minutes */
async function bound(api: Api, claims: readonly string[]): Promise<void> {
  const end = performance.now() + 300_000
  for (const id of claims) {
    const [namespace = '', name = ''] = id.split('/')
    const claim = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { namespace, name } }
    while (textAt(await api.find(claim), 'status', 'phase') !== 'Bound') {
      if (performance.now() > end) throw new Error(`claim ${id} is not bound after five minutes`)
      await sleep(200)
    }
  }
}

/**
 * Whether Velero makes a backup of kinds that were defined a moment ago: it learns of them when it starts, and every five
 * minutes. One by hand has to see to that by itself.
 */
const isLate = ({ backup, git = {}, hand = [] }: Scene) =>
  backup === 'schedule' &&
  [...hand, ...Object.values(git).flat()].some(({ kind }) => kind === 'CustomResourceDefinition')

/** All objects, with Velero’s pods as they are now: ahead of a backup by hand it may have started anew. */
async function withVelerosPods(api: Api, before: readonly Listed[]): Promise<Listed[]> {
  const isVeleros = ({ resource, thing }: Listed) =>
    resource === 'pods' && thing.metadata.namespace === 'velero'
  return [...before.filter((one) => !isVeleros(one)), ...(await api.dump()).filter(isVeleros)]
}

/** The object with the identity of its owner, which a scene cannot know. */
async function owned(api: Api, thing: Thing): Promise<Thing> {
  const owners = thing.metadata.ownerReferences as (Wanted & { name: string })[] | undefined
  if (!owners) return thing
  const ownerReferences = await Promise.all(
    owners.map(async ({ apiVersion, kind, name }) => {
      const { namespace } = thing.metadata
      const found = await api.find({
        apiVersion,
        kind,
        metadata: { name, ...(namespace ? { namespace } : {}) },
      })
      return { apiVersion, kind, name, uid: found?.metadata.uid ?? '' }
    }),
  )
  return { ...thing, metadata: { ...thing.metadata, ownerReferences } }
}

/** One restore (killed and repeated, where it is to be), held against the world. @param more the account before it all began */
export async function restoreJudged(
  ground: Ground,
  scene: Scene,
  { before, bytes }: Taken,
  command: readonly string[],
  { killAt, earlier: known }: { killAt?: number | undefined; earlier?: Cloud } = {},
): Promise<Run> {
  const earlier = known ?? (await cloudOf(ground.env))
  if (killAt) await killed(ground, command, killAt)
  const ended = await ground.run(command)
  const after = await present(ground)
  const evidence: Evidence = {
    before,
    after,
    bytes: { before: bytes, after: bytesOf(ground.home, after ?? []) },
    cloud: { before: earlier, after: await cloudOf(ground.env) },
    ended,
    ...(scene.dropped ? { dropped: scene.dropped } : {}),
    ...(scene.git ? { git: inGit(scene) } : {}),
  }
  return { evidence, faults: judge(evidence) }
}

/** All objects once they rest; undefined where no cluster answers. */
async function present(ground: Ground): Promise<Listed[] | undefined> {
  const api = openApi(ground.home)
  try {
    return await settled(api, ground.pace)
  } catch {
    return undefined
  } finally {
    api.close()
  }
}

/** Kills a flow with its children at its nth request, or right after one of that kind. @returns whether it came so far */
export async function killed(
  ground: Ground,
  command: readonly string[],
  moment: number | Pick<Fault, 'service' | 'method' | 'path' | 'nth'>,
  side: 'before' | 'after' = 'after',
): Promise<boolean> {
  let child: ChildProcess | undefined
  let hit = false
  const act = () => {
    hit = true
    process.kill(-(child?.pid ?? Number.NaN), 'SIGKILL')
  }
  ground.breaks(
    typeof moment === 'number'
      ? { kind: 'cut-before', nth: moment, act }
      : { ...moment, kind: `cut-${side}`, act },
  )
  await ground.run(command, (started) => {
    child = started
  })
  ground.breaks(undefined)
  return hit
}

/** Lets one thing happen. */
export async function happen(ground: Ground, step: Step): Promise<void> {
  const own = async () =>
    (await cloudOf(ground.env)).droplets
      .filter(({ tags }) => tags.includes('regrow:main'))
      .map(({ id }) => id)
  switch (step[0]) {
    case 'power-off':
      for (const id of await own())
        await cloud(ground.env, 'POST', `droplets/${id}/actions`, { type: 'power_off' })
      return
    case 'wipe':
      for (const id of await own()) await cloud(ground.env, 'DELETE', `droplets/${id}`)
      return removeVolumes(ground)
    case 'git': {
      const revision = await commit(ground.env, step[1])
      const api = openApi(ground.home)
      await followed(api, revision).catch(() => {}) // a cluster that is off follows nothing
      return api.close()
    }
    case 'remove': {
      const api = openApi(ground.home)
      await api.remove(step[1])
      return api.close()
    }
  }
}

async function removeVolumes({ env }: Ground): Promise<void> {
  for (;;) {
    const left = (await cloudOf(env)).volumes.filter(({ tags }) => tags.includes('regrow:main'))
    if (left.length === 0) return
    // Still attached for a moment: asked again.
    await Promise.all(left.map(({ id }) => cloud(env, 'DELETE', `volumes/${id}`).catch(() => {})))
    await sleep(20)
  }
}

/** Waits until Argo CD has applied a commit, everywhere where it is followed. */
async function followed(api: Api, revision: string): Promise<void> {
  const apps = {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name: 'apps', namespace: 'argocd' },
  }
  const refresh = { metadata: { annotations: { 'argocd.argoproj.io/refresh': 'normal' } } }
  await api.patch(apps, refresh)
  const end = performance.now() + 300_000
  for (;;) {
    const found = await api.find(apps)
    const revisions = at(found, 'status', 'operationState', 'syncResult', 'revisions')
    const done = Array.isArray(revisions) && revisions.includes(revision)
    const phase = textAt(found, 'status', 'operationState', 'phase')
    const seen = at(found, 'status', 'sync', 'revisions')
    const isSame =
      Array.isArray(seen) && seen.includes(revision) && textAt(found, 'status', 'sync', 'status') === 'Synced'
    if ((done && phase !== 'Running') || isSame) return
    // What does not apply is tried again and again: seen is enough.
    if (done && Number(at(found, 'status', 'operationState', 'retryCount')) > 0) return
    if (performance.now() > end)
      throw new Error(`Argo CD did not follow ${revision}: ${JSON.stringify(at(found, 'status'))}`)
    await sleep(50)
  }
}

async function byHand(ground: Ground, words: readonly string[]): Promise<string> {
  const ended = await ground.run(['scripts/backup.mts', ...words])
  if (ended.code !== 0) throw new Error(`the backup failed: ${ended.err}`)
  return words[words.indexOf('--backup') + 1] ?? ''
}

/** The Backup that Velero makes from the Schedule `daily`: its template, under its name and the time. */
async function scheduled(api: Api): Promise<string> {
  const apiVersion = 'velero.io/v1'
  const schedule = await api.find({
    apiVersion,
    kind: 'Schedule',
    metadata: { name: 'daily', namespace: 'velero' },
  })
  const name = `daily-${new Date().toISOString().replace(/\D/g, '').slice(0, 14)}`
  const metadata = { name, namespace: 'velero', labels: { 'velero.io/schedule-name': 'daily' } }
  const backup: Thing = { apiVersion, kind: 'Backup', metadata, spec: at(schedule, 'spec', 'template') }
  await api.apply(backup)
  const end = performance.now() + 900_000
  for (;;) {
    const phase = textAt(await api.find(backup), 'status', 'phase')
    if (/^(Completed|PartiallyFailed)$/.test(phase)) return name
    if (/Failed/.test(phase) || performance.now() > end)
      throw new Error(`the backup is ${phase || 'not begun'}`)
    await sleep(50)
  }
}

/** What Git holds in the end. */
function inGit({ git = {}, after = [], reverted }: Scene): string[] {
  const files: Record<string, readonly Thing[] | undefined> = { ...git }
  for (const step of reverted ? [] : after) if (step[0] === 'git') Object.assign(files, step[1])
  return Object.values(files).flatMap((things) =>
    (things ?? []).map((one) => `${pluralOf(one)} ${idOf(one)}`),
  )
}

/** The resource of a manifest, as the API would list it. */
function pluralOf({ apiVersion, kind }: Thing): string {
  const [group = ''] = apiVersion.includes('/') ? apiVersion.split('/') : []
  const lower = kind.toLowerCase()
  const plural = /(s|ss|x|ch)$/.test(lower) ? `${lower}es` : lower.replace(/y$/, 'ie').concat('s')
  return group ? `${plural}.${group}` : plural
}
