import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { dump, loadAll } from 'js-yaml'
import { listAt } from '../../../sandbox/cluster/tree.ts'
import { paperFiles } from '../../../sandbox/upstream/archive.ts'
import type { KubeObject } from './kubectl.ts'
import { partFolder } from './parts.ts'

/** Charts for the parts: upstream's own objects and kinds where a module brings them, the box's paper for the rest. */
export const charts: Record<'argo-cd' | 'velero' | 'sealed-secrets', () => Record<string, string>> = {
  'argo-cd': argocd,
  velero: () => {
    const kinds = [...folder('velero-kinds', 'v1'), ...folder('velero-kinds', 'v2alpha1')]
    return {
      'templates/velero.yaml': template(Object.values(paperFiles('velero')).flatMap(objectsIn).map(velero)),
      'templates/rights.yaml': dump({
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRoleBinding',
        metadata: { name: 'velero-server' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
        subjects: [{ kind: 'ServiceAccount', name: 'velero-server', namespace: 'velero' }],
      }),
      'crds/velero.yaml': kinds.map((file) => readFileSync(file, 'utf8')).join('\n---\n'),
    }
  },
  // The module has the chart of one patch version before; its files are taken as they are.
  'sealed-secrets': () => {
    const root = join(partFolder('sealed-secrets'), 'chart')
    const files = below(root).filter((file) => !/Chart\.yaml$|dashboards/.test(file))
    return Object.fromEntries(files.map((file) => [relative(root, file), readFileSync(file, 'utf8')]))
  },
}

const left = /dex|notifications|applicationset-|applicationset$/
const fromValues: Record<string, string> = { 'argocd-cm': 'cm', 'argocd-cmd-params-cm': 'params' }

/** Argo CD's own installation manifest, with the two ConfigMaps that our values fill. */
function argocd(): Record<string, string> {
  const all = objectsIn(readFileSync(join(partFolder('argocd-kinds'), 'install.yaml'), 'utf8'))
  const objects = all.filter(({ kind, metadata }) => {
    if (kind === 'CustomResourceDefinition') return true
    // The first server makes the Secret of this name.
    return !left.test(metadata.name) && kind !== 'Secret'
  })
  const wholeCluster = /^(CustomResourceDefinition|ClusterRole|ClusterRoleBinding)$/
  const documents = objects.map((one) => {
    const metadata = wholeCluster.test(one.kind) ? one.metadata : { ...one.metadata, namespace: 'argocd' }
    const values = one.kind === 'ConfigMap' ? fromValues[one.metadata.name] : undefined
    const data = values ? { data: `<value configs ${values}>` } : {}
    return withValues({ ...one, metadata, ...data }, settings[one.metadata.name])
  })
  return { 'templates/argocd.yaml': template(documents) }
}

/** What our values say of the only container of a workload: by its field, where they say it. */
type Settings = Record<string, string>

const settings: Record<string, Settings> = {
  'argocd-application-controller': { resources: 'controller resources', env: 'controller env' },
  'argocd-repo-server': { resources: 'repoServer resources', env: 'repoServer env' },
  'argocd-server': { resources: 'server resources', env: 'server env' },
  'argocd-redis': { resources: 'redis resources', args: 'redis extraArgs' },
  velero: { resources: 'resources', args: 'configuration extraArgs' },
  'node-agent': {
    resources: 'nodeAgent resources',
    args: 'nodeAgent extraArgs',
    env: 'configuration extraEnvVars',
  },
}

/** Velero's paper, with what our values say of memory and of movers. */
function velero(one: KubeObject): KubeObject {
  const [, map] =
    one.kind === 'ConfigMap' ? (/^velero-(node-agent|backup-repository)$/.exec(one.metadata.name) ?? []) : []
  const data = map ? { data: `<value configMaps ${map} data>` } : {}
  const made = withValues({ ...one, ...data }, settings[one.metadata.name])
  for (const { args } of one.kind === 'Deployment'
    ? listAt(made, 'spec', 'template', 'spec', 'containers')
    : [])
    (args as string[]).push('--disable-informer-cache=<value configuration disableInformerCache>')
  return made
}

/** A workload whose container takes our values: lists of them come after its own. */
function withValues(one: object, { resources, ...lists }: Settings = {}): KubeObject {
  const object = structuredClone(one) as KubeObject
  const [container] = listAt(object, 'spec', 'template', 'spec', 'containers')
  if (!container || !resources) return object
  container.resources = `<value ${resources}>`
  for (const [field, place] of Object.entries(lists))
    container[field] = [...((container[field] as unknown[] | undefined) ?? []), `<items ${place}>`]
  return object
}

/** Helm's template of objects that hold places of values. */
function template(objects: object[]): string {
  const value = (place = '') => `(index .Values ${place.replace(/\S+/g, '"$&"')})`
  return objects
    .map((one) => dump(one, { lineWidth: -1 }).replace(/{{(?! \.Release)/g, '{{ "{{" }}'))
    .join('---\n')
    .replace(/<value ([^>]+)>/g, (_, place) => `{{ toJson ${value(place)} }}`)
    .replace(/^( *)- <items ([^>]+)>$/gm, (_, indent, place) =>
      [`{{- range ${value(place)} }}`, `- {{ toJson . }}`, '{{- end }}']
        .map((line) => indent + line)
        .join('\n'),
    )
}

const objectsIn = (text: string) => (loadAll(text) as (KubeObject | null)[]).flatMap((one) => one ?? [])

const folder = (part: 'velero-kinds', name: string): string[] => below(join(partFolder(part), name))

/** All files below a folder. */
function below(root: string): string[] {
  return readdirSync(root, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}
