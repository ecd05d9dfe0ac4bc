import { z } from 'zod'
import { forAll } from '../../base/parallel.ts'
import { type Kube, ToolFailure } from '../../clients/tools.ts'
import { kubectlRepeated } from '../../kubernetes/repeated.ts'
import { type BackedObject, isClustersOwn, isReady } from '../objects.ts'
import { contentOf, digestOf, marksOf } from '../restore/content.ts'
import { asManifest, idOf } from '../tarball.ts'

/** An object as it is in the cluster now. */
export interface LiveObject {
  uid: string
  digest: string
  marks: string
  /** Identities of what owns it. */
  owners: string[]
  /** The Velero restore that made it, if one did. */
  restoredBy: string | undefined
  /** k3s or the API server made it and keeps it as it is. */
  clustersOwn: boolean
  /** Of a workload: all that it wants is ready. */
  ready: boolean | undefined
  /** It wants no pods: none are made. */
  wantsNone: boolean
  /** It was deleted, and is there only until what uses it, or its finalizers, let it go. */
  leaving: boolean
}

/** What is in the cluster, by resource and by id; a resource that it does not know, or cannot list, has its reason. */
export interface Live {
  objects: ReadonlyMap<string, ReadonlyMap<string, LiveObject>>
  unlisted: ReadonlyMap<string, string>
}

const page = z.object({
  items: z.array(z.looseObject({})),
  metadata: z.object({ continue: z.string().optional() }),
})

/**
 * Looks at everything in the cluster that is of the same kinds as what a backup holds. A kind that cannot be listed, such
 * as one whose conversion webhook does not run yet, does not keep the others from being seen.
 * @throws ToolFailure when the API does not answer
 */
export async function liveObjects(kube: Kube, backed: readonly BackedObject[]): Promise<Live> {
  const kinds = new Map(backed.map((one) => [one.resource, one]))
  const objects = new Map<string, Map<string, LiveObject>>()
  const unlisted = new Map<string, string>()
  await forAll(
    [...kinds.values()],
    async ({ resource, apiVersion, kind }) => {
      try {
        const found = new Map<string, LiveObject>()
        for await (const item of eachOf(kube, resource, apiVersion)) {
          const one = asManifest({ apiVersion, kind, ...item })
          found.set(idOf(one), {
            uid: one.metadata.uid ?? '',
            digest: digestOf(contentOf(one)),
            marks: digestOf(marksOf(one)),
            owners: (one.metadata.ownerReferences ?? []).flatMap(({ uid }) => uid ?? []),
            restoredBy: one.metadata.labels?.['velero.io/restore-name'],
            clustersOwn: isClustersOwn(one),
            ready: isReady(one),
            wantsNone: wantsNone.safeParse(one).success,
            leaving: one.metadata.deletionTimestamp !== undefined,
          })
        }
        objects.set(resource, found)
      } catch (error) {
        if (!(error instanceof ToolFailure) || !refused.test(error.message)) throw error
        const [, said = ''] = /Error from server[^:]*: (.*)/.exec(error.message) ?? []
        unlisted.set(
          resource,
          /NotFound|could not find/.test(error.message) || said === ''
            ? 'the cluster knows no such kind'
            : `the API server cannot list it: ${said.slice(0, 200)}`,
        )
      }
    },
    4,
  )
  return { objects, unlisted }
}

const refused = /Error from server|could not find the requested resource/

const wantsNone = z.object({
  spec: z.union([z.object({ replicas: z.literal(0) }), z.object({ suspend: z.literal(true) })]),
})

/** Page by page: the content of all of them need not lie in memory at the same time. */
async function* eachOf(
  kube: Kube,
  resource: string,
  apiVersion: string,
): AsyncGenerator<Record<string, unknown>> {
  const [plural = ''] = resource.split('.')
  const base = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
  let next = ''
  do {
    const path = `${base}/${plural}?limit=500${next && `&continue=${encodeURIComponent(next)}`}`
    const { items, metadata } = (await kubectlRepeated(kube)`get --raw ${path}`).json(page)
    yield* items
    next = metadata.continue ?? ''
  } while (next !== '')
}
