import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { dump, loadAll } from 'js-yaml'
import { paperFiles } from '../../../sandbox/upstream/archive.ts'
import type { KubeObject } from './kubectl.ts'
import { partFolder } from './parts.ts'

/** Charts for the parts: upstream's own objects and kinds where a module brings them, the box's paper for the rest. */
export const charts: Record<'argo-cd' | 'velero' | 'sealed-secrets', () => Record<string, string>> = {
  'argo-cd': argocd,
  velero: () => {
    const kinds = [...folder('velero-kinds', 'v1'), ...folder('velero-kinds', 'v2alpha1')]
    return {
      ...paperFiles('velero'),
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
  const text = readFileSync(join(partFolder('argocd-kinds'), 'install.yaml'), 'utf8')
  const all = (loadAll(text) as (KubeObject | null)[]).flatMap((one) => one ?? [])
  const objects = all.filter(({ kind, metadata }) => {
    if (kind === 'CustomResourceDefinition') return true
    // The first server makes the Secret of this name.
    return !left.test(metadata.name) && kind !== 'Secret'
  })
  const wholeCluster = /^(CustomResourceDefinition|ClusterRole|ClusterRoleBinding)$/
  const documents = objects.map((one) => {
    const metadata = wholeCluster.test(one.kind) ? one.metadata : { ...one.metadata, namespace: 'argocd' }
    const values = one.kind === 'ConfigMap' ? fromValues[one.metadata.name] : undefined
    const own = dump({ ...one, metadata, ...(values ? { data: undefined } : {}) }, { skipInvalid: true })
    const escaped = own.replaceAll('{{', '{{ "{{" }}')
    return values ? `${escaped}data: {{ toYaml .Values.configs.${values} | nindent 2 }}\n` : escaped
  })
  return { 'templates/argocd.yaml': documents.join('---\n') }
}

const folder = (part: 'velero-kinds', name: string): string[] => below(join(partFolder(part), name))

/** All files below a folder. */
function below(root: string): string[] {
  return readdirSync(root, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}
