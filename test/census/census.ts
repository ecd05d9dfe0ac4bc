import type { Test } from 'tap'
import { tell } from './judge.ts'
import { type Ground, prepare, restored } from './play.ts'
import { noiseOf } from './rules.ts'
import { siteOf } from './site.ts'
import { Dump } from './things.ts'
import { census } from './world.ts'

/**
 * Plays the census on a ground, paper or real.
 * @param expected the kinds that this ground does not know, and whether it has raw devices
 */
export async function playCensus(
  t: Test,
  ground: Ground,
  expected: { unknown: string[]; devices: boolean },
): Promise<void> {
  const scene = await census(await siteOf(ground), expected)
  const taken = await prepare(ground, scene)
  const isNoise = noiseOf(taken.before)
  const counted = taken.before.filter((one) => !isNoise(one))

  await t.test('a cluster with everything in it that a person may have', async (t) => {
    t.same(taken.unknown.toSorted(), expected.unknown, 'kinds that this ground has not')
    const made = [...(scene.hand ?? []), ...Object.values(scene.git ?? {}).flat()]
    const sorts = new Set(made.map(sortOf))
    t.ok(sorts.size - expected.unknown.length >= 60, `${sorts.size} kinds of things`)
    const then = new Dump(taken.before)
    t.equal(
      then.find('secrets', 'vault/from-old-house')?.kind,
      'Secret',
      'opened with a key of the person’s own',
    )
    t.ok(then.find('namespaces', 'closing')?.metadata.deletionTimestamp, 'on its way out')
    const filled = Object.keys(scene.bytes ?? {})
    t.ok(filled.length >= 10)
    for (const claim of filled) t.ok(Object.keys(taken.bytes[claim] ?? {}).length > 0, `${claim} has bytes`)
  })

  const [run] = await restored(ground, scene, taken)
  await t.test('is lost and comes back, and the judge finds the proof true', async (t) => {
    t.same((run?.faults ?? []).map(tell), [])
    t.equal(run?.evidence.ended.code, 0, run?.evidence.ended.err ?? '')
    t.comment(
      `${counted.length} objects held against the proof, of ${new Set(counted.map((one) => one.resource)).size} kinds`,
    )
  })
}

/** What sort of thing an object is: its kind, and what sets it apart from others of that kind. */
function sortOf(thing: ReturnType<typeof import('./make.ts').object>): string {
  const { kind, metadata, type, immutable, binaryData } = thing
  const spec = (thing.spec ?? {}) as Record<string, unknown>
  const marks = [
    metadata.labels?.['velero.io/exclude-from-backup'] && 'opted out',
    metadata.finalizers && 'finalized',
    metadata.ownerReferences && 'owned',
    immutable && 'immutable',
    binaryData && 'binary',
    type,
    kind === 'Service' &&
      (spec.type ?? (spec.clusterIP ? 'headless' : spec.selector ? '' : 'without selector')),
    kind === 'PersistentVolumeClaim' &&
      (spec.volumeName ? 'imported' : (spec.volumeMode ?? spec.storageClassName)),
    kind === 'CustomResourceDefinition' && spec.scope,
    /^(argocd|kube-system|sealed-secrets|velero)$/.test(metadata.namespace ?? '') && metadata.namespace,
  ]
  return [kind, ...marks.filter(Boolean)].join(', ')
}
