import { waitFor } from '../../base/wait.ts'
import { mayStillCome, type ObjectProof, outcomes, type Sight } from '../proof/outcome.ts'
import { besideAs, type Returning, sightOf } from '../proof/sight.ts'
import { volumesNow } from './bring-back.ts'
import { changedSince } from './changed.ts'
import type { Comparison } from './compared.ts'
import { readyAgain } from './ready.ts'
import { returnMissing } from './return.ts'
import { gitTakesOver } from './settle.ts'
import { stillThere, type VolumeProof } from './volumes.ts'

/** What was seen last of all: what became of every object and volume. */
export interface Rest {
  volumes: VolumeProof[]
  objects: ObjectProof[]
  changed: string[]
  notReady: string[]
}

/** Brings back what somebody made by hand: at once, because apps of Git may wait for it. */
export async function returnByHand(returning: Returning, compared: Comparison): Promise<void> {
  await returnMissing(returning, await look(returning, compared), 'by hand')
}

/**
 * Waits until Git has taken over, brings back by name what nothing else makes, and then, last of all, looks again at
 * everything: what was back and is gone by then counts as what it is.
 */
export async function returnRest(returning: Returning, compared: Comparison): Promise<Rest> {
  const beside = besideAs(returning)
  const gaveWay = beside ? [] : await gitTakesOver(returning)
  await returnMissing(returning, await look(returning, compared), 'what Git leaves')
  const notReady = beside === 'asleep' ? [] : await readyAgain(returning)
  const settled = await look(returning, compared)
  await returnMissing(returning, settled, 'what no owner made')
  await returnMissing(returning, settled, 'what may refuse')
  const { sight, objects } = await lastLook(returning, compared)
  return {
    volumes: await volumes(returning, compared),
    objects,
    changed: [...gaveWay, ...(await changedSince(returning, sight))],
    notReady,
  }
}

/** What owners make by themselves may come a moment later. */
async function lastLook(
  returning: Returning,
  compared: Comparison,
): Promise<{ sight: Sight; objects: ObjectProof[] }> {
  const started = performance.now()
  return waitFor({ until: 'everything is looked at', every: 3, within: 120 }, async (note) => {
    const sight = await look(returning, compared)
    const objects = outcomes(returning.held, sight)
    const late = objects.filter(mayStillCome)
    note(late.map((one) => `${one.resource} ${one.id}`).join(', '))
    return late.length === 0 || performance.now() - started > 30_000 ? { sight, objects } : undefined
  })
}

async function look(returning: Returning, compared: Comparison): Promise<Sight> {
  const unequal = new Map(compared.unequal.map(({ key, why }) => [key, why]))
  return sightOf(returning, await volumes(returning, compared), unequal)
}

const volumes = async ({ kube, course, terms }: Returning, { volumes }: Comparison): Promise<VolumeProof[]> =>
  stillThere(await volumesNow(kube, course, terms.volumes), volumes)
