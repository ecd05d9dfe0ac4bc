import { createReadStream } from 'node:fs'
import { resolve } from 'node:path'
import { pipeline } from 'node:stream'
import { text } from 'node:stream/consumers'
import { createGunzip } from 'node:zlib'
import { loadAll } from 'js-yaml'
import { extract } from 'tar-stream'
import { type Call, Failed, parse, Unknown } from './call.ts'

// Helm installs kinds in this order (pkg/release/v1/util/kind_sorter.go of helm 4.3), all others behind by their name.
const order =
  'PriorityClass Namespace NetworkPolicy ResourceQuota LimitRange PodSecurityPolicy PodDisruptionBudget ServiceAccount Secret SecretList ConfigMap StorageClass PersistentVolume PersistentVolumeClaim CustomResourceDefinition ClusterRole ClusterRoleList ClusterRoleBinding ClusterRoleBindingList Role RoleList RoleBinding RoleBindingList Service DaemonSet Pod ReplicationController ReplicaSet Deployment HorizontalPodAutoscaler StatefulSet Job CronJob IngressClass Ingress APIService MutatingWebhookConfiguration ValidatingWebhookConfiguration'.split(
    ' ',
  )

/** helm, as far as the sandbox's own charts need it: plain manifests, the release's namespace, nothing else. */
export async function helm(call: Call): Promise<number> {
  const line = parse(call.argv, ['include-crds', 'short'], { n: 'namespace', f: 'values' })
  const [verb, , chart, ...more] = line.words
  if (verb === 'version') {
    line.only(['short'])
    call.out(line.has('short') ? 'v4.3-stand-in\n' : 'version.BuildInfo{Version:"v4.3-stand-in"}\n')
    return 0
  }
  if (verb !== 'template' || !chart?.endsWith('.tgz') || more.length > 0) throw new Unknown(`${verb}`)
  line.only(['include-crds', 'kube-version', 'namespace', 'values'])
  if (line.text('values') === '-') loadAll(await call.stdin())
  const files = await unpack(resolve(call.cwd, chart), chart)
  const crds = line.has('include-crds') ? files.filter(([path]) => /^[^/]+\/crds\//.test(path)) : []
  const templates = files.filter(([path]) => /^[^/]+\/templates\//.test(path))
  const rendered = templates.flatMap(([path, content]) =>
    documents(render(content, line.text('namespace') ?? 'default')).map((one) => [path, one] as const),
  )
  rendered.sort(([, a], [, b]) => compare(kindOf(a), kindOf(b)))
  const all = [...crds, ...rendered].map(([path, content]) => `---\n# Source: ${path}\n${content}\n`)
  call.out(`${all.join('').trim()}\n`)
  return 0
}

/** The files of a chart's archive, by path. */
async function unpack(file: string, said: string): Promise<[path: string, content: string][]> {
  const files: [string, string][] = []
  const entries = extract()
  pipeline(createReadStream(file), createGunzip(), entries, () => {})
  try {
    for await (const entry of entries) {
      const content = await text(entry)
      if (entry.header.type === 'file') files.push([entry.header.name, content])
    }
  } catch {
    throw new Failed(`Error: non-absolute URLs should be in form of repo_name/path_to_chart, got: ${said}`)
  }
  return files.sort(([a], [b]) => (a < b ? -1 : 1))
}

function render(content: string, namespace: string): string {
  const plain = content.replace(/\{\{ \.Release\.Namespace \}\}/g, namespace)
  if (plain.includes('{{')) throw new Unknown('a template that is none of the sandbox’s own')
  return plain
}

function documents(content: string): string[] {
  const pieces = content.trimStart().split(/^---[ \t]*/m)
  return pieces.filter((one) => one.trim() !== '').map((one) => one.trimStart())
}

const kindOf = (document: string) => (loadAll(document)[0] as { kind?: string } | undefined)?.kind ?? ''

function compare(a: string, b: string): number {
  const [first, second] = [order.indexOf(a), order.indexOf(b)]
  if (first < 0 && second < 0) return a < b ? -1 : Number(a > b)
  return (first < 0 ? order.length : first) - (second < 0 ? order.length : second)
}
