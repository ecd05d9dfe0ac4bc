import { flows } from './flows.ts'
import { forget, mostAMinute, requestsSince, run, seen } from './work.ts'

/** What a flow asks DigitalOcean for at its own latencies, with the pace that regrow keeps. */
export interface Asked {
  requests: number
  /** The most within a minute: below 200 no request waited for its turn. */
  aMinute: number
  seconds: number
}

const addThree = { before: [['bootstrap.mts', '--sandbox']], words: ['scale.mts', '--sandbox', '--add', '3'] }

function flowOf(name: string) {
  const flow = flows[name]
  if (!flow) throw new Error(`no flow ${name}`)
  return flow
}

/** The flows, and how many requests each may make. */
export const atOwnPace = [
  { name: 'bootstrap', flow: flowOf('bootstrap'), most: 90 },
  { name: 'restore from the bucket', flow: flowOf('restore from the bucket'), most: 110 },
  { name: 'scale --add 3', flow: addThree, most: 110 },
] as const

/** Runs one of them once, which takes minutes. */
export function askAtOwnPace({ before, words }: { before: string[][]; words: string[] }): Asked {
  forget()
  for (const one of before) run(one)
  const from = before.length > 0 ? seen() : 0
  // The box lets everybody be as quick as they can, unless they are told otherwise.
  const { seconds } = run(words, 1, { REGROW_REQUESTS_PER_MINUTE: '200' })
  const own = requestsSince(from).filter((one) => one.service === 'digitalocean')
  return { requests: own.length, aMinute: mostAMinute(own, 'digitalocean'), seconds }
}
