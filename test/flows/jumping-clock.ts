import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { TestBox } from './box.ts'

/** A clock of a flow's own process, by which half an hour can pass at once. */
export interface JumpingClock {
  /** What the flow's environment needs. */
  env: { NODE_OPTIONS: string }
  /** From now on it is half an hour later. */
  jump(): void
}

/** Makes one in a box: each wait ends with the words that its deadline has, and nobody waits for them. */
export function jumpingClock(box: TestBox): JumpingClock {
  const jumped = join(box.dir, `half-an-hour-has-passed-${randomUUID()}`)
  const clock = box.file(
    `${basename(jumped)}.mjs`,
    `import { existsSync } from 'node:fs'
const now = performance.now.bind(performance)
performance.now = () => now() + (existsSync(${JSON.stringify(jumped)}) ? 1_801_000 : 0)
`,
  )
  return {
    env: { NODE_OPTIONS: `--import=${pathToFileURL(clock)}` },
    jump: () => writeFileSync(jumped, ''),
  }
}
