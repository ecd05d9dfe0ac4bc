import { createHash } from 'node:crypto'
import { request } from 'node:https'
import { loadAll } from 'js-yaml'
import { makeOperatorCertificate } from '#cloud-init/certificates.ts'
import { Cluster } from '../../sandbox/cluster/cluster.ts'
import { startControllers } from '../../sandbox/cluster/controllers.ts'
import type { Repositories } from '../../sandbox/cluster/git.ts'
import { firstObjects, registerNode } from '../../sandbox/cluster/nodes.ts'
import type { Thing, Tree } from '../../sandbox/cluster/tree.ts'
import { serve } from '../../sandbox/serve.ts'
import { authorities, type Ground } from './droplet-ground.ts'

/** A paper cluster with one ready node, without the droplet around it. */
export async function cluster(
  on: Ground,
  repositories: Repositories = git({}),
  resumes = false,
): Promise<Cluster> {
  const { server, client } = await authorities()
  const identity = {
    id: 'main-1',
    version: 'v1.36.5+k3s1',
    serverCa: server,
    clientCa: client,
    serverToken: 'server-token-0123456789',
    agentToken: 'agent-token-0123456789',
  }
  const one = new Cluster(on.world, Cluster.identity(on.world, 'main-1') ?? identity, { repositories })
  firstObjects(one)
  startControllers(one, resumes)
  registerNode(one, {
    name: 'main-1',
    role: 'server',
    dropletId: 1,
    region: 'fra1',
    internalAddress: '10.110.0.2',
    externalAddress: on.world.addresses.host(200, 1),
    labels: {},
    etcd: false,
    bootId: 'boot-1',
    reserved: 800,
  })
  return one
}

/** A repository of texts by path; changing the object changes what Argo CD sees. */
export function git(files: Record<string, string>): Repositories {
  const commits = new Map<string, ReadonlyMap<string, string>>()
  return {
    head: async () => {
      const commit = createHash('sha1').update(JSON.stringify(files)).digest('hex')
      commits.set(commit, new Map(Object.entries(files)))
      return commit
    },
    files: async (_url, _key, commit) => {
      const found = commits.get(commit)
      if (!found) throw new Error(`reference is not a tree: ${commit}`)
      return found
    },
  }
}

/** Applies manifests as the node or a person does. */
export function apply({ store }: Cluster, text: string): Thing[] {
  return (loadAll(text) as Tree[]).map((one) => store.apply(one, { manager: 'test' }))
}

/** Waits until a look at the cluster holds; woken by its changes. */
export function eventually<T>(
  { store }: Cluster,
  look: () => T | undefined | false,
  milliseconds = 3000,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const found = look()
    if (found) return resolve(found)
    const end = setTimeout(() => {
      off()
      reject(new Error(`not within ${milliseconds} ms: ${look}`))
    }, milliseconds)
    const off = store.on(() => {
      const now = look()
      if (!now) return
      clearTimeout(end)
      off()
      resolve(now)
    })
  })
}

/** A CustomResourceDefinition without a schema. */
export function definition(group: string, kind: string, plural = `${kind.toLowerCase()}s`): string {
  return JSON.stringify({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind, plural, singular: kind.toLowerCase() },
      versions: [{ name: group === 'velero.io' ? 'v1' : 'v1alpha1', served: true, storage: true }],
    },
  })
}

/** A Deployment or another workload of one container. */
export function workload(
  kind: string,
  namespace: string,
  name: string,
  container: Tree = {},
  pod: Tree = {},
): string {
  const labels = { app: name }
  const spec = { containers: [{ name: 'main', image: 'paper', ...container }], ...pod }
  return JSON.stringify({
    apiVersion: 'apps/v1',
    kind,
    metadata: { name, namespace },
    spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
  })
}

/** What makes the paper Argo CD run. */
export const argo = [
  '{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"argocd"}}',
  definition('argoproj.io', 'Application'),
  workload('StatefulSet', 'argocd', 'argocd-application-controller'),
  workload('Deployment', 'argocd', 'argocd-repo-server'),
  '{"apiVersion":"v1","kind":"Secret","metadata":{"name":"argocd-secret","namespace":"argocd"}}',
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'argocd-cm', namespace: 'argocd' },
    data: { 'resource.customizations.health.argoproj.io_Application': 'return hs' },
  }),
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: 'regrow-repository',
      namespace: 'argocd',
      labels: { 'argocd.argoproj.io/secret-type': 'repository' },
    },
    stringData: { url: 'git@github.com:alice/regrow-main.git', sshPrivateKey: 'key' },
  }),
].join('\n---\n')

/** An Application whose source is a folder of the repository. */
export function application(name: string, source: Tree, more: Tree = {}, metadata: Tree = {}): string {
  const repoURL = 'git@github.com:alice/regrow-main.git'
  return JSON.stringify({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name, namespace: 'argocd', ...metadata },
    spec: {
      project: 'default',
      source: { repoURL, targetRevision: 'main', ...source },
      destination: { server: 'https://kubernetes.default.svc', namespace: 'default' },
      syncPolicy: {
        automated: { prune: true, selfHeal: true },
        retry: { limit: -1 },
        syncOptions: ['ServerSideApply=true', 'SkipDryRunOnMissingResource=true', 'CreateNamespace=true'],
      },
      ...more,
    },
  })
}

/** `Synced, Healthy` and so on. */
export function stateOf({ store }: Cluster, name: string): string {
  const status = store.find('Application', 'argocd', name)?.status as
    | { sync: { status: string }; health: { status: string } }
    | undefined
  return `${status?.sync?.status}, ${status?.health?.status}`
}

/** One request to a cluster's API; as its operator unless `tls` says otherwise. */
export async function call(
  host: string,
  path: string,
  more: {
    method?: string
    body?: unknown
    type?: string
    accept?: string
    tls?: { key?: string; cert?: string }
  } = {},
): Promise<{ status: number; body: unknown }> {
  const all = await authorities()
  const tls = more.tls ?? (await makeOperatorCertificate(all, { now: new Date() }))
  const headers = {
    'content-type': more.type ?? 'application/json',
    accept: more.accept ?? 'application/json',
  }
  const how = { ...tls, ca: all.server.cert, servername: 'kubernetes', agent: false, headers }
  return new Promise((resolve, reject) => {
    const sent = request({ host, port: 6443, path, method: more.method ?? 'GET', ...how }, async (answer) => {
      let text = ''
      for await (const chunk of answer) text += chunk
      resolve({ status: answer.statusCode ?? 0, body: /^[{[]/.test(text) ? JSON.parse(text) : text })
    })
    sent.once('error', reject)
    sent.end(Buffer.isBuffer(more.body) || more.body === undefined ? more.body : JSON.stringify(more.body))
  })
}

/** A claim of the default class in the namespace default. */
export function claim(name: string, storage = '1Gi'): string {
  const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } } }
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name, namespace: 'default' },
    spec,
  })
}

const token = {
  name: 'DIGITALOCEAN_ACCESS_TOKEN',
  valueFrom: { secretKeyRef: { name: 'digitalocean', key: 'access-token' } },
}

/** The CSI driver as it is installed, with its Secret and classes. */
export const csi = [
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'digitalocean', namespace: 'kube-system' },
    stringData: { 'access-token': 'good' },
  }),
  JSON.stringify({
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: {
      name: 'do-block-storage',
      annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' },
    },
    provisioner: 'dobs.csi.digitalocean.com',
  }),
  workload(
    'StatefulSet',
    'kube-system',
    'csi-do-controller',
    { args: ['--do-tag=regrow:main'], env: [token] },
    { hostNetwork: true },
  ),
  workload(
    'DaemonSet',
    'kube-system',
    'csi-do-node',
    {},
    { containers: [{ name: 'csi-do-plugin', image: 'digitalocean/do-csi-plugin:v4.18.0' }] },
  ),
].join('\n---\n')

/** A volume as the tests look at it. */
export interface Volume extends Tree {
  id: string
  droplet_ids: number[]
}

/** As much of DigitalOcean's API as the CSI driver asks for, at once; only the token `good` may. */
export async function digitalOcean(on: Ground): Promise<{ volumes: Volume[]; snapshots: Tree[] }> {
  const volumes: Volume[] = []
  const snapshots: Tree[] = []
  const answer = (request: Request, path: string[], body: Tree): [number, Tree?] => {
    const [, id, what] = path
    const remove = (list: Tree[]): [number] => {
      list.splice(
        list.findIndex((one) => one.id === id),
        1,
      )
      return [204]
    }
    if (request.headers.get('authorization') !== 'Bearer good')
      return [401, { message: 'Unable to authenticate you' }]
    if (path[0] === 'snapshots') return remove(snapshots)
    const volume = volumes.find((one) => one.id === id)
    if (what === 'actions' && volume) {
      volume.droplet_ids = body.type === 'attach' ? [Number(body.droplet_id)] : []
      return [202, { action: { id: 1, status: 'completed' } }]
    }
    if (what === 'snapshots' && volume) {
      snapshots.push({ id: `s${snapshots.length}`, min_disk_size: 1, ...body })
      return [201, { snapshot: snapshots.at(-1) }]
    }
    if (request.method === 'DELETE') return remove(volumes)
    if (request.method === 'GET') return [200, volume ? { volume } : { volumes: [] }]
    const made = { id: `v${volumes.length}`, ...body, droplet_ids: [] }
    volumes.push(made)
    return [201, { volume: made }]
  }
  await serve(on.world, 'digitalocean', on.world.addresses.digitalocean, {
    fetch: async (request) => {
      const path = new URL(request.url).pathname.split('/').slice(2)
      const [status, body] = answer(request, path, JSON.parse((await request.text()) || '{}'))
      return body ? Response.json(body, { status }) : new Response(null, { status })
    },
  })
  return { volumes, snapshots }
}
