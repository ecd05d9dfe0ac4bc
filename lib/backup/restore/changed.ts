import { ToolFailure } from '../../clients/tools.ts'
import { kubectlRepeated } from '../../kubernetes/repeated.ts'
import type { BackedObject } from '../objects.ts'
import { keyOf, type Sight } from '../proof/outcome.ts'
import type { Returning } from '../proof/sight.ts'
import { isNeverMade } from '../take/selection.ts'
import { asManifest, eachObject, idOf, type Manifest } from '../tarball.ts'
import { differenceOf } from './content.ts'

/** So many differences are looked into; of further ones it is told that they are there. */
const most = 40

/**
 * What is there and differs from the backup: in a field, in the labels and annotations that somebody gave it, or in that
 * its owner is not known any more.
 * @returns one line each, such as `deployments.apps shop/api: spec.replicas is 1, was 3`
 */
export async function changedSince(returning: Returning, { live, beside }: Sight): Promise<string[]> {
  const { kube, bucket, course, held } = returning
  const differs: BackedObject[] = []
  const orphans: BackedObject[] = []
  for (const one of held) {
    const now = live.objects.get(one.resource)?.get(one.id)
    if (!now || one.ofBackup || isKept(one, now) || isFollower(one.resource)) continue
    if (one.owner && now.owners.length === 0) orphans.push(one)
    // Asleep it wants nothing, on purpose.
    if (now.digest !== one.digest ? !(beside && now.wantsNone) : now.marks !== one.marks) differs.push(one)
  }
  const looked = new Map(differs.slice(0, most).map((one) => [keyOf(one), one]))
  const was = new Map<string, Manifest>()
  if (looked.size > 0)
    await eachObject(bucket, course.backup, (resource, one) => {
      const key = keyOf({ resource, id: idOf(one) })
      if (looked.has(key)) was.set(key, one)
    })
  const lines: string[] = []
  for (const [key, one] of looked) {
    const [before, now] = [was.get(key), await read(kube, one)]
    const difference = before && now && differenceOf(now, before)
    if (difference) lines.push(`${key}: ${difference}`)
  }
  return [
    ...lines,
    ...differs.slice(most).map((one) => `${keyOf(one)}: it differs`),
    ...orphans.map((one) => `${keyOf(one)}: back without its owner, ${one.owner?.kind} ${one.owner?.name}`),
  ]
}

/**
 * What k3s or the API server keeps as it is: no change by hand lasts. Of roles and bindings it only adds what is missing
 * (`rbac.authorization.k8s.io/autoupdate`), so what a person adds stays there, and another cluster lacks it.
 */
export const isKept = (
  one: Pick<BackedObject, 'resource' | 'clustersOwn'>,
  now: Pick<BackedObject, 'clustersOwn'>,
): boolean => (one.clustersOwn || now.clustersOwn) && !one.resource.endsWith('.rbac.authorization.k8s.io')

/** Kinds that are never the same in two clusters. */
const isFollower = (resource: string) =>
  isNeverMade(resource) ||
  /^(persistentvolumes|endpoints|replicasets\.apps)$|^endpointslices\.|\.snapshot\.storage\.k8s\.io$/.test(
    resource,
  )

async function read(kube: Returning['kube'], one: BackedObject): Promise<Manifest | undefined> {
  const [namespace, name] = one.id.includes('/') ? one.id.split('/') : [undefined, one.id]
  const where = namespace === undefined ? [] : ['-n', namespace]
  try {
    const answer = await kubectlRepeated(
      kube,
    )`get ${one.resource} ${name ?? ''} ${where} --ignore-not-found -o json`
    return answer.text.trim() === '' ? undefined : asManifest(JSON.parse(answer.text))
  } catch (error) {
    if (!(error instanceof ToolFailure)) throw error
    return undefined
  }
}
