import { z } from 'zod'
import type { Bucket } from '../../clients/s3.ts'
import type { Chosen } from '../choose.ts'
import { eachObject, idOf, type Manifest } from '../tarball.ts'

/** What in a backup that nobody vouches for has power over the cluster; of one that somebody vouches for nothing is asked. */
export const powerOf = async ({ bucket, metadata, vouching }: Chosen): Promise<string[]> =>
  vouching.state === 'vouched for' ? [] : powerIn(bucket, metadata.name)

/** Namespaces whose accounts may do what the whole platform may, whether or not a backup holds their rights. */
const platform = ['argocd', 'ingress', 'kube-system', 'sealed-secrets', 'velero']

/**
 * What in a backup has power over the cluster that it comes back into, one line each, the strongest first: who becomes an
 * administrator, what answers in the API server's place, what gets out of its container, what Argo CD is to bring, what
 * runs beside the platform, and in which namespaces it lies. Nothing that an object says of itself takes it off the list,
 * nor does what is left out of the backup.
 */
export async function powerIn(bucket: Bucket, backup: string): Promise<string[]> {
  const roles = new Map<string, Role>()
  const bindings: { id: string; kind: string; role: string; to: string; namespace: string | undefined }[] = []
  const answering: string[] = []
  const machines: string[] = []
  const sources = new Set<string>()
  const beside: string[] = []
  const namespaces = new Set<string>()
  await eachObject(bucket, backup, (_, one) => {
    const { namespace } = one.metadata
    if (namespace) namespaces.add(namespace)
    if (one.kind === 'Namespace') namespaces.add(one.metadata.name)
    if (one.kind === 'ClusterRole' || one.kind === 'Role') roles.set(`${one.kind} ${idOf(one)}`, roleOf(one))
    const isBinding = /^(Cluster)?RoleBinding$/.test(one.kind)
    const bound = isBinding ? binding.parse(one) : undefined
    if (bound && !isBuiltIn(one, bound))
      bindings.push({
        ...{ id: idOf(one), kind: one.kind, namespace },
        role: `${bound.roleRef.kind} ${bound.roleRef.kind === 'Role' ? `${namespace}/` : ''}${bound.roleRef.name}`,
        to: bound.subjects.map(subjectOf).join(', '),
      })
    if (isAnswering(one)) answering.push(`${one.kind} ${idOf(one)} answers in the API server’s place`)
    const ways = waysOut(one)
    if (ways.length > 0) machines.push(`${one.kind} ${idOf(one)} gets at its machine: ${ways.join(', ')}`)
    if (/^Application(Set)?$/.test(one.kind)) for (const source of sourcesOf(one)) sources.add(source)
    if (namespace !== undefined && platform.includes(namespace) && hasPods(one))
      beside.push(`${one.kind} ${idOf(one)}`)
  })
  const strong = strongRoles(roles)
  const all = bindings.flatMap(({ kind, id, role, to }) => {
    const what = `${kind} ${id} gives ${role}`
    if (role === 'ClusterRole cluster-admin' || strong.has(role)) return [`${what} to ${to || 'nobody'}`]
    return roles.has(role) ? [] : [`${what}, whose rights are not in the backup, to ${to || 'nobody'}`]
  })
  const listed = (what: string, names: readonly string[]) =>
    names.length > 0 ? [`${what} ${names.toSorted().join(', ')}`] : []
  return [
    ...all,
    ...answering,
    ...machines,
    ...listed('Argo CD is to bring what lies at', [...sources]),
    ...listed('pods beside the platform, which may have its rights:', beside),
    ...listed('namespaces', [...namespaces]),
  ]
}

/** What a role is, as far as it tells who comes to be an administrator. */
interface Role {
  isAlmighty: boolean
  labels: Record<string, string>
  /** Labels of roles whose rights it takes over, one set each. */
  takes: Record<string, string>[]
}

const aggregation = z.object({
  aggregationRule: z.object({
    clusterRoleSelectors: z
      .array(z.object({ matchLabels: z.record(z.string(), z.string()).nullish() }))
      .nullish(),
  }),
})

const roleOf = (one: Manifest): Role => ({
  isAlmighty: isAlmighty(one),
  labels: one.metadata.labels ?? {},
  takes: (aggregation.safeParse(one).data?.aggregationRule.clusterRoleSelectors ?? []).map(
    ({ matchLabels }) => matchLabels ?? {},
  ),
})

/** The roles that are almighty, by their own rules or by those of others. */
function strongRoles(roles: ReadonlyMap<string, Role>): ReadonlySet<string> {
  const strong = new Set([...roles].filter(([, { isAlmighty }]) => isAlmighty).map(([name]) => name))
  // A role that takes over another's rights may be taken over itself.
  for (let before = -1; before < strong.size; ) {
    before = strong.size
    for (const [name, { takes }] of roles)
      if (takes.some((labels) => [...strong].some((other) => hasAll(roles.get(other)?.labels ?? {}, labels))))
        strong.add(name)
  }
  return strong
}

const hasAll = (labels: Record<string, string>, wanted: Record<string, string>) =>
  Object.entries(wanted).every(([key, value]) => labels[key] === value)

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
    .array(z.object({ resources: words, verbs: words, resourceNames: words }))
    .nullish()
    .transform((all) => all ?? []),
})

/**
 * A role that may do anything, or may take or give itself that: wildcards, more rights than it has, the word or the token
 * of another account, a way into others' pods, or all Secrets of the cluster.
 */
function isAlmighty(one: Manifest): boolean {
  const has = (list: readonly string[], ...any: string[]) =>
    list.includes('*') || any.some((word) => list.includes(word))
  const isOfAll = one.kind === 'ClusterRole'
  return rules
    .parse(one)
    .rules.some(
      ({ resources, verbs, resourceNames }) =>
        (resources.includes('*') && verbs.includes('*')) ||
        verbs.some((verb) => /^(escalate|bind|impersonate)$/.test(verb)) ||
        (has(resources, 'clusterrolebindings') && has(verbs, 'create', 'update', 'patch')) ||
        (isOfAll && has(resources, 'rolebindings') && has(verbs, 'create', 'update', 'patch')) ||
        (isOfAll &&
          resourceNames.length === 0 &&
          ((has(resources, 'serviceaccounts/token', 'pods/exec', 'pods/attach') &&
            has(verbs, 'create', 'get')) ||
            (has(resources, 'nodes/proxy') && has(verbs, 'create', 'get')) ||
            (has(resources, 'secrets') && has(verbs, 'get', 'list', 'watch')))),
    )
}

const served = z.object({ spec: z.object({ service: z.object({ name: z.string() }) }) })
const converted = z.object({ spec: z.object({ conversion: z.object({ strategy: z.literal('Webhook') }) }) })

/** Whether another program is asked where the API server itself would answer. */
const isAnswering = (one: Manifest) =>
  /Webhook|^(Validating|Mutating)AdmissionPolicy/.test(one.kind) ||
  (one.kind === 'APIService' && served.safeParse(one).success) ||
  (one.kind === 'CustomResourceDefinition' && converted.safeParse(one).success)

/** Where Argo CD takes from what it brings: all addresses in an Application, or in what makes some. */
function sourcesOf(one: Manifest): string[] {
  const found: string[] = []
  visited(one, (value) => {
    if ('repoURL' in value && typeof value.repoURL === 'string' && value.repoURL !== '')
      found.push(value.repoURL)
  })
  return found.length > 0 ? found : ['an address that is not told']
}

/** Goes through all objects in an object. */
function visited(value: unknown, visit: (one: object) => void, depth = 0): void {
  if (typeof value !== 'object' || value === null || depth > deepest) return
  visit(value)
  for (const each of Object.values(value)) visited(each, visit, depth + 1)
}

/** Whoever nests deeper hides nothing: Kubernetes has no pods there. */
const deepest = 16

/** Whether something is a pod, or makes some. */
function hasPods(one: Manifest): boolean {
  let has = false
  if (one.kind !== 'CustomResourceDefinition')
    visited(one, (value) => {
      has ||= 'containers' in value
    })
  return has
}

const disk = z.object({
  hostPath: z.object({ path: z.string() }).nullish(),
  local: z.object({ path: z.string() }).nullish(),
})

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
  // A definition describes objects, and is none.
  if (one.kind === 'CustomResourceDefinition') return []
  visited(one, (value) => {
    const read = 'containers' in value ? pod.safeParse(value) : undefined
    // What cannot be read is told rather than passed over.
    if (read && !read.success) found.add('pods that cannot be read')
    for (const way of read?.data ? waysOf(read.data) : []) found.add(way)
  })
  const { hostPath, local } = one.kind === 'PersistentVolume' ? (disk.safeParse(one.spec).data ?? {}) : {}
  if (hostPath) found.add(`hostPath ${hostPath.path}`)
  if (local) found.add(`local ${local.path}`)
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
