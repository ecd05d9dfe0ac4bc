import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bootstrap } from '../faults/flows.ts'
import { type Point, pointsOf, tellPoint, where } from '../faults/points.ts'
import { here, inWorld, type World } from '../faults/world.ts'
import type { Cloud } from './evidence.ts'
import { tell } from './judge.ts'
import { cloudOf } from './look.ts'
import * as make from './make.ts'
import { groundOf, killed, restoreJudged, type Taken } from './play.ts'
import { app, type Scene } from './scene.ts'

// A restore is killed, then something else is run, then the restore again: nothing that may be an only copy is lost.

/** A cluster with data in Git's claims and in others, to be restored. */
export const scene: Scene = {
  git: {
    [app('shop.yaml')]: [
      make.namespace('shop'),
      make.claim('shop/stock'),
      make.deployment('shop/web', { claims: ['stock'] }),
    ],
  },
  hand: [
    make.claim('shop/ledger', { storageClassName: 'do-block-storage-retain' }),
    make.deployment('shop/by-hand', { claims: ['ledger'] }),
    make.secret('shop/pin'),
    make.clusterRole('auditor'),
  ],
  bytes: { 'shop/stock': { a: 'every item' }, 'shop/ledger': { b: 'every sale' } },
  backup: 'hand',
}

/** What was taken, as the script that prepares a world leaves it beside that. */
export const takenFile = 'taken.json'

export const flows = ['restore', 'restore --replace'] as const
/** What is run between kill and repetition. */
const betweens: Record<string, readonly string[]> = {
  scale: ['scale.mts', '--size', 's-2vcpu-4gb', '--yes'],
  status: ['scripts/status.mts'],
  destroy: ['scripts/destroy.mts', '--yes', '--confirm', 'main'],
  bootstrap: bootstrap.command,
}

/** One thing that is tried. */
export interface Attempt {
  flow: (typeof flows)[number]
  point: Point
  side: 'before' | 'after'
  between: string
}

/** An attempt as it is told, the same in every run. */
export const tellAttempt = ({ flow, point, side, between }: Attempt) =>
  `${flow} killed ${side} ${tellPoint(point)}, then ${between}`

const stage = (flow: string) => ({
  before: [bootstrap.command, ['test/census/prepare.mts', ...(flow === 'restore' ? ['wiped'] : [])]],
})
const commandOf = (flow: string) => [
  ...['restore.mts', '--backup', 'census', '--json', '--yes'],
  ...(flow === 'restore' ? [] : ['--replace']),
]

/** Every attempt at a flow: each request that changes something, before and after it, and each thing between. */
export async function attempts(flow: Attempt['flow']): Promise<Attempt[]> {
  return inWorld(stage(flow), async (world) => {
    const seen = world.requests().length
    const ended = await world.run(here, commandOf(flow))
    if (ended.code !== 0) throw new Error(`${flow} failed undisturbed: ${ended.err}`)
    const points = pointsOf(world.requests().slice(seen)).filter((one) => one.mutates)
    return points.flatMap((point) =>
      (['before', 'after'] as const).flatMap((side) =>
        Object.keys(betweens).map((between) => ({ flow, point, side, between })),
      ),
    )
  })
}

/**
 * Tries one. Where the restore had begun everything else that can be run between refuses as well, so that it is run too:
 * `also` holds what was.
 * @returns what is wrong: empty when nothing is lost, nothing hidden, and the same command ends it
 */
export async function attempt(
  { flow, point, side, between }: Attempt,
  also: string[] = [],
): Promise<string[]> {
  return inWorld(stage(flow), async (world) => {
    const ground = groundOf(world)
    const taken = JSON.parse(readFileSync(join(world.home, '..', takenFile), 'utf8')) as Taken
    const earlier = await cloudOf(world.env)
    if (!(await killed(ground, commandOf(flow), where(point), side))) return ['it did not hit']
    const wrong = await whatHappens(world, between)
    for (const other of Object.keys(betweens).filter((one) => one !== between && unfinished(world.home))) {
      also.push(other)
      wrong.push(...(await whatHappens(world, other)))
    }
    let command = commandOf(flow)
    let run = await restoreJudged(ground, scene, taken, command, { earlier })
    // What was grown between is told to be alive, and the word for that is --replace.
    if (
      run.evidence.ended.code !== 0 &&
      !command.includes('--replace') &&
      /--replace/.test(run.evidence.ended.err)
    ) {
      command = [...command, '--replace']
      run = await restoreJudged(ground, scene, taken, command, { earlier })
    }
    const { code, err } = run.evidence.ended
    return [
      ...wrong,
      ...run.faults.map(tell),
      ...(code === 0 ? [] : [`the same command ended with ${code}: ${err.slice(-500)}`]),
      ...world.touched().map((line) => `touched: ${line}`),
    ]
  })
}

/** What is wrong with what a command did while a restore is not finished: it is told so, and leaves everything alone. */
async function whatHappens(world: World, name: string): Promise<string[]> {
  const isUnfinished = unfinished(world.home)
  const before = await cloudOf(world.env)
  const { code, err, out } = await world.run(here, betweens[name] ?? [])
  if (!isUnfinished) return []
  const after = await cloudOf(world.env)
  const isSaid = /restore\.mts .*--backup census/.test(`${err}${out}`)
  return [
    ...lost(before, after).map((one) => `${name} removed ${one}`),
    // Volumes come while Velero goes on in the cluster; a machine is bought by nobody but a flow.
    ...lost(after, before)
      .filter((one) => one.startsWith('droplets'))
      .map((one) => `${name} made ${one}`),
    ...(name !== 'status' && code === 0 ? [`${name} did not refuse`] : []),
    ...(isSaid ? [] : [`${name} did not name the command that finishes the restore: ${err.slice(-300)}`]),
  ]
}

const lost = (before: Cloud, after: Cloud): string[] =>
  (['droplets', 'volumes'] as const).flatMap((kind) =>
    before[kind]
      .filter(({ id }) => !after[kind].some((one) => one.id === id))
      .map(({ name }) => `${kind} ${name}`),
  )

/** Whether a restore was begun, by the record in the kit's bucket, and is not finished. */
function unfinished(home: string): boolean {
  const spaces = join(home, 'spaces')
  const kit = readdirSync(spaces).find(
    (name) => /^regrow-main-[0-9a-f]{10}-kit$/.test(name) && !name.includes('-0123456789-'),
  )
  const nodes = join(spaces, kit ?? '', 'nodes')
  if (!kit || !existsSync(nodes)) return false
  return readdirSync(nodes)
    .map((node) => join(nodes, node, 'restore.json@'))
    .filter((file) => existsSync(file))
    .some((file) => (JSON.parse(readFileSync(file, 'utf8')) as { finished?: string }).finished === undefined)
}

/** Keeps what was taken beside the world, for the attempts that begin there. */
export const keepTaken = (dir: string, taken: Taken): void =>
  writeFileSync(join(dir, takenFile), JSON.stringify(taken))
