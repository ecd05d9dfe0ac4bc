import fc from 'fast-check'
import { bootstrap } from '../faults/flows.ts'
import { inWorld } from '../faults/world.ts'
import { type Drawn, drawnOf, sceneOf } from './draw.ts'
import { tell } from './judge.ts'
import { groundOf, play } from './play.ts'

/** What a row of draws came to. */
export interface Row {
  clusters: number
  worlds: number
  restores: number
  kills: number
  /** The smallest cluster that fails: as input, and what the judge says of it. */
  failed?: { each: number; seed: number; path: string; input: Drawn; says: string }
}

/** Plays one drawn cluster on a box of its own. @returns what the judge finds wrong, run by run */
export async function playDrawn(input: Drawn): Promise<{ wrong: string[]; restores: number }> {
  return inWorld({ before: [bootstrap.command] }, async (world) => {
    const runs = await play(groundOf(world), sceneOf(input))
    const wrong = runs.flatMap(({ faults, evidence }, at) => [
      ...faults.map((one) => `run ${at + 1}: ${tell(one)}`),
      ...(evidence.ended.code === 0 ? [] : [`run ${at + 1}: it ended with ${evidence.ended.code}`]),
    ])
    return { wrong: [...wrong, ...world.touched().map((line) => `touched: ${line}`)], restores: runs.length }
  })
}

/**
 * Draws clusters from a seed and plays one after the other; the first that fails is shrunk for an hour at most, where that is
 * wanted.
 * @param path of a failure that was told, to go on from there
 */
export async function playRow(
  seed: number,
  clusters: number,
  { worlds, shrinks, path }: { worlds: number; shrinks: boolean; path?: string | undefined },
): Promise<Row> {
  const row: Row = { clusters: 0, worlds: 0, restores: 0, kills: 0 }
  const property = fc.asyncProperty(drawnOf(worlds), async (input) => {
    const { wrong, restores } = await playDrawn(input)
    row.clusters++
    row.worlds += input.worlds.length
    row.restores += restores
    row.kills += input.killAt > 0 ? 1 : 0
    if (wrong.length > 0) throw new Error(wrong.join('\n'))
  })
  const ended = await fc.check(property, {
    seed,
    numRuns: clusters,
    endOnFailure: !shrinks,
    // Each step of a shrinking takes as long as a cluster.
    ...(shrinks ? { interruptAfterTimeLimit: 3_600_000 } : {}),
    ...(path ? { path } : {}),
  })
  const [input] = ended.counterexample ?? []
  if (!input) return row
  const says =
    ended.errorInstance instanceof Error ? ended.errorInstance.message : String(ended.errorInstance)
  return {
    ...row,
    failed: { each: worlds, seed: ended.seed, path: ended.counterexamplePath ?? '', input, says },
  }
}

/** A failure, with the command that plays it again. */
export const tellFailed = ({ each, seed, path, input, says }: NonNullable<Row['failed']>): string =>
  `${says}\nnpm run test:worlds -- --each ${each} --seed ${seed} --path ${path}\nnpm run test:worlds -- --input '${JSON.stringify(input)}'`
