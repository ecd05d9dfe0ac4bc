#!/usr/bin/env -S npx tsx
// Breaks the code in named ways, one at a time, in copies of the tree, and shows that the named test turns red each
// time. The copies as they are must be green first. Usage: npm run test:mutants [-- WORD...] for those whose name has one.
import { execFileSync, spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Mutant } from './mutant.ts'
import { mutants } from './mutants.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const work = mkdtempSync(join(tmpdir(), 'regrow-mutants-'))
process.once('exit', () => rmSync(work, { recursive: true, force: true }))
process.once('SIGINT', () => process.exit(130))
const started = performance.now()
const words = process.argv.slice(2)
const isSlow = ({ test }: Mutant) => Number(test.includes('/flows/'))
/** Those whose tests run whole flows come first, so that the quick ones fill the gaps. */
const chosen = mutants
  .filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)))
  .sort((one, other) => isSlow(other) - isSlow(one))
/** Two flows at once are what two cores carry. */
const copies = ['one', 'two'].map(copyTree)
let wrong = 0

for (const { name, file, from } of chosen) {
  const found = readFileSync(join(root, file), 'utf8').split(from).length - 1
  if (found !== 1) say('x', name, `its text stands ${found} times in ${file}: mend the mutant`)
}
if (wrong === 0) await inTurn([...new Set(chosen.map(({ test }) => test))], green)
if (wrong === 0) await inTurn(chosen, red)
const seconds = Math.round((performance.now() - started) / 1000)
process.stdout.write(`${chosen.length - wrong} of ${chosen.length} mutants were noticed, in ${seconds} s\n`)
process.exitCode = wrong === 0 ? 0 : 1

/** What Git knows of the tree or would add to it; packages are shared. */
function copyTree(name: string): string {
  const copy = join(work, name)
  const list = ['ls-files', '--cached', '--others', '--exclude-standard', '-z']
  const files = execFileSync('git', list, { cwd: root, encoding: 'utf8' }).split('\0')
  for (const file of files.filter((one) => one !== '' && one !== 'node_modules')) {
    mkdirSync(dirname(join(copy, file)), { recursive: true })
    cpSync(join(root, file), join(copy, file))
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  return copy
}

/** Works a list off, one thing at a time in each copy. */
async function inTurn<T>(list: T[], work: (one: T, copy: string) => Promise<void>): Promise<void> {
  const rest = [...list]
  await Promise.all(
    copies.map(async (copy) => {
      for (let one = rest.shift(); one !== undefined; one = rest.shift()) await work(one, copy)
    }),
  )
}

async function green(test: string, copy: string): Promise<void> {
  const { code, failure } = await run(test, copy)
  if (code === 0) say('=', test, 'green')
  else say('x', test, `red without any mutant: ${failure}`)
}

async function red({ name, file, from, to, test }: Mutant, copy: string): Promise<void> {
  const path = join(copy, file)
  const text = readFileSync(path, 'utf8')
  writeFileSync(
    path,
    text.replace(from, () => to),
  )
  const { code, failure } = await run(test, copy)
  writeFileSync(path, text)
  if (code === 0) say('x', name, `${test} does not notice`)
  else if (!failure) say('x', name, `${test} failed without an assertion, so it shows nothing`)
  else say('+', name, `${test}: ${failure}`)
}

/** Runs a test file up to its first failed assertion. @returns its exit code and what that assertion says */
async function run(
  test: string,
  copy: string,
): Promise<{ code: number | null; failure: string | undefined }> {
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx/esm'), test], {
    cwd: copy,
    env: { ...process.env, TAP_BAIL: '1', TAP_TIMEOUT: '600' },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let out = ''
  child.stdout.on('data', (chunk) => {
    out += chunk
  })
  const code = await new Promise<number | null>((done) => child.once('close', done))
  const failure = /^ *not ok \d+ - (.*)$/m.exec(out)?.[1]?.replace(/ # time=.*$| \{$/, '')
  return { code, failure: code === 0 || /SyntaxError|Transform failed/.test(out) ? undefined : failure }
}

function say(mark: '=' | '+' | 'x', what: string, more: string): void {
  if (mark === 'x') wrong++
  process.stdout.write(`${mark} ${what}  ${more}\n`)
}
