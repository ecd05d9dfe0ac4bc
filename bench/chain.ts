/** What the cloud takes its time for: seconds at its own pace, and what must be over before it can begin. */
export type Waits = Record<string, { seconds: number; after: readonly string[] }>

/**
 * The longest chain of waits that no order of steps can avoid, in seconds: however much is done at the same time, what
 * depends on something comes after it.
 * @throws Error for a wait that depends on one that is not described, or on itself
 */
export function longestChain(waits: Waits): { seconds: number; chain: string[] } {
  const endOf = (name: string, above: readonly string[]): { seconds: number; chain: string[] } => {
    const wait = waits[name]
    if (!wait || above.includes(name)) throw new Error(`${[...above, name].join(' → ')} is no chain of waits`)
    const before = wait.after.map((one) => endOf(one, [...above, name]))
    const last = longest(before)
    return { seconds: last.seconds + wait.seconds, chain: [...last.chain, name] }
  }
  return longest(Object.keys(waits).map((name) => endOf(name, [])))
}

const longest = (all: { seconds: number; chain: string[] }[]) =>
  all.reduce((most, one) => (one.seconds > most.seconds ? one : most), { seconds: 0, chain: [] })
