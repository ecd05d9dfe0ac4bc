import { isDeepStrictEqual } from 'node:util'
import { loadYamls } from '../base/yaml.ts'
import {
  type Chart,
  type ChartName,
  chartOf,
  csiAddress,
  csiFiles,
  type Versions,
} from '../cluster/versions.ts'

// What upstream serves no longer may lie in the repository instead: a chart unpacked, a manifest as a file. What reads it
// names its path then, and Argo CD needs nobody but Git.

/** A file in the repository that reads upstream, and what it reads there by the name that it has under `digests`. */
export interface Reader {
  name: string
  path: string
  /** What marks the copy as being in Git. */
  copy: string
}

/** Where the copies of charts lie, a folder each. */
const chartsFolder = (cluster: string) => `clusters/${cluster}/upstream`

/** Beside the kustomization, because Kustomize reads no file outside its folder. */
const csiFolder = (cluster: string) => `clusters/${cluster}/platform/csi-driver`

/** The folder of a chart's copy, which Argo CD reads as it reads any chart in Git. */
const chartFolder = (cluster: string, { chart, version }: Pick<Chart, 'chart' | 'version'>): string =>
  `${chartsFolder(cluster)}/${chart}-${version}`

/** A manifest's copy as the kustomization beside it names it. */
const csiCopy = (version: string, file: string) => `upstream/${version}-${file}`

/** The chart whose copy a folder is; undefined for any other folder. */
export const chartOfCopy = (path: string): string | undefined =>
  /^clusters\/[^/]+\/upstream\/(.+?)-v?\d+\.\d+\.\d+[^/]*\/?$/.exec(path)?.[1]

/** Whether a file is a copy of a manifest that a kustomization would fetch otherwise. */
export const isManifestCopy = (path: string): boolean =>
  /^clusters\/[^/]+\/platform\/csi-driver\/upstream\//.test(path)

const applications: Record<ChartName, string> = {
  'argo-cd': 'argocd',
  velero: 'velero',
  'sealed-secrets': 'sealed-secrets',
  traefik: 'ingress',
}

/** Every file of the repository that reads upstream as regrow writes it, and where a copy of that lies. */
export function readersOf(cluster: string, versions: Versions): Reader[] {
  const charts = Object.entries(applications) as [ChartName, string][]
  return [
    ...charts.map(([name, application]) => ({
      name,
      path: `clusters/${cluster}/${application}.yaml`,
      copy: `${chartFolder(cluster, chartOf(name, versions))}/Chart.yaml`,
    })),
    ...csiFiles.map((file) => ({
      name: `csi-digitalocean/${file}`,
      path: `${csiFolder(cluster)}/kustomization.yaml`,
      copy: `${csiFolder(cluster)}/${csiCopy(versions['csi-digitalocean'], file)}`,
    })),
  ]
}

/** Where a file of the repository is read: by which address, and what for. */
export interface Place {
  cluster: string
  sshUrl: string
  versions: Versions
}

/**
 * The text of a file with what it reads at upstream read in Git instead; a text that does not read it stays as it is.
 * Nothing but that changes, comments and a person's own settings included.
 * @param name what upstream serves no longer, as it is called under `digests`
 * @returns undefined where the file reads it in a way that cannot be changed safely
 */
export function readInGit(
  text: string,
  name: string,
  { cluster, sshUrl, versions }: Place,
): string | undefined {
  const [part = '', file = ''] = name.split('/')
  if (part === 'csi-digitalocean') {
    const version = versions['csi-digitalocean']
    const found = csiFiles.find((one) => one === file)
    return found ? withResource(text, csiAddress(version, found), csiCopy(version, found)) : text
  }
  const chart = chartOf(part as ChartName, versions)
  return withSource(text, chart.chart, {
    repoURL: sshUrl,
    path: chartFolder(cluster, chart),
    targetRevision: 'main',
  })
}

/** Files as regrow writes them, each reading in Git what has its copy there. @param isThere whether Git has a path */
export function withCopies(
  files: Readonly<Record<string, string>>,
  isThere: (path: string) => boolean,
  place: Place,
): Record<string, string> {
  const changed = { ...files }
  for (const { name, path, copy } of readersOf(place.cluster, place.versions)) {
    const text = changed[path]
    if (text !== undefined && isThere(copy)) changed[path] = readInGit(text, name, place) ?? text
  }
  return changed
}

/** A kustomization whose resource is a file beside it. */
function withResource(text: string, address: string, path: string): string | undefined {
  if (!text.includes(address)) return text
  const changed = text.replaceAll(address, path)
  return isDeepStrictEqual(
    mapped(parsed(text), (value) => (value === address ? path : value)),
    parsed(changed),
  )
    ? changed
    : undefined
}

/** An Application whose source of a chart is a folder in Git. */
function withSource(
  text: string,
  chart: string,
  source: { repoURL: string; path: string; targetRevision: string },
): string | undefined {
  const before = parsed(text)
  const isIts = (value: unknown): value is Record<string, unknown> => isTree(value) && value.chart === chart
  const wanted = mapped(before, (value) => {
    if (!isIts(value)) return value
    const { chart: _, ...rest } = value
    return { ...rest, ...source }
  })
  if (isDeepStrictEqual(before, wanted)) return text
  const lines = text.split('\n')
  const at = lines.findIndex((line) => keyOf(line)?.key === 'chart' && scalar(line) === chart)
  const column = keyOf(lines[at] ?? '')?.column ?? -1
  const isOutside = (line: string) =>
    line.trim() !== '' && line.search(/\S/) < column && keyOf(line)?.column !== column
  let [from, to] = [at, at]
  // A list's item begins with a dash, which stands in front of its first key.
  while (from > 0 && !lines[from]?.trimStart().startsWith('- ') && !isOutside(lines[from - 1] ?? '')) from--
  while (
    to + 1 < lines.length &&
    !isOutside(lines[to + 1] ?? '') &&
    !beginsAnother(lines[to + 1] ?? '', column)
  )
    to++
  const changed = lines.map((line, index) => {
    const key = keyOf(line)
    if (index < from || index > to || key?.column !== column) return line
    if (key.key === 'chart') return `${key.before}path: ${source.path}`
    if (key.key === 'repoURL') return `${key.before}repoURL: ${source.repoURL}`
    return key.key === 'targetRevision' ? `${key.before}targetRevision: ${source.targetRevision}` : line
  })
  const done = changed.join('\n')
  return isDeepStrictEqual(parsed(done), wanted) ? done : undefined
}

/** Whether a line begins the next item of the list. */
const beginsAnother = (line: string, column: number) =>
  line.trimStart().startsWith('- ') && keyOf(line)?.column === column

/** A line's key, where it stands, and what stands before it. */
function keyOf(line: string): { before: string; column: number; key: string } | undefined {
  const [, before = '', key = ''] = /^(\s*(?:- +)?)([\w-]+):(?:\s|$)/.exec(line) ?? []
  return key ? { before, column: before.length, key } : undefined
}

const scalar = (line: string) => /:\s*["']?([^"'#\s]*)/.exec(line)?.[1]

const isTree = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The same value, each part of it changed, the inner ones first. */
function mapped(value: unknown, change: (value: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map((one) => mapped(one, change))
  if (!isTree(value)) return change(value)
  return change(Object.fromEntries(Object.entries(value).map(([key, one]) => [key, mapped(one, change)])))
}

function parsed(text: string): unknown {
  try {
    return loadYamls(text)
  } catch {
    return undefined
  }
}
