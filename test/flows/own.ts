import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { ownPath, runIn } from './box.ts'

// The project as a person has it, with flows of their own beside ours: what is ours is linked into an empty folder.

export interface OwnFlows {
  /** Copies a file of the project to a name of its own. */
  copy(from: string, to: string): void
  write(name: string, text: string): void
  /** Runs one by its own first line. */
  run(words: string, env?: Record<string, string | undefined>): ReturnType<typeof runIn>
}

/** Such a project, which goes when the test ends. */
export function ownFlows(t: { teardown(end: () => void): void }): OwnFlows {
  const dir = mkdtempSync(join(tmpdir(), 'regrow-own-'))
  t.teardown(() => rmSync(dir, { recursive: true }))
  for (const name of ['lib', 'node_modules', 'package.json']) symlinkSync(resolve(name), join(dir, name))
  return {
    copy: (from, to) => {
      mkdirSync(dirname(join(dir, to)), { recursive: true })
      copyFileSync(from, join(dir, to))
    },
    write: (name, text) => writeFileSync(join(dir, name), text, { mode: 0o755 }),
    run: (words, env = {}) =>
      runIn(dir, 'sh', ['-c', words], { env: { ...env, PATH: [ownPath, env.PATH].reverse().join(':') } }),
  }
}
