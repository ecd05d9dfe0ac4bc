import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'

// What every script begins with, before any file of its own is read: Node learns TypeScript, or says in one clear message
// why it cannot; and where the sandbox is asked for, its wrapper loads in another process at the same time.

/**
 * @typedef {import('node:child_process').ChildProcessByStdio<
 *   import('node:stream').Writable, import('node:stream').Readable, null>} Wrapper
 */

/** @type {{ child: Wrapper, gone: Promise<unknown> } | undefined} */
let loading

/**
 * Has the sandbox's wrapper load in a process of its own, once. It opens a world when it reads a line, prints its
 * environment as a line of JSON, and goes when its standard input ends, so that it goes even when this process is killed.
 * Until `child.ref()` it keeps this process from nothing.
 * @returns the process, and a promise that it ended
 */
export function loadWrapper() {
  if (loading) return loading
  const script = fileURLToPath(new URL('../../scripts/sandbox.mts', import.meta.url))
  const child = spawn(process.execPath, [...process.execArgv, script, '--hold', '--wait'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    // Ctrl-C is ours to answer; the wrapper ends after us.
    detached: true,
  })
  child.stdin.on('error', () => {})
  child.unref()
  for (const pipe of /** @type {import('node:net').Socket[]} */ ([child.stdin, child.stdout])) pipe.unref()
  loading = { child, gone: once(child, 'exit').catch(() => {}) }
  return loading
}

let typescript = ''
try {
  typescript = import.meta.resolve('tsx/esm')
} catch {
  process.stderr.write('x the packages of this project are not installed\n  → npm ci\n')
  process.exit(1)
}
const [, script = '', ...words] = process.argv
const isAsked = words.includes('--sandbox') && basename(script) !== 'sandbox.mts'
if (isAsked && !process.env.REGROW_SANDBOXED) loadWrapper()
// Ninety small files: once tsx is there, Node asks it about each, and that takes longer than reading them.
await import('zod')
await import(typescript)
