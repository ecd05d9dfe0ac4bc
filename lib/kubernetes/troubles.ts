import { z } from 'zod'
import { tell } from '../base/story.ts'
import { type Kube, kubectl, ToolFailure } from '../clients/tools.ts'

const container = z.object({
  state: z
    .object({
      waiting: z.object({ reason: z.string().optional(), message: z.string().optional() }).optional(),
    })
    .optional(),
})
const pod = z.object({
  metadata: z.object({ name: z.string(), namespace: z.string() }),
  status: z
    .object({
      initContainerStatuses: z.array(container).optional(),
      containerStatuses: z.array(container).optional(),
    })
    .optional(),
})
const event = z.object({
  involvedObject: z.object({
    kind: z.string(),
    name: z.string().default(''),
    namespace: z.string().default(''),
  }),
  message: z.string().default(''),
})
const claim = z.object({
  metadata: z.object({ name: z.string(), namespace: z.string() }),
  status: z.object({ phase: z.string().optional() }).optional(),
})

const storageLocation = z.object({
  metadata: z.object({ name: z.string() }),
  status: z.object({ phase: z.string().optional(), message: z.string().optional() }).optional(),
})

/** How every pod begins: no trouble yet. */
const onItsWay = ['ContainerCreating', 'PodInitializing']

/**
 * What keeps pods from running, claims from their volumes and backups from their bucket, in the words of the kubelet,
 * the provisioner and Velero: lines such as `pod shop/web: CreateContainerConfigError: secret "db" not found`. Nothing
 * where the API does not answer.
 */
export async function troubles(kube: Kube): Promise<string[]> {
  const items = <T extends z.ZodType>(of: T) => z.object({ items: z.array(of) })
  try {
    const [pods, claims, events, locations] = await Promise.all([
      kubectl(kube)`get pods --all-namespaces --request-timeout 10s -o json`,
      kubectl(kube)`get persistentvolumeclaims --all-namespaces --request-timeout 10s -o json`,
      kubectl(
        kube,
      )`get events --all-namespaces --field-selector reason=ProvisioningFailed --request-timeout 10s -o json`,
      kubectl(kube)`get backupstoragelocations.velero.io -n velero --request-timeout 10s -o json`.catch(
        noVelero,
      ),
    ])
    const refusals = events.json(items(event)).items
    const unavailable = (locations?.json(items(storageLocation)).items ?? [])
      .filter(({ status }) => status?.phase === 'Unavailable')
      .map(({ metadata, status }) => status?.message || `storage location ${metadata.name} is unavailable`)
    return [
      ...unavailable,
      ...claims
        .json(items(claim))
        .items.filter((one) => one.status?.phase === 'Pending')
        .flatMap(({ metadata: { namespace, name } }) => {
          const said = refusals.findLast(
            ({ involvedObject: of }) =>
              of.kind === 'PersistentVolumeClaim' && of.name === name && of.namespace === namespace,
          )
          return said ? [`claim ${namespace}/${name}: ${said.message}`] : []
        }),
      ...pods.json(items(pod)).items.flatMap(({ metadata: { namespace, name }, status }) => {
        const all = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]
        const waiting = all.map((one) => one.state?.waiting).find((one) => one?.reason)
        return waiting?.reason && !onItsWay.includes(waiting.reason)
          ? [`pod ${namespace}/${name}: ${waiting.reason}${waiting.message ? `: ${waiting.message}` : ''}`]
          : []
      }),
    ]
  } catch (error) {
    if (!(error instanceof ToolFailure)) throw error
    return []
  }
}

/** Before its kinds are there nothing is backed up. */
function noVelero(error: unknown): undefined {
  if (!(error instanceof ToolFailure)) throw error
}

/** Looks for them every 15 s, and tells what it finds twice: much of what a start stumbles over heals by itself. */
export function watchTroubles(kube: Kube): () => Promise<string[]> {
  const told = new Set<string>()
  let last = performance.now()
  let found: string[] = []
  return async () => {
    if (performance.now() - last < 15_000) return found
    const before = found
    found = await troubles(kube)
    last = performance.now()
    for (const one of found.filter((each) => before.includes(each) && !told.has(each))) {
      told.add(one)
      tell('!', one)
    }
    return found
  }
}
