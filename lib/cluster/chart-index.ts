import { z } from 'zod'
import { Problem } from '../base/problem.ts'
import { loadYaml } from '../base/yaml.ts'
import type { Chart } from './versions.ts'

const index = z.looseObject({ entries: z.record(z.string(), z.unknown()) })
const entries = z.array(
  z.looseObject({
    version: z.unknown().transform((one) => (typeof one === 'object' ? '' : String(one))),
    digest: z.string().optional(),
    urls: z.array(z.string()).min(1),
  }),
)

/** Bytes of an index, which may be anybody’s: Git names where it lies. */
export const mostOfIndex = 16 * 1024 ** 2

/** A chart's archive as the index of its repository has it. */
export interface Archive {
  address: string
  /** SHA-256 in hex, where the index tells it. */
  digest: string | undefined
}

/** Where the index of a Helm repository is. */
export const indexAddress = ({ repository }: Pick<Chart, 'repository'>) =>
  `${repository.replace(/\/$/, '')}/index.yaml`

/** Finds a chart's version in the text of its repository's index. @throws Problem when it is not there */
export function archiveIn(text: string, chart: Chart): Archive {
  const all = entries.safeParse(read(text, chart)[chart.chart]).data ?? []
  const found = all.find(({ version }) => version === chart.version)
  const [url] = found?.urls ?? []
  if (!found || !url)
    throw new Problem(`${indexAddress(chart)} has no chart ${chart.chart} ${chart.version}`, {
      cure: `Choose another version of it in cluster.yaml (versions.${chart.chart}).`,
    })
  const base = indexAddress(chart).replace(/index\.yaml$/, '')
  return { address: new URL(url, base).href, digest: found.digest?.replace(/^sha256:/, '') }
}

function read(text: string, chart: Chart): Record<string, unknown> {
  try {
    return index.parse(loadYaml(text, mostOfIndex)).entries
  } catch (cause) {
    throw new Problem(`${indexAddress(chart)} is not the index of a Helm repository`, {
      cure: 'Ask for it with a browser: it may have moved.',
      cause,
    })
  }
}
