import { longestChain, type Waits } from './chain.ts'

/** The paces at which the cloud is played: shares of its own. */
const paces = [0.05, 0.1] as const

/** What a flow takes of its own, whatever the cloud takes. */
export interface Pace {
  /** Seconds at the cloud's own pace of the longest chain of waits, and what it is made of. */
  chain: { seconds: number; waits: string }
  /** At each pace, the wall time less the chain at that pace, in seconds. */
  own: Record<string, number>
  /** How much longer that is at the slower pace; it may be a fifth, either way. */
  growth: number
  /** The longer of both as a share of the chain; it may be a twentieth. */
  share: number
}

/**
 * Times a flow at two paces of the cloud, three times in turns, by the medians.
 * @param time seconds that it takes at a pace of the cloud
 */
export function measurePace(waits: Waits, time: (pace: number) => number): Pace {
  const { seconds, chain } = longestChain(waits)
  const rounds = [1, 2, 3].map(() => paces.map((pace) => time(pace) - pace * seconds))
  const [quick = 0, slow = 0] = paces.map(
    (_, at) => [...rounds].sort((a, b) => (a[at] ?? 0) - (b[at] ?? 0)).at(1)?.[at],
  )
  return {
    chain: { seconds, waits: chain.join(' → ') },
    own: { [paces[0]]: quick, [paces[1]]: slow },
    growth: slow / quick - 1,
    share: Math.max(quick, slow) / seconds,
  }
}
