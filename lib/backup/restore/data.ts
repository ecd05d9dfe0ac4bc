import { dump } from 'js-yaml'
import { tell } from '../../base/story.ts'
import { cloudTime } from '../../clients/clock.ts'
import type { Bucket } from '../../clients/s3.ts'
import type { Kube } from '../../clients/tools.ts'
import { toStrip } from '../../gitops/git-removed.ts'
import { hasRoot } from '../../kubernetes/applications.ts'
import { kubectlRepeated } from '../../kubernetes/repeated.ts'
import { stripTracking } from '../../kubernetes/tracking.ts'
import type { BackedObject } from '../objects.ts'
import { liveObjects } from '../proof/live.ts'
import { returnMarks } from '../proof/marks.ts'
import { keyOf } from '../proof/outcome.ts'
import { type Returning, sightOf } from '../proof/sight.ts'
import { isBeforeGit } from '../take/selection.ts'
import { type Comparison, compareData, readComparison } from './compared.ts'
import { returnEdited } from './edited.ts'
import { deleteLetGo } from './let-go.ts'
import { returnMissing } from './return.ts'
import type { VolumeProof } from './volumes.ts'

/**
 * Completes what Velero brought back, and compares all of it with the backup while nothing else can have changed it. The
 * comparison is kept; where Git is at work already, the one that was made then counts.
 */
export async function restoreObjects(
  returning: Returning,
  kit: Bucket,
  volumes: readonly VolumeProof[],
): Promise<Comparison> {
  const { kube, held, course, cluster, terms } = returning
  await stripTracking(kube, toStrip(terms.git, terms.choice))
  if (terms.choice === 'drop') await deleteLetGo(kube, terms.git.removed)
  const kept = await readComparison(kit, course.server)
  const mine = kept?.backup === course.backup ? kept : undefined
  if (mine && cluster.original) return mine
  if (await hasRoot(kube)) return mine ?? notCompared(course, held)
  await letSealedSecretsAdopt(kube, held)
  const sight = await sightOf(returning, volumes, new Map())
  await returnMarks(returning, sight)
  await returnEdited(returning, sight)
  await returnMissing(returning, sight, 'data')
  const live = await liveObjects(kube, held)
  return compareData(kit, course, cloudTime(cluster.cloud).toISOString(), { backed: held, live, volumes })
}

/** Git took over before anything was compared: only what has the backup’s content still counts as back. */
function notCompared({ backup }: Returning['course'], backed: readonly BackedObject[]): Comparison {
  const why = 'its content was not compared before Git took over, and is another one now'
  return {
    at: 'never',
    backup,
    equal: 0,
    unequal: backed.filter((one) => isBeforeGit(one.resource)).map((one) => ({ key: keyOf(one), why })),
    volumes: [],
  }
}

/**
 * Lets the controller of SealedSecrets take over the Secrets that it once opened: it refuses what it did not make, unless
 * it is told. Nothing is deleted for it, because its SealedSecret may be one that no key opens any more. Keys that came
 * back are read when it starts.
 */
async function letSealedSecretsAdopt(kube: Kube, backed: readonly BackedObject[]): Promise<void> {
  for (const { resource, id, owner } of backed) {
    if (resource !== 'secrets' || owner?.kind !== 'SealedSecret') continue
    const [namespace = '', name = ''] = id.split('/')
    const found = await kubectlRepeated(kube)`get secret ${name} -n ${namespace} --ignore-not-found -o name`
    if (found.text.trim() === '') continue
    const annotations = { 'sealedsecrets.bitnami.com/managed': 'true' }
    const metadata = { name, namespace, annotations }
    await kubectlRepeated(
      kube,
      dump({ apiVersion: 'v1', kind: 'Secret', metadata }),
    )`apply --server-side --field-manager regrow -f -`
  }
  if (!backed.some((one) => one.opens)) return
  await kubectlRepeated(
    kube,
  )`delete pods -n sealed-secrets -l app.kubernetes.io/name=sealed-secrets --wait=false`
  tell('~', 'sealed-secrets', 'restarts to read the keys that came back')
}
