import { z } from 'zod'
import type { Bucket } from '../clients/s3.ts'
import type { Chosen } from './choose.ts'
import { eachObject, idOf, type Manifest } from './tarball.ts'

/** What in a backup that nobody vouches for has power over the cluster; of one that somebody vouches for nothing is asked. */
export const powerOf = async ({ bucket, metadata, vouching }: Chosen): Promise<string[]> =>
  vouching.state === 'vouched for' ? [] : powerIn(bucket, metadata.name)

/**
 * What in a backup has power over the cluster that it comes back into, one line each, the strongest first: who becomes an
 * administrator, what answers in the API server's place, what gets out of its container, and in which namespaces it lies.
 * Nothing that an object says of itself takes it off the list.
 */
export async function powerIn(bucket: Bucket, backup: string): Promise<string[]> {
  const roles = new Set<string>()
  const bindings: { id: string; kind: string; role: string; to: string; namespace: string | undefined }[] = []
  const answering: string[] = []
  const machines: string[] = []
  const namespaces = new Set<string>()
  await eachObject(bucket, backup, (_, one) => {
    const { namespace } = one.metadata
    if (namespace) namespaces.add(namespace)
    if (one.kind === 'Namespace') namespaces.add(one.metadata.name)
    if (isAlmighty(one)) roles.add(`${one.kind} ${idOf(one)}`)
    const isBinding = /^(Cluster)?RoleBinding$/.test(one.kind)
    const bound = isBinding ? binding.parse(one) : undefined
    if (bound && !isBuiltIn(one, bound))
      bindings.push({
        ...{ id: idOf(one), kind: one.kind, namespace },
        role: `${bound.roleRef.kind} ${bound.roleRef.kind === 'Role' ? `${namespace}/` : ''}${bound.roleRef.name}`,
        to: bound.subjects.map(subjectOf).join(', '),
      })
    if (/Webhook|^(Validating|Mutating)AdmissionPolicy/.test(one.kind) || isServedElsewhere(one))
      answering.push(`${one.kind} ${idOf(one)} answers in the API server’s place`)
    const ways = waysOut(one)
    if (ways.length > 0) machines.push(`${one.kind} ${idOf(one)} gets at its machine: ${ways.join(', ')}`)
  })
  const strong = bindings.filter(({ role }) => role === 'ClusterRole cluster-admin' || roles.has(role))
  return [
    ...strong.map(({ kind, id, role, to }) => `${kind} ${id} gives ${role} to ${to || 'nobody'}`),
    ...answering,
    ...machines,
    ...(namespaces.size > 0 ? [`namespaces ${[...namespaces].toSorted().join(', ')}`] : []),
  ]
}

const subject = z.object({ kind: z.string(), name: z.string(), namespace: z.string().optional() })
const binding = z.object({
  roleRef: z.object({ kind: z.string(), name: z.string() }),
  subjects: z
    .array(subject)
    .nullish()
    .transform((all) => all ?? []),
})
const subjectOf = ({ kind, name, namespace }: z.infer<typeof subject>) =>
  `${kind} ${namespace ? `${namespace}/` : ''}${name}`

/** Kubernetes' own binding, that every cluster has, with just whom it names there. */
const isBuiltIn = ({ metadata }: Manifest, { roleRef, subjects }: z.infer<typeof binding>) =>
  metadata.name === 'cluster-admin' &&
  roleRef.name === 'cluster-admin' &&
  subjects.every(({ kind, name }) => kind === 'Group' && name === 'system:masters')

const words = z
  .array(z.string())
  .nullish()
  .transform((all) => all ?? [])
const rules = z.object({
  rules: z
    .array(z.object({ resources: words, verbs: words }))
    .nullish()
    .transform((all) => all ?? []),
})

/** A role that may do anything, or may give itself that: wildcards, Secrets, or more rights than it has. */
function isAlmighty(one: Manifest): boolean {
  if (one.kind !== 'ClusterRole' && one.kind !== 'Role') return false
  const has = (list: readonly string[], ...any: string[]) =>
    list.includes('*') || any.some((word) => list.includes(word))
  return rules
    .parse(one)
    .rules.some(
      ({ resources, verbs }) =>
        (resources.includes('*') && verbs.includes('*')) ||
        verbs.some((verb) => /^(escalate|bind|impersonate)$/.test(verb)) ||
        (has(resources, 'clusterrolebindings') && has(verbs, 'create', 'update', 'patch')),
    )
}

const served = z.object({ spec: z.object({ service: z.object({ name: z.string() }) }) })
const isServedElsewhere = (one: Manifest) => one.kind === 'APIService' && served.safeParse(one).success

const container = z.object({
  securityContext: z
    .object({
      privileged: z.boolean().optional(),
      capabilities: z.object({ add: words }).nullish(),
    })
    .nullish(),
})
const pod = z.object({
  hostPID: z.boolean().nullish(),
  hostIPC: z.boolean().nullish(),
  hostNetwork: z.boolean().nullish(),
  containers: z.array(container).nullish(),
  initContainers: z.array(container).nullish(),
  ephemeralContainers: z.array(container).nullish(),
  volumes: z.array(z.object({ hostPath: z.object({ path: z.string() }).nullish() })).nullish(),
})

/** How the pods that an object is, or makes, get out of their containers. Whatever it is called: its content tells. */
function waysOut(one: Manifest): string[] {
  const found = new Set<string>()
  const visit = (value: unknown, depth: number): void => {
    if (typeof value !== 'object' || value === null || depth > 16) return
    const read = 'containers' in value ? pod.safeParse(value) : undefined
    // What cannot be read is told rather than passed over.
    if (read && !read.success) found.add('pods that cannot be read')
    for (const way of read?.data ? waysOf(read.data) : []) found.add(way)
    for (const each of Object.values(value)) visit(each, depth + 1)
  }
  // A definition describes objects, and is none.
  if (one.kind !== 'CustomResourceDefinition') visit(one, 0)
  return [...found]
}

function waysOf(one: z.infer<typeof pod>): string[] {
  const contexts = [one.containers, one.initContainers, one.ephemeralContainers].flatMap((list) =>
    (list ?? []).flatMap(({ securityContext }) => securityContext ?? []),
  )
  return [
    ...(contexts.some(({ privileged }) => privileged) ? ['privileged'] : []),
    ...contexts.flatMap(({ capabilities }) => (capabilities?.add ?? []).map((word) => `capability ${word}`)),
    ...(['hostPID', 'hostIPC', 'hostNetwork'] as const).filter((word) => one[word]),
    ...(one.volumes ?? []).flatMap(({ hostPath }) => (hostPath ? [`hostPath ${hostPath.path}`] : [])),
  ]
}
