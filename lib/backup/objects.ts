import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { extract } from 'tar-stream'
import { z } from 'zod'
import type { Bucket } from '../clients/s3.ts'
import { excludedNamespaces } from '../gitops/render.ts'
import { eachItem } from '../json.ts'
import { isUnknownKind } from '../kubernetes/kinds.ts'
import { kubectlRepeated } from '../kubernetes/repeated.ts'
import { Problem } from '../problem.ts'
import { type Kube, ToolFailure } from '../tools.ts'
import { leftOut, workloads } from './selection.ts'

const manifest = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({
    name: z.string(),
    namespace: z.string().optional(),
    annotations: z.record(z.string(), z.string()).optional(),
    ownerReferences: z.array(z.looseObject({ kind: z.string(), name: z.string() })).optional(),
  }),
})
/** An object as a backup holds it. */
export type Manifest = z.infer<typeof manifest>

/** An object of a list: what it is, the list says. */
const present = z.looseObject({
  metadata: z.looseObject({ name: z.string(), namespace: z.string().optional() }),
})
type Present = z.infer<typeof present>
const page = z.object({
  items: z.array(present),
  metadata: z.object({ continue: z.string().optional() }),
})

/** What is kept in mind of an object of a backup. */
export interface BackedObject {
  /** `deployments.apps`, as Velero and kubectl call it. */
  resource: string
  /** `namespace/name`, or the name alone. */
  id: string
  /** What else makes it, as far as something does. */
  owner: string | undefined
  /** Of the content of a Secret or ConfigMap. */
  digest: string | undefined
  /** What a claim asks for, such as `2Gi`. */
  storage?: string
  /** The type of a Secret. */
  type?: string
}

/** One kind of object: how many the backup holds, how many came back, and what did not, each with its reason. */
export interface ObjectProof {
  resource: string
  inBackup: number
  back: number
  leftOut: Record<string, string[]>
  missing: { id: string; why: string }[]
}

/** Goes through all objects of a backup, as its tarball holds them. @throws Problem when it cannot be read */
export async function eachObject(
  bucket: Bucket,
  backup: string,
  visit: (resource: string, one: Manifest) => void,
): Promise<void> {
  const key = `backups/${backup}/${backup}.tar.gz`
  const bytes = await bucket.get(key)
  if (!bytes) throw new Problem(`${bucket.name} has no ${key}`, { cure: 'Choose another backup.' })
  try {
    const tar = extract()
    // Opened as it is read: thousands of objects need not lie in memory at the same time.
    const opened = pipeline(Readable.from([bytes]), createGunzip(), tar)
    opened.catch(() => {}) // the loop below throws the same
    for await (const entry of tar) {
      // Each object stands there once more below `<version>-preferredversion`.
      const [, resource] =
        entry.header.name.match(/^resources\/([^/]+)\/(?:namespaces|cluster)\/.*\.json$/) ?? []
      const chunks: Buffer[] = []
      for await (const chunk of entry as AsyncIterable<Buffer>) if (resource) chunks.push(chunk)
      if (resource) visit(resource, manifest.parse(JSON.parse(Buffer.concat(chunks).toString())))
    }
    await opened
  } catch (cause) {
    throw new Problem(
      `${key} in ${bucket.name} cannot be read: ${cause instanceof Error ? cause.message : cause}`,
      {
        cure: 'It was altered or is damaged. Choose another backup.',
        cause,
      },
    )
  }
}

/** The objects of a backup, without their content. */
export async function backedObjects(bucket: Bucket, backup: string): Promise<BackedObject[]> {
  const found: BackedObject[] = []
  await eachObject(bucket, backup, (resource, one) => {
    const owner = one.metadata.ownerReferences?.[0]
    found.push({
      resource,
      id: idOf(one),
      owner: owner && `${owner.kind} ${owner.name}`,
      digest: digestOf(resource, one),
      ...(resource === 'persistentvolumeclaims' ? { storage: storageOf(one) } : {}),
      ...(resource === 'secrets' && typeof one.type === 'string' ? { type: one.type } : {}),
    })
  })
  return found
}

/**
 * What of these resources is in the cluster: `namespace/name` and, for Secrets and ConfigMaps, a digest of the content.
 * A resource that the cluster does not know has none.
 */
export async function presentObjects(
  kube: Kube,
  resources: Iterable<string>,
): Promise<Map<string, Map<string, string | undefined>>> {
  const found = new Map<string, Map<string, string | undefined>>()
  for (const resource of resources) {
    try {
      const ids = new Map<string, string | undefined>()
      for await (const one of hasContent(resource) ? eachWithContent(kube, resource) : eachOf(kube, resource))
        ids.set(idOf(one), digestOf(resource, one))
      found.set(resource, ids)
    } catch (error) {
      if (!(error instanceof ToolFailure && isUnknownKind(error))) throw error
    }
  }
  return found
}

/** Kinds of which the content counts, not only that they are there. */
const hasContent = (resource: string) => resource === 'secrets' || resource === 'configmaps'

async function* eachOf(kube: Kube, resource: string): AsyncGenerator<Present> {
  const answer = await kubectlRepeated(kube)`get ${resource} -A -o json`
  for (const item of eachItem(answer.text)) yield present.parse(item)
}

/** Page by page: the content of all of them need not lie in memory at the same time. */
async function* eachWithContent(kube: Kube, resource: string): AsyncGenerator<Present> {
  let next = ''
  do {
    const path = `/api/v1/${resource}?limit=500${next && `&continue=${encodeURIComponent(next)}`}`
    const { items, metadata } = (await kubectlRepeated(kube)`get --raw ${path}`).json(page)
    yield* items
    next = metadata.continue ?? ''
  } while (next !== '')
}

const storageOf = (one: Manifest) =>
  z.object({ resources: z.object({ requests: z.object({ storage: z.string() }) }) }).safeParse(one.spec).data
    ?.resources.requests.storage ?? ''

const idOf = ({ metadata: { namespace, name } }: Present) => (namespace ? `${namespace}/${name}` : name)

function digestOf(resource: string, one: Present): string | undefined {
  if (!hasContent(resource)) return undefined
  const content = [one.data, one.binaryData].map((part) => Object.entries(part ?? {}).toSorted())
  return createHash('sha256').update(JSON.stringify(content)).digest('hex')
}

/** Restored with its volume, under another name or none; proven by the volume's bytes. */
const partOfVolume = [
  'persistentvolumes',
  'datauploads.velero.io',
  'volumesnapshots.snapshot.storage.k8s.io',
  'volumesnapshotcontents.snapshot.storage.k8s.io',
]

/** Whether an object is looked for after a restore; otherwise the reason why not. */
export function reasonToLeaveOut({ resource, id, owner, type }: BackedObject): string | undefined {
  const [namespace = ''] = id.includes('/') ? id.split('/') : []
  if ((excludedNamespaces as readonly string[]).includes(namespace)) return 'comes with the platform'
  if (partOfVolume.includes(resource)) return 'proven with its volume'
  if (resource === 'configmaps' && id.endsWith('/kube-root-ca.crt')) return 'made anew by Kubernetes'
  // Velero takes their token out, or leaves them out whole (its pkg/restore/actions/secret_action.go): no token of a cluster
  // that is gone is worth anything.
  if (type === 'kubernetes.io/service-account-token') return 'made anew by Kubernetes'
  if (resource === 'secrets' && owner?.startsWith('SealedSecret ')) return 'opened anew from its SealedSecret'
  if ((workloads as readonly string[]).includes(resource) && owner) return `made anew by its owner`
  return leftOut[resource]
}

/**
 * Compares object by object what a backup holds with what is in the cluster.
 * @param exact Secrets and ConfigMaps must have the backup's content: true until Git and apps change it
 */
export function compareObjects(
  backed: readonly BackedObject[],
  present: ReadonlyMap<string, ReadonlyMap<string, string | undefined>>,
  exact: boolean,
): ObjectProof[] {
  const proofs = new Map<string, ObjectProof>()
  for (const one of backed) {
    const proof = proofs.get(one.resource) ?? {
      resource: one.resource,
      inBackup: 0,
      back: 0,
      leftOut: {},
      missing: [],
    }
    proofs.set(one.resource, proof)
    proof.inBackup++
    const reason = reasonToLeaveOut(one)
    const there = present.get(one.resource)
    if (reason) {
      proof.leftOut[reason] ??= []
      proof.leftOut[reason].push(one.id)
    } else if (!there?.has(one.id))
      proof.missing.push({ id: one.id, why: there ? 'it is not there' : 'the cluster knows no such kind' })
    else if (exact && there.get(one.id) !== one.digest)
      proof.missing.push({ id: one.id, why: 'its content is not the backup’s' })
    else proof.back++
  }
  return [...proofs.values()].toSorted((a, b) => a.resource.localeCompare(b.resource))
}
