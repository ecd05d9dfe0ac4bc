import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { dump } from 'js-yaml'
import { pack } from 'tar-stream'
import { type Chart, type ChartName, parts } from '../../lib/cluster/versions.ts'
import { charts } from './charts.ts'
import { toYaml } from './manifest.ts'

/** The SHA-256 in hex. */
export const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** The files of a paper chart by their path, without its `Chart.yaml`. */
export const paperFiles = (chart: ChartName): Record<string, string> =>
  Object.fromEntries(Object.entries(charts[chart]()).map(([path, list]) => [path, toYaml(list)]))

/** A chart's archive; the same bytes on every machine, so that a digest once recorded stays true. */
export const chartArchive = (chart: ChartName, files = paperFiles(chart)): Promise<Buffer> =>
  archiveOf(chart, { 'Chart.yaml': dump(about(chart)), ...files })

/** An archive of files, by their path below one folder. */
export async function archiveOf(folder: string, files: Record<string, string>): Promise<Buffer> {
  const tar = pack()
  for (const [path, content] of Object.entries(files))
    tar.entry({ name: `${folder}/${path}`, mode: 0o644, mtime: new Date(0) }, content)
  tar.finalize()
  const pieces: Buffer[] = []
  for await (const piece of tar) pieces.push(piece as Buffer)
  // Uncompressed, since compressors differ from one Node to the next; so does the byte that names the system.
  const archive = gzipSync(Buffer.concat(pieces), { level: 0 })
  archive[9] = 255
  return archive
}

function about(chart: ChartName) {
  const { version, ...part } = parts[chart]
  return {
    apiVersion: 'v2',
    name: chart,
    version,
    appVersion: part.app,
    description: `Paper: stands in for the chart ${chart} in regrow's sandbox.`,
  }
}

/** The index of the Helm repository that has this chart; the archive lies beside it. */
export function chartIndex({ chart, version }: Chart & { chart: ChartName }, archive: Buffer): string {
  const digest = sha256(archive)
  const entry = {
    ...about(chart),
    digest,
    urls: [`${chart}-${version}.tgz`],
    created: '2026-01-01T00:00:00Z',
  }
  return dump({ apiVersion: 'v1', entries: { [chart]: [entry] }, generated: '2026-01-01T00:00:00Z' })
}
