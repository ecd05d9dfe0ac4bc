import { setTimeout as sleep } from 'node:timers/promises'
import { Refusal } from '../refusal.ts'
import { secondsOf } from '../time.ts'
import type { Tree } from '../tree.ts'

/** As the snapshotter, which asks again what is refused for now, for as long as Velero waits (ten minutes by default). */
export async function patiently(order: () => Promise<Tree>, timeout: string, code = 429): Promise<Tree> {
  const end = Date.now() + (secondsOf(timeout) || 600) * 1000
  for (;;)
    try {
      return await order()
    } catch (error) {
      if (!(error instanceof Refusal && error.code === code) || Date.now() > end) throw error
      await sleep(500, undefined, { ref: false })
    }
}
