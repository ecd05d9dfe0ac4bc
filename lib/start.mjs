import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

// What every script begins with, before any file of its own is read: Node learns TypeScript, or says in one clear message
// why it cannot; and where the sandbox is asked for, its wrapper loads in another process at the same time.

let loading

/**
 * Has the sandbox's wrapper load in a process of its own, once. It opens a world when it reads a line, and goes when its
 * standard input ends, so that it never outlives this process. Until then it keeps this process from nothing.
 */
export function loadWrapper() {
  if (loading) return loading
  const script = fileURLToPath(new URL('../scripts/sandbox.mts', import.meta.url))
  loading = spawn(process.execPath, [...process.execArgv, script, '--hold', '--ready'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    // Ctrl-C is ours to answer; the wrapper ends after us.
    detached: true,
  })
  loading.unref()
  loading.stdin.unref()
  loading.stdout.unref()
  return loading
}

if (process.argv.includes('--sandbox') && !process.env.REGROW_SANDBOXED) loadWrapper()
try {
  await import('tsx/esm')
} catch (error) {
  if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error
  process.stderr.write('x the packages of this project are not installed\n  → npm ci\n')
  process.exit(1)
}
