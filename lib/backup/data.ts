import { hasRoot } from '../kubernetes/applications.ts'
import { kubectlRepeated } from '../kubernetes/repeated.ts'
import { tell } from '../story.ts'
import type { Kube } from '../tools.ts'
import {
  type BackedObject,
  compareObjects,
  type ObjectProof,
  presentObjects,
  reasonToLeaveOut,
} from './objects.ts'
import { isWorkload } from './workloads.ts'

/**
 * Compares the objects that come back before the apps with the backup. Secrets and ConfigMaps must have its content;
 * on a cluster where Git and apps are at work already, only that they are there can be told.
 */
export async function dataBack(kube: Kube, backed: readonly BackedObject[]): Promise<ObjectProof[]> {
  const started = performance.now()
  const wanted = backed.filter((one) => !isWorkload(one.resource))
  const isQuiet = !(await hasRoot(kube))
  if (isQuiet) await removeSealed(kube, wanted)
  const looked = new Set(wanted.filter((one) => !reasonToLeaveOut(one)).map((one) => one.resource))
  const proofs = compareObjects(wanted, await presentObjects(kube, looked), isQuiet)
  const count = (of: (one: ObjectProof) => number) => proofs.reduce((sum, one) => sum + of(one), 0)
  const missing = count((one) => one.missing.length)
  tell(
    missing > 0 ? 'x' : '=',
    'objects',
    `${count((one) => one.back)} of ${count((one) => one.back) + missing} are back`,
    (performance.now() - started) / 1000,
  )
  return proofs
}

/**
 * Removes restored Secrets that a SealedSecret made: their controller refuses to manage what it did not make, and makes
 * them anew once Git brings the SealedSecrets.
 */
export async function removeSealed(kube: Kube, backed: readonly BackedObject[]): Promise<void> {
  for (const { resource, id, owner } of backed) {
    if (resource !== 'secrets' || !owner?.startsWith('SealedSecret ')) continue
    const [namespace = '', name = ''] = id.split('/')
    await kubectlRepeated(kube)`delete secret ${name} -n ${namespace} --ignore-not-found`
  }
}
