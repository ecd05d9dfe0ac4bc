import { dump } from 'js-yaml'
import { z } from 'zod'
import { tell } from '../../base/story.ts'
import { ToolFailure } from '../../clients/tools.ts'
import { kubectlRepeated } from '../../kubernetes/repeated.ts'
import type { BackedObject } from '../objects.ts'
import { keyOf, outcomes, type Sight } from '../proof/outcome.ts'
import { besideAs, type Returning } from '../proof/sight.ts'
import { isBeforeGit, isNeverMade, mayRefuse, rankOf } from '../take/selection.ts'
import { eachObject, idOf, type Manifest } from '../tarball.ts'
import { asleep, CannotSleep } from './asleep.ts'
import { restoreName } from './bring-back.ts'

/** Which of what is missing is brought back in a step. */
export type Step = 'data' | 'by hand' | 'what Git leaves' | 'what no owner made' | 'what may refuse'

/**
 * Brings back, one by one and by name, what Velero did not bring and nothing else will: objects that somebody made by
 * hand, and what Argo CD was not told to make by itself. What is there is never touched.
 * @param sight what was looked at a moment ago
 */
export async function returnMissing(returning: Returning, sight: Sight, step: Step): Promise<void> {
  const { held, terms, cluster } = returning
  const wanted = toReturn(held, sight, step, {
    kept: terms.kept,
    beside: cluster.original !== undefined,
  })
  if (wanted.length > 0) await apply(returning, sight, new Set(wanted.map(keyOf)))
}

/**
 * Chooses what comes back in a step, of what is missing; pure.
 * @param kept what a person keeps though Git has it no longer, by key
 * @param beside a cluster beside the original: nothing of it comes from Git
 */
export function toReturn(
  held: readonly BackedObject[],
  sight: Sight,
  step: Step,
  { kept, beside }: { kept: ReadonlySet<string>; beside: boolean },
): BackedObject[] {
  const gone = new Set(
    outcomes(held, sight)
      .filter((one) => one.outcome === 'missing')
      .map(keyOf),
  )
  const owners = new Set(step === 'what no owner made' ? [] : held.map((one) => one.uid))
  const isByHand = (one: BackedObject) => beside || one.app === undefined || kept.has(keyOf(one))
  return held.filter(
    (one) =>
      gone.has(keyOf(one)) &&
      (step === 'what may refuse') === mayRefuse(one.resource) &&
      (step !== 'data' || isBeforeGit(one.resource)) &&
      isMadeHere(one, sight) &&
      !(one.owner && owners.has(one.owner.uid)) &&
      // Right behind the root its Applications are not there yet: that one is missing says nothing then.
      (isByHand(one) || (step !== 'by hand' && isLeft(one.app, sight))),
  )
}

/** Whether objects like this are made from a backup at all, and can be. */
const isMadeHere = (one: BackedObject, { live }: Sight) =>
  !isNeverMade(one.resource) &&
  !one.ofBackup &&
  !one.clustersOwn &&
  one.resource !== 'persistentvolumeclaims' &&
  one.resource !== 'persistentvolumes' &&
  !live.unlisted.has(one.resource) &&
  !(one.opened && live.objects.get(one.resource)?.has(one.id)) && // there, and no key opens it
  !isFollower(one)

/** Whether no Application makes an object: there is none of that name, or it waits for a person to sync it. */
function isLeft(name: string | undefined, { apps }: Sight): boolean {
  const app = apps.get(name ?? '')
  return app === undefined || (app.looked && !app.automated)
}

/** What its Service or Deployment makes by itself; only those that nobody owns are somebody's. */
const isFollower = (one: BackedObject) =>
  one.owner !== undefined &&
  /^(replicasets\.apps|endpoints|endpointslices\.discovery\.k8s\.io)$/.test(one.resource)

/** Applies them in the order in which they need each other; what is refused is told with the API server's reason. */
async function apply(returning: Returning, sight: Sight, keys: ReadonlySet<string>): Promise<void> {
  const { kube, bucket, course, terms } = returning
  const beside = besideAs(returning)
  const found: { key: string; resource: string; one: Manifest }[] = []
  await eachObject(bucket, course.backup, (resource, one) => {
    const key = keyOf({ resource, id: idOf(one) })
    if (keys.has(key)) found.push({ key, resource, one })
  })
  for (const { key, one } of found.toSorted((a, b) => rankOf(a.resource) - rankOf(b.resource))) {
    const whole = linked(bare(one, restoreName(course.server, 1), terms.kept.has(key)), one, returning, sight)
    try {
      const manifest = beside === 'asleep' ? asleep(whole) : whole
      await kubectlRepeated(kube, dump(manifest))`apply --server-side --field-manager regrow -f -`
      tell('+', `${one.kind} ${idOf(one)}`, beside ?? 'from the backup')
    } catch (error) {
      if (!(error instanceof ToolFailure || error instanceof CannotSleep)) throw error
      const why = error.message.split('\n').at(-1)?.trim() ?? ''
      tell('!', `${one.kind} ${idOf(one)}`, why)
    }
  }
}

/** An object with its owner, as that one is known in this cluster; without it where that one is not there. */
function linked(bare: Manifest, one: Manifest, { held }: Returning, { live }: Sight): Manifest {
  const owners = (one.metadata.ownerReferences ?? []).flatMap((owner) => {
    const was = held.find(({ uid }) => uid !== '' && uid === owner.uid)
    const now = was && live.objects.get(was.resource)?.get(was.id)
    return now ? [{ ...owner, uid: now.uid }] : []
  })
  return owners.length === 0 ? bare : { ...bare, metadata: { ...bare.metadata, ownerReferences: owners } }
}

const tree = z.looseObject({})

/**
 * An object as it can be applied to another cluster, marked as Velero marks what it restores.
 * @param restore the name of the restore that it belongs to
 * @param untracked it is to be out of Git's hands: without Argo CD's tracking annotation
 */
export function bare(
  { status: _, operation: __, ...one }: Manifest,
  restore: string,
  untracked = false,
): Manifest {
  const { name, namespace, labels, annotations, finalizers } = one.metadata
  const notes = Object.fromEntries(
    Object.entries(annotations ?? {}).filter(
      ([key]) =>
        key !== 'kubectl.kubernetes.io/last-applied-configuration' &&
        !(untracked && key === 'argocd.argoproj.io/tracking-id'),
    ),
  )
  const kept = {
    name,
    namespace,
    labels: { ...labels, 'velero.io/restore-name': restore },
    annotations: Object.keys(notes).length > 0 ? notes : undefined,
    finalizers,
  }
  const metadata = Object.fromEntries(Object.entries(kept).filter(([, value]) => value !== undefined))
  return { ...one, ...fields(one), metadata: metadata as Manifest['metadata'] }
}

/** What the earlier cluster filled in, and this one fills in anew. */
function fields(one: Omit<Manifest, 'metadata'> & { kind: string }): Record<string, unknown> {
  if (one.kind === 'Service') {
    const { clusterIP, clusterIPs: _, healthCheckNodePort: __, ...spec } = tree.parse(one.spec ?? {})
    return { spec: clusterIP === 'None' ? { ...spec, clusterIP } : spec }
  }
  if (one.kind === 'Secret' && one.type === 'kubernetes.io/service-account-token') return { data: {} }
  if (one.kind === 'Namespace') return { spec: {} }
  return {}
}
