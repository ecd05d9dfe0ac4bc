import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'

// What every script begins with, before any file of its own is read: Node learns TypeScript, or says in one clear message
// why it cannot; and where the sandbox is asked for, its wrapper loads in another process at the same time.

let loading

// Documented in start.d.mts.
export function loadWrapper() {
  if (loading) return loading
  const script = fileURLToPath(new URL('../scripts/sandbox.mts', import.meta.url))
  const child = spawn(process.execPath, [...process.execArgv, script, '--hold', '--wait'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    // Ctrl-C is ours to answer; the wrapper ends after us.
    detached: true,
  })
  child.stdin.on('error', () => {})
  for (const one of [child, child.stdin, child.stdout]) one.unref()
  loading = { child, gone: once(child, 'exit').catch(() => {}) }
  return loading
}

try {
  import.meta.resolve('tsx/esm')
} catch {
  process.stderr.write('x the packages of this project are not installed\n  → npm ci\n')
  process.exit(1)
}
const [, script = '', ...words] = process.argv
const isAsked = words.includes('--sandbox') && basename(script) !== 'sandbox.mts'
if (isAsked && !process.env.REGROW_SANDBOXED) loadWrapper()
// Ninety small files: once tsx is there, Node asks it about each, and that takes longer than reading them.
await import('zod')
await import('tsx/esm')
