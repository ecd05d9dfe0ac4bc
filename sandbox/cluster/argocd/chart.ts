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
  const files = await chartFiles(world, wish)
  const named = [...files].filter(([path]) => /^[^/]+\/(crds|templates)\/.*\.ya?ml$/.test(path)).sort()
  return named.flatMap(([path, text]) =>
    manifests(path, path.includes('/templates/') ? filled(path, text, wish) : text),
  )
}

function filled(path: string, text: string, { release, namespace }: ChartWish): string {
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
  const index = load((await fetchUpstream(world, `${base}/index.yaml`)).toString())
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
