import type { Thing } from './things.ts'

// Objects as a person writes them, or as a program leaves them on their behalf.

type Body = Record<string, unknown>

/** Any object: `kind`, `namespace/name` or `name`, and what else it says; `metadata` among it adds to the names. */
export function object(apiVersion: string, kind: string, id: string, body: Body = {}): Thing {
  const [name = '', namespace] = id.split('/').reverse()
  const { metadata, ...rest } = body
  return {
    apiVersion,
    kind,
    metadata: { name, ...(namespace ? { namespace } : {}), ...(metadata as Body | undefined) },
    ...rest,
  }
}

/** The same object with labels, annotations, finalizers or owners added. */
export const marked = (thing: Thing, metadata: Partial<Thing['metadata']>): Thing => ({
  ...thing,
  metadata: { ...thing.metadata, ...metadata },
})

/** Kept out of every backup by the person's own label. */
export const optedOut = (thing: Thing) =>
  marked(thing, { labels: { ...thing.metadata.labels, 'velero.io/exclude-from-backup': 'true' } })

export const namespace = (name: string, metadata: Body = {}) => object('v1', 'Namespace', name, { metadata })

export const configMap = (id: string, data: Body = { mode: 'slow' }, more: Body = {}) =>
  object('v1', 'ConfigMap', id, { data, ...more })

/** @param texts in clear */
export const secret = (id: string, texts: Record<string, string> = { word: 'sesame' }, more: Body = {}) =>
  object('v1', 'Secret', id, {
    type: 'Opaque',
    data: Object.fromEntries(
      Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString('base64')]),
    ),
    ...more,
  })

/** A claim on the driver's class, if no other is named. */
export const claim = (id: string, spec: Body = {}, metadata: Body = {}) =>
  object('v1', 'PersistentVolumeClaim', id, {
    metadata,
    spec: {
      accessModes: ['ReadWriteOnce'],
      storageClassName: 'do-block-storage',
      resources: { requests: { storage: '1Gi' } },
      ...spec,
    },
  })

const container = (more: Body = {}) => ({ name: 'main', image: 'docker.io/library/busybox:1.37', ...more })

/** A pod's template for `app`, with claims mounted by their names. */
const template = (app: string, claims: readonly string[] = [], spec: Body = {}) => ({
  metadata: { labels: { app } },
  spec: {
    containers: [container({ volumeMounts: claims.map((name) => ({ name, mountPath: `/mnt/${name}` })) })],
    volumes: claims.map((name) => ({ name, persistentVolumeClaim: { claimName: name } })),
    ...spec,
  },
})

const nameOf = (id: string) => id.split('/').at(-1) ?? ''

/** A Deployment, StatefulSet or DaemonSet; `pod` adds to its pods, `spec` to itself. */
export function workload(
  kind: 'Deployment' | 'StatefulSet' | 'DaemonSet',
  id: string,
  { claims = [], pod = {}, ...spec }: { claims?: string[]; pod?: Body; [field: string]: unknown } = {},
): Thing {
  const app = nameOf(id)
  return object('apps/v1', kind, id, {
    spec: {
      selector: { matchLabels: { app } },
      ...(kind === 'StatefulSet' ? { serviceName: app } : {}),
      template: template(app, claims, pod),
      ...spec,
    },
  })
}

export const deployment = (id: string, more: Parameters<typeof workload>[2] = {}) =>
  workload('Deployment', id, more)

/** A StatefulSet whose pods each get a claim of their own. */
export const statefulSet = (id: string, replicas = 1) =>
  workload('StatefulSet', id, {
    replicas,
    volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: claim('x/data').spec }],
  })

export const pod = (id: string, spec: Body = {}, metadata: Body = {}) =>
  object('v1', 'Pod', id, { metadata, spec: { containers: [container()], ...spec } })

const jobSpec = { template: { spec: { restartPolicy: 'Never', containers: [container()] } } }
export const job = (id: string, metadata: Body = {}) =>
  object('batch/v1', 'Job', id, { metadata, spec: jobSpec })
export const cronJob = (id: string) =>
  object('batch/v1', 'CronJob', id, { spec: { schedule: '0 0 29 2 *', jobTemplate: { spec: jobSpec } } })

export const service = (id: string, spec: Body = {}, metadata: Body = {}) =>
  object('v1', 'Service', id, {
    metadata,
    spec: { selector: { app: nameOf(id) }, ports: [{ name: 'http', port: 80, targetPort: 8080 }], ...spec },
  })

const rbac = 'rbac.authorization.k8s.io'
const rules = [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] }]
export const role = (id: string, allowed: unknown[] = rules) =>
  object(`${rbac}/v1`, 'Role', id, { rules: allowed })
export const clusterRole = (id: string) => object(`${rbac}/v1`, 'ClusterRole', id, { rules })

/** A RoleBinding, or without a namespace a ClusterRoleBinding, of a person (`erin`) or a service account (`ns/name`). */
export function binding(id: string, roleName: string, subject = 'erin'): Thing {
  const [account = '', home] = subject.split('/').reverse()
  const isOfCluster = !id.includes('/')
  return object(`${rbac}/v1`, isOfCluster ? 'ClusterRoleBinding' : 'RoleBinding', id, {
    roleRef: { apiGroup: rbac, kind: isOfCluster ? 'ClusterRole' : 'Role', name: roleName },
    subjects: [
      home
        ? { kind: 'ServiceAccount', name: account, namespace: home }
        : { kind: 'User', name: account, apiGroup: rbac },
    ],
  })
}

/** The definition of a kind: with a schema that keeps unknown fields, or one that says each field. */
export function definition(
  kind: string,
  group: string,
  { scope = 'Namespaced', schema }: { scope?: 'Namespaced' | 'Cluster'; schema?: Body } = {},
): Thing {
  const singular = kind.toLowerCase()
  const open = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }
  return object('apiextensions.k8s.io/v1', 'CustomResourceDefinition', `${singular}s.${group}`, {
    spec: {
      group,
      scope,
      names: { kind, plural: `${singular}s`, singular, listKind: `${kind}List` },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema ?? open } }],
    },
  })
}

/** An Application of the GitOps repository's path, made by hand. */
export const application = (name: string, repoURL: string, path: string, home: string) =>
  object('argoproj.io/v1alpha1', 'Application', `argocd/${name}`, {
    spec: {
      project: 'default',
      destination: { server: 'https://kubernetes.default.svc', namespace: home },
      source: { repoURL, targetRevision: 'HEAD', path },
      syncPolicy: { automated: { prune: true, selfHeal: true } },
    },
  })
