import type { LogEntry } from '../../sandbox/world.ts'
import { normal } from './normaliser.ts'

/** One request of an undisturbed run: the nth with this service, method and path. */
export interface Point {
  service: string
  method: string
  /** A regular expression on the path without its query. */
  path: string
  nth: number
  mutates: boolean
}

/** The requests of the flow and its children; paper machines speak for themselves. */
export function pointsOf(log: readonly LogEntry[]): Point[] {
  const seen = new Map<string, number>()
  return (
    log
      .filter(({ agent = '' }) => !agent.includes('paper'))
      // What kubectl asks to know the kinds is one question, however many groups there are.
      .filter(({ service, path }) => service !== 'kubernetes' || !/^\/apis\/[\w.]+\/\w+(\?|$)/.test(path))
      .filter(({ path }) => !path.includes('git-upload-pack'))
      .map(({ service, method, path }) => {
        const pattern = patternOf(path)
        const key = `${service} ${method} ${pattern}`
        const nth = (seen.get(key) ?? 0) + 1
        seen.set(key, nth)
        return { service, method, path: pattern, nth, mutates: !/^(GET|HEAD)$/.test(method) }
      })
  )
}

/** The path as a pattern that fits in every world. */
function patternOf(path: string): string {
  const plain = normal(`${path.split('?')[0]}"`).slice(0, -1)
  const open = plain.replace(/\/[0-9a-f]{40}\b/g, '/<sha>').replace(/\/\d{4,}\b/g, '/<id>')
  const plainly = open.replace(/\/(backups|kopia|nodes)\/.*/, '/$1/<file>')
  return `^${plainly
    .split(/<[\w ]+>/)
    .map(escaped)
    .join('[\\w.:/-]+')}(\\?|$)`
}

const escaped = (part: string) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

/** Where a fault hits it. */
export const where = ({ service, method, path, nth }: Point) => ({ service, method, path, nth })

/** A point as it is told. */
export const tellPoint = ({ service, method, path, nth }: Point) =>
  `${service} ${method} ${path.slice(1, -6).replaceAll('[\\w.:/-]+', '*').replaceAll('\\', '')} #${nth}`
