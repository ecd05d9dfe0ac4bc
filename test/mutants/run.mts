#!/usr/bin/env -S npx tsx
// Breaks a copy of the project in every named way and shows that a test notices. Prints one line a mutant.
import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type Mutant, mutants } from './mutants.ts'

const here = resolve(import.meta.dirname, '..', '..')
const parts =
  'lib scripts cloud-init manifests sandbox test docs package.json tsconfig.json bootstrap.mts restore.mts scale.mts'.split(
    ' ',
  )

/** A copy of the project that may be broken. */
function copy(): string {
  const root = mkdtempSync(join(tmpdir(), 'regrow-mutants-'))
  for (const name of parts) cpSync(join(here, name), join(root, name), { recursive: true })
  symlinkSync(join(here, 'node_modules'), join(root, 'node_modules'))
  return root
}

/** Whether a test file is green in a copy. */
function isGreen(root: string, test: string): Promise<boolean> {
  const words = ['--import', import.meta.resolve('tsx'), join(root, test)]
  // The first red line is enough.
  const env = { ...process.env, TAP_BAIL: '1' }
  const child = spawn(process.execPath, words, { cwd: root, stdio: 'ignore', timeout: 400_000, env })
  return new Promise((done) => child.once('exit', (code) => done(code === 0)))
}

/** Breaks the copy, runs the test, mends the copy. @returns what is wrong with this mutant, if something is */
async function survives(root: string, { file, from, to, test }: Mutant): Promise<string | undefined> {
  const path = join(root, file)
  const text = readFileSync(path, 'utf8')
  if (!text.includes(from)) return `${file} does not say “${from.trim()}” any more`
  writeFileSync(path, text.replace(from, to))
  const green = await isGreen(root, test)
  writeFileSync(path, text)
  return green ? `${test} stayed green` : undefined
}

const roots = Array.from({ length: Math.min(2, availableParallelism()) }, copy)
const failed: string[] = []
try {
  const tests = [...new Set(mutants.map((one) => one.test))]
  await shared(tests, async (root, test) => {
    if (!(await isGreen(root, test))) failed.push(`${test} is red without any mutant`)
  })
  if (failed.length === 0)
    await shared(mutants, async (root, one) => {
      const wrong = await survives(root, one)
      console.log(`${wrong ? 'x' : '='} ${one.name}${wrong ? `: ${wrong}` : `  (${one.test})`}`)
      if (wrong) failed.push(`${one.name}: ${wrong}`)
    })
} finally {
  for (const root of roots) rmSync(root, { recursive: true, force: true })
}
for (const line of failed) console.error(line)
console.log(`${mutants.length - failed.length} of ${mutants.length} mutants were noticed`)
process.exitCode = failed.length > 0 ? 1 : 0

/** Shares work out to the copies. */
async function shared<T>(all: readonly T[], work: (root: string, one: T) => Promise<void>): Promise<void> {
  const waiting = [...all]
  await Promise.all(
    roots.map(async (root) => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await work(root, next)
    }),
  )
}
