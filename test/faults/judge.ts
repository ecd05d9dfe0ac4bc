import type { Broken } from './harness.ts'

/** What is wrong with how a broken run, and the one after it, ended: nothing when all is well. */
export function faultsOf(broken: Broken): string[] {
  const { first, second } = broken
  return [
    ...(broken.hit ? [] : ['it did not hit']),
    ...(first.signal === 'SIGKILL' || first.code === 0 || isClear(first.err)
      ? []
      : [`unclear: ${first.err.slice(-800)}`]),
    ...(second === undefined || second.code === 0
      ? []
      : [`the next run ended ${second.code}: ${second.err.slice(-800)}`]),
    ...broken.differences,
    ...broken.touched.map((line) => `touched: ${line}`),
    ...(broken.kitReplaced ? ['the kit was made again'] : []),
  ]
}

/** One message that says what happened and what to do, and no fault of ours. */
const isClear = (err: string) => /^x (?!unexpected)/m.test(err) && /→/.test(err)

/** Works through all, two at a time: there are two cores. More where many only wait. */
export async function sideBySide<T>(
  all: readonly T[],
  work: (one: T) => Promise<void>,
  workers = 2,
): Promise<void> {
  const waiting = [...all]
  const worker = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) await work(next)
  }
  await Promise.all(Array.from({ length: workers }, worker))
}
