import { dump } from 'js-yaml'
import { z } from 'zod'
import type { Bucket } from '../clients/s3.ts'
import { kubectlRepeated } from '../kubernetes/repeated.ts'
import { tell } from '../story.ts'
import type { Kube } from '../tools.ts'
import {
  type BackedObject,
  compareObjects,
  eachObject,
  type Manifest,
  type ObjectProof,
  presentObjects,
} from './objects.ts'
import { workloads } from './selection.ts'

/** Whether objects of a resource wait until the data is proven. */
export const isWorkload = (resource: string) => (workloads as readonly string[]).includes(resource)

/**
 * Brings back the workloads that Git does not: whoever made them by hand finds them again. One that Git brought once
 * and has no longer stays away.
 * @param beside on a cluster beside the original Git brings none, so all come from the backup: asleep, or awake
 * @returns the proof of all workloads
 */
export async function returnWorkloads(
  kube: Kube,
  bucket: Bucket,
  backup: string,
  backed: readonly BackedObject[],
  beside?: 'asleep' | 'awake',
): Promise<ObjectProof[]> {
  const wanted = backed.filter((one) => isWorkload(one.resource))
  const resources = new Set(wanted.map((one) => one.resource))
  const missing = new Set(
    compareObjects(wanted, await presentObjects(kube, resources), false).flatMap((one) =>
      one.missing.map(({ id }) => `${one.resource} ${id}`),
    ),
  )
  const ofGit = new Set<string>()
  const toApply: Manifest[] = []
  if (missing.size > 0)
    await eachObject(bucket, backup, (resource, one) => {
      const key = `${resource} ${one.metadata.namespace}/${one.metadata.name}`
      if (!missing.has(key)) return
      if (!beside && isTracked(one)) ofGit.add(key)
      else toApply.push(one)
    })
  for (const one of toApply) {
    const manifest = beside === 'asleep' ? asleep(bare(one)) : bare(one)
    await kubectlRepeated(kube, dump(manifest))`apply --server-side --field-manager regrow -f -`
    tell(
      '+',
      `${one.kind} ${one.metadata.namespace}/${one.metadata.name}`,
      beside ?? 'from the backup: Git has none',
    )
  }
  const proofs = compareObjects(wanted, await presentObjects(kube, resources), false)
  return proofs.map((proof) => {
    const gone = proof.missing.filter(({ id }) => ofGit.has(`${proof.resource} ${id}`))
    if (gone.length === 0) return proof
    return {
      ...proof,
      leftOut: { ...proof.leftOut, 'Git has it no longer': gone.map(({ id }) => id) },
      missing: proof.missing.filter((one) => !gone.includes(one)),
    }
  })
}

/** Whether Argo CD brought an object: its tracking annotation names the object itself (`resource_tracking.md`). */
function isTracked({ metadata }: Manifest): boolean {
  const tracked = metadata.annotations?.['argocd.argoproj.io/tracking-id'] ?? ''
  return tracked.endsWith(`:${metadata.namespace}/${metadata.name}`)
}

/** A workload that does nothing: without replicas, suspended, or bound to nodes that there are none of. */
export function asleep(one: Manifest): Manifest {
  const spec = z.looseObject({}).parse(one.spec ?? {})
  if (one.kind === 'CronJob') return { ...one, spec: { ...spec, suspend: true } }
  if (one.kind === 'Deployment' || one.kind === 'StatefulSet')
    return { ...one, spec: { ...spec, replicas: 0 } }
  if (one.kind !== 'DaemonSet') return one
  const template = z.looseObject({ spec: z.looseObject({}) }).parse(spec.template)
  const nowhere = { ...template, spec: { ...template.spec, nodeSelector: { 'regrow/asleep': 'true' } } }
  return { ...one, spec: { ...spec, template: nowhere } }
}

/** An object as it can be applied to another cluster. */
export function bare({ status: _, ...one }: Manifest): Manifest {
  const { name, namespace, labels, annotations } = one.metadata
  const kept = { name, namespace, labels, annotations }
  const metadata = Object.fromEntries(Object.entries(kept).filter(([, value]) => value !== undefined))
  return { ...one, metadata: metadata as Manifest['metadata'] }
}
