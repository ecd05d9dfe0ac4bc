import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { parseJson } from '../../lib/base/json.ts'
import { bootstrap } from '../faults/flows.ts'
import { here, inWorld, type World } from '../faults/world.ts'
import {
  type Alteration,
  alter,
  alterations,
  contentOf,
  type Stored,
  standsOn,
  stored,
} from './alterations.ts'
import { scene, takenFile } from './between.ts'
import { tell } from './judge.ts'
import { cloudOf } from './look.ts'
import { groundOf, killed, restoreJudged, type Taken } from './play.ts'

// One object of a bucket is altered, and then something is run that reads it: it is refused, or ends as it does without.

const restore = ['restore.mts', '--backup', 'census', '--json', '--yes']

/** What is run; `looks` are the commands that change nothing, all three. */
export const flows = ['restore', 'restore --replace', 'rehearse', 'restore again', 'looks'] as const
type Flow = (typeof flows)[number]

const looks = [
  ['scripts/status.mts', '--json'],
  ['scripts/backups.mts', '--json'],
  ['scripts/backups.mts', '--deleted', '--json'],
] as const

/** One thing that is tried. */
export interface Attempt {
  flow: Flow
  /** The object, as `stored` names it. */
  object: string
  how: Alteration
}

/** What came of it: `PROVEN` as without, `refused`, or another word of the proof; and what is wrong with that. */
export interface Came {
  came: string
  /** A file of the newest backup is not what it was: the one before was taken. */
  takesOlder?: boolean
  wrong: string[]
}

/** An attempt as it is told, the same in every run. */
export const tellAttempt = ({ flow, object, how }: Attempt) => `${flow}: ${object} ${how}`

const isWiped = (flow: Flow) => flow === 'restore' || flow === 'restore again'
const stage = (flow: Flow) => ({
  before: [bootstrap.command, ['test/census/prepare.mts', ...(isWiped(flow) ? ['wiped'] : [])]],
})

/** The restore that runs again was killed right before it noted that it had been proven. */
const proven = { service: 'spaces', method: 'PUT', path: '/nodes/main-2/restore\\.json(\\?|$)', nth: 2 }
const isKilled = (world: World) => killed(groundOf(world), restore, proven, 'before')

/** Every attempt with a flow: each object, altered in each way. */
export async function attempts(flow: Flow): Promise<Attempt[]> {
  return inWorld(stage(flow), async (world) => {
    if (flow === 'restore again' && !(await isKilled(world))) throw new Error('the restore was not killed')
    const all = stored(world.home)
    // Of one that runs again what it had written itself; the rest is the others' to try.
    const own = all.filter(({ key }) => flow !== 'restore again' || /^(nodes\/main-2|restores)\//.test(key))
    return own.flatMap(({ name }) => alterations.map((how) => ({ flow, object: name, how })))
  })
}

const without = new Map<Flow, Promise<Came>>()

/** What comes of a flow where nothing was altered; asked once. */
const unaltered = (flow: Flow): Promise<Came> => {
  const known = without.get(flow) ?? played(flow)
  without.set(flow, known)
  return known
}

/** Tries one. @param seed draws what is altered */
export async function attempt(one: Attempt, seed: string): Promise<Came> {
  const usual = await unaltered(one.flow)
  if (usual.wrong.length > 0)
    return { came: 'nothing', wrong: usual.wrong.map((line) => `unaltered: ${line}`) }
  const { came, wrong, takesOlder = false } = await played(one.flow, { ...one, seed })
  const isSame = came === usual.came || takesOlder || !came.startsWith('PROVEN')
  return { came, wrong: [...wrong, ...(isSame ? [] : [`unaltered it is ${usual.came}`])] }
}

async function played(flow: Flow, one?: Attempt & { seed: string }): Promise<Came> {
  return inWorld(stage(flow), async (world) => {
    const taken = JSON.parse(readFileSync(join(world.home, '..', takenFile), 'utf8')) as Taken
    const earlier = await cloudOf(world.env)
    if (flow === 'restore again' && !(await isKilled(world)))
      return { came: 'nothing', wrong: ['the restore was not killed'] }
    const isOf = one ? altered(world, one) : () => false
    if (!isOf) return { came: 'nothing', wrong: ['there is no such object'] }
    const came = await (flow === 'looks'
      ? looked(world)
      : flow === 'rehearse'
        ? rehearsed(world, isOf, one?.object)
        : restored(world, taken, flow, earlier, isOf))
    return { ...came, wrong: [...came.wrong, ...world.touched().map((line) => `touched: ${line}`)] }
  })
}

/** Alters the object. @returns whether a backup is another one by that; undefined where there is no such object */
function altered(world: World, one: Attempt & { seed: string }): ((backup: string) => boolean) | undefined {
  const found = stored(world.home).find(({ name }) => name === one.object)
  if (!found) return undefined
  // Copies of upstream count where upstream has it no longer.
  if (found.key.startsWith('upstream/')) world.behaves({ gone: ['.'] })
  const before = { content: contentOf(world.home, found), standsOn: standingOn(world, found) }
  alter(world.home, found, one.how, `${one.seed} ${tellAttempt(one)}`)
  const isSame = contentOf(world.home, found) === before.content
  return (backup) => !isSame && before.standsOn.includes(backup)
}

/** The backups that stand on an object. */
const standingOn = ({ home }: World, { name }: Stored) =>
  ['census', 'main-first'].filter((backup) => standsOn(home, backup).includes(name))

async function restored(
  world: World,
  taken: Taken,
  flow: Flow,
  earlier: Awaited<ReturnType<typeof cloudOf>>,
  isOf: (backup: string) => boolean,
): Promise<Came> {
  const command = [...restore, ...(flow === 'restore --replace' ? ['--replace'] : [])]
  const { evidence, faults } = await restoreJudged(groundOf(world), scene, taken, command, { earlier })
  const told = proof.safeParse(parseJson(evidence.ended.out)).data
  const found = faults.filter(({ what }) => told || what !== 'no proof').map(tell)
  const believed =
    told?.verdict === 'PROVEN' && isOf('census') ? ['PROVEN, by a backup that is not what it was'] : []
  return {
    came: told?.headline ?? 'refused',
    wrong: [...found, ...believed, ...unclear(evidence.ended)],
  }
}

const proof = z.looseObject({ verdict: z.string(), headline: z.string() })
const drill = z.looseObject({
  proof: proof.extend({ backup: z.looseObject({ name: z.string() }) }).optional(),
  wrong: z.array(z.string()),
})

async function rehearsed(world: World, isOf: (backup: string) => boolean, object?: string): Promise<Came> {
  const before = { cloud: await cloudOf(world.env), bytes: volumesIn(world.home) }
  const ended = await world.run(here, ['scripts/rehearse.mts', '--json', '--yes'])
  const after = { cloud: await cloudOf(world.env), bytes: volumesIn(world.home) }
  const { proof: told, wrong = [] } = drill.safeParse(parseJson(ended.out)).data ?? {}
  const isWell = told?.verdict === 'PROVEN' && wrong.length === 0
  const idsOf = (of: typeof before.cloud) =>
    (['droplets', 'volumes', 'snapshots'] as const).flatMap((kind) =>
      of[kind].map(({ id }) => `${kind} ${id}`),
    )
  const differs = (a: readonly string[], b: readonly string[]) => a.filter((one) => !b.includes(one))
  return {
    came: told ? `${told.headline} of ${told.backup.name}` : 'refused',
    takesOlder:
      told?.backup.name === 'main-first' &&
      (isOf('census') || (object ?? '').startsWith('velero backups/census/')),
    wrong: [
      ...differs(idsOf(before.cloud), idsOf(after.cloud)).map((one) => `gone: ${one}`),
      ...differs(idsOf(after.cloud), idsOf(before.cloud)).map((one) => `left: ${one}`),
      ...differs(before.bytes, after.bytes).map((one) => `its bytes are others: ${one}`),
      ...(told?.verdict === 'PROVEN' && isOf(told.backup.name)
        ? [`PROVEN, by backup ${told.backup.name}, which is not what it was`]
        : []),
      ...((ended.code === 0) === isWell ? [] : [`${told?.verdict}, and it ended with ${ended.code}`]),
      // That it took the older one is not all that is told: somebody altered the newest.
      ...(told?.backup.name === 'main-first' && isOf('census') && ended.code === 0
        ? ['backup census was altered, and that is no fault']
        : []),
      ...unclear(ended),
    ],
  }
}

/** A digest of every file of every volume. */
function volumesIn(home: string): string[] {
  const folder = join(home, 'volumes')
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(join(folder, name)).isFile())
    .map(
      (name) =>
        `${name} ${createHash('sha256')
          .update(readFileSync(join(folder, name)))
          .digest('hex')}`,
    )
}

async function looked(world: World): Promise<Came> {
  const wrong: string[] = []
  for (const command of looks) {
    const ended = await world.run(here, command)
    // 3: something wants attention, 4: no whole backup is young enough.
    const isOver = [0, ...(command[0] === 'scripts/status.mts' ? [3, 4] : [])].includes(ended.code ?? -1)
    if (!isOver) wrong.push(`${command.join(' ')} ended with ${ended.code}: ${ended.err.slice(-600)}`)
    wrong.push(...unclear(ended))
  }
  return { came: wrong.length === 0 ? 'told' : 'refused', wrong }
}

interface Ended {
  code: number | null
  err: string
}

/** What is wrong with how a command ended: it failed, and not with one clear message and what to do. */
function unclear({ code, err }: Ended): string[] {
  const failed = code !== 0 && code !== 3 && code !== 4
  const isClear = /^x (?!unexpected|your script failed)/m.test(err) && /→/.test(err)
  return [
    ...(failed && (code !== 1 || !isClear) ? [`unclear, ${code}: ${err.slice(-800)}`] : []),
    ...(/fault of regrow|^ +at .*:\d+:\d+\)?$/m.test(err) ? [`a fault of regrow: ${err.slice(-800)}`] : []),
  ]
}
