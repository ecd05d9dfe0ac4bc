import { createHash } from 'node:crypto'
import { load } from 'js-yaml'
import type { World } from '../../world.ts'
import { untar } from '../tar.ts'
import { listAt, type Tree, textAt, textsAt } from '../tree.ts'
import { manifests } from './manifests.ts'
import { fetchUpstream } from './upstream.ts'

export { untar }

/** A chart of a Helm repository. */
export interface ChartWish {
  repository: string
  chart: string
  version: string
  release: string
  namespace: string
}

/**
 * Fetches a chart by its repository's index and renders it. Only the release's name and namespace are filled in:
 * the box's own charts need no more, and a template that does is refused.
 */
export async function renderChart(world: World, wish: ChartWish): Promise<Tree[]> {
  return renderFiles(await chartFiles(world, wish), wish)
}

/** Where a chart is installed. */
type Release = Pick<ChartWish, 'release' | 'namespace'>

/** Renders a chart that lies in a folder of a repository. @throws Error as helm does where the folder has none */
export function renderFolder(files: ReadonlyMap<string, string>, folder: string, release: Release): Tree[] {
  const inside = [...files].filter(([path]) => path.startsWith(`${folder}/`))
  const chart = folder.replace(/.*\//, '')
  return renderFiles(
    new Map(inside.map(([path, text]) => [chart + path.slice(folder.length), text])),
    release,
  )
}

/** @param files by their path below one folder */
function renderFiles(files: ReadonlyMap<string, string>, release: Release): Tree[] {
  const [, text] = [...files].find(([path]) => /^[^/]+\/Chart\.yaml$/.test(path)) ?? []
  if (text === undefined) throw new Error('Error: Chart.yaml file is missing')
  const about = load(text)
  if (!textAt(about, 'name') || !textAt(about, 'version'))
    throw new Error('Error: validation: chart.metadata.name and chart.metadata.version are required')
  const missing = listAt(about, 'dependencies')
    .map((one) => textAt(one, 'name'))
    .filter(
      (name) =>
        ![...files.keys()].some((path) => path.split('/')[1] === 'charts' && path.includes(`/${name}`)),
    )
  if (missing.length > 0)
    throw new Error(
      `Error: An error occurred while checking for chart dependencies. You may need to run \`helm dependency build\` to fetch missing dependencies: found in Chart.yaml, but missing in charts/ directory: ${missing.join(', ')}`,
    )
  const named = [...files].filter(([path]) => /^[^/]+\/(crds|templates)\/.*\.ya?ml$/.test(path)).sort()
  return named.flatMap(([path, content]) =>
    manifests(path, path.includes('/templates/') ? filled(path, content, release) : content),
  )
}

function filled(path: string, text: string, { release, namespace }: Release): string {
  const done = text
    .replace(/{{-?\s*\.Release\.Namespace\s*-?}}/g, namespace)
    .replace(/{{-?\s*\.Release\.Name\s*-?}}/g, release)
  const rest = done.match(/{{.*?}}/)?.[0]
  if (rest)
    throw new Error(`paper renders no ${rest} (${path}): it knows .Release.Name and .Release.Namespace`)
  return done
}

async function chartFiles(
  world: World,
  { repository, chart, version }: ChartWish,
): Promise<Map<string, string>> {
  const base = repository.replace(/\/$/, '')
  const served = await fetchUpstream(world, `${base}/index.yaml`).catch((error: Error) => {
    throw new Error(
      `Error: looks like "${repository}" is not a valid chart repository or cannot be reached: ${error.message}`,
    )
  })
  const index = load(served.toString())
  const entry = listAt(index, 'entries', chart).find((one) => textAt(one, 'version') === version)
  const url = textsAt(entry, 'urls')[0]
  if (!url) throw new Error(`chart "${chart}" version "${version}" not found in ${repository} repository`)
  const bytes = await fetchUpstream(world, /^https?:/.test(url) ? url : `${base}/${url}`)
  const digest = createHash('sha256').update(bytes).digest('hex')
  const wanted = textAt(entry, 'digest').replace(/^sha256:/, '')
  if (wanted && wanted !== digest)
    throw new Error(`chart ${chart} ${version} differs from the digest in its index`)
  return untar(bytes)
}
