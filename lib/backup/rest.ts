import { waitFor } from '../wait.ts'
import { volumesNow } from './bring-back.ts'
import { changedSince } from './changed.ts'
import type { Comparison } from './compared.ts'
import { type ObjectProof, outcomes, type Sight } from './outcome.ts'
import { returnMissing } from './return.ts'
import { gitTakesOver, readyAgain } from './settle.ts'
import { type Returning, sightOf } from './sight.ts'
import { type BackedVolume, stillThere, type VolumeProof } from './volumes.ts'

/** What was seen last of all: what became of every object and volume. */
export interface Rest {
  volumes: VolumeProof[]
  objects: ObjectProof[]
  changed: string[]
  notReady: string[]
}

/** Volumes that the backup holds, and the server that they came back onto. */
export interface Held {
  server: string
  backed: readonly BackedVolume[]
  compared: Comparison
}

const all = () => true

/** Brings back what somebody made by hand: at once, because apps of Git may wait for it. */
export async function returnByHand(returning: Returning, held: Held): Promise<void> {
  await returnMissing(returning, await look(returning, held), 'by hand', all)
}

/**
 * Waits until Git has taken over, brings back by name what nothing else makes, and then, last of all, looks again at
 * everything: what was back and is gone by then counts as what it is.
 */
export async function returnRest(returning: Returning, held: Held): Promise<Rest> {
  const { beside } = returning
  const gaveWay = beside ? [] : await gitTakesOver(returning)
  await returnMissing(returning, await look(returning, held), 'by hand', all)
  const notReady = beside === 'asleep' ? [] : await readyAgain(returning)
  await returnMissing(returning, await look(returning, held), 'what may refuse', all)
  const { sight, objects } = await lastLook(returning, held)
  return {
    volumes: await volumes(returning, held),
    objects,
    changed: [...gaveWay, ...(await changedSince(returning, sight))],
    notReady,
  }
}

/** What owners make by themselves may come a moment later. */
async function lastLook(returning: Returning, held: Held): Promise<{ sight: Sight; objects: ObjectProof[] }> {
  const started = performance.now()
  return waitFor({ wish: 'everything is looked at', every: 3, within: 120 }, async (note) => {
    const sight = await look(returning, held)
    const objects = outcomes(returning.backed, sight)
    const late = objects.filter((one) => one.outcome === 'missing' && one.why?.endsWith('has made none'))
    note(late.map((one) => `${one.resource} ${one.id}`).join(', '))
    return late.length === 0 || performance.now() - started > 30_000 ? { sight, objects } : undefined
  })
}

async function look(returning: Returning, held: Held): Promise<Sight> {
  const unequal = new Map(held.compared.unequal.map(({ key, why }) => [key, why]))
  return sightOf(returning, await volumes(returning, held), unequal)
}

const volumes = async ({ kube }: Returning, { server, backed, compared }: Held): Promise<VolumeProof[]> =>
  stillThere(await volumesNow(kube, { server }, backed), compared.volumes)
