import { waitFor } from '../base/wait.ts'
import { type Output, ToolFailure } from './tools.ts'

/**
 * Acts until the until is seen to be true; a refusal is looked at, not believed. What was accepted is under way, and is not
 * ordered again before 15 s have passed.
 */
export async function actUntil(
  until: string,
  seen: () => Promise<boolean>,
  act: () => Promise<Output>,
): Promise<void> {
  let nextAt = 0
  await waitFor({ until, every: 5, within: 300, sparing: true }, async (note) => {
    if (await seen()) return true
    if (performance.now() < nextAt) return undefined
    try {
      await act()
      nextAt = performance.now() + 15_000
    } catch (error) {
      if (!(error instanceof ToolFailure)) throw error
      note(error.message)
    }
    return undefined
  })
}
