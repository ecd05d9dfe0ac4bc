import { spawnSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { onPath } from '../../lib/base/on-path.ts'
import { runIn } from '../flows/box.ts'

// How a script begins, by its own first line.

/** An empty folder that goes with the test. */
function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'regrow-start-'))
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

t.test(
  'every script starts from any folder: it finds what it needs beside itself, and keeps its memory small',
  async (t) => {
    const root = new URL('../../', import.meta.url)
    const scripts = [root, new URL('scripts/', root)].flatMap((folder) =>
      readdirSync(folder)
        .filter((name) => name.endsWith('.mts'))
        .map((name) => new URL(name, folder)),
    )
    t.ok(scripts.length >= 12)
    // What is made to be copied starts from the root as well as from a folder in it.
    const examples = readdirSync(new URL('examples/', root)).map((name) => new URL(`examples/${name}`, root))
    t.ok(examples.length >= 4)
    for (const example of examples) {
      t.match(
        readFileSync(example, 'utf8'),
        /^#!\/usr\/bin\/env -S sh -c 'd=\$\(dirname "\$\(realpath "\$0"\)"\); \[ -d "\$d\/lib" \] \|\| d=\$d\/\.\.; exec node --max-semi-space-size=4 --import "\$d\/lib\/commands\/start\.mjs" "\$0" "\$@"'\n/,
        example.pathname,
      )
      t.equal(statSync(example).mode & 0o111, 0o111, example.pathname)
    }
    for (const script of scripts) {
      t.match(
        readFileSync(script, 'utf8'),
        /^#!\/usr\/bin\/env -S sh -c 'exec node --max-semi-space-size=4 --import "\$\(dirname "\$\(realpath "\$0"\)"\)(\/\.\.)?\/lib\/commands\/start\.mjs" "\$0" "\$@"'\n/,
        script.pathname,
      )
      t.equal(statSync(script).mode & 0o111, 0o111, script.pathname)
    }
    for (const name of ['bootstrap.mts', 'scripts/seal.mts']) {
      const started = spawnSync(fileURLToPath(new URL(name, root)), ['--help'], {
        cwd: '/',
        encoding: 'utf8',
      })
      t.match(started.stdout, /--help/, started.stderr)
    }
  },
)

t.test('without the packages it says what to do', async (t) => {
  const dir = folder()
  mkdirSync(join(dir, 'lib/commands'), { recursive: true })
  for (const name of ['bootstrap.mts', 'lib/commands/start.mjs']) copyFileSync(name, join(dir, name))
  for (const words of ['--help', '--sandbox']) {
    const ended = await runIn(dir, 'sh', ['-c', `./bootstrap.mts ${words}`])
    t.same(ended, { code: 1, out: '', err: 'x the packages of this project are not installed\n  → npm ci\n' })
  }
})

t.test('a sandbox that is not entered is not opened, and its wrapper goes', async (t) => {
  const dir = folder()
  // Ends when nobody has its standard error open any more: the wrapper has it too.
  const words = ['-c', `${resolve('bootstrap.mts')} --sandbox --nmae x`]
  t.match(await runIn(dir, 'sh', words, { env: { TMPDIR: dir } }), {
    code: 2,
    out: '',
    err: /^x --nmae is not a flag of bootstrap/,
  })
  t.notOk(existsSync(join(dir, '.sandbox')))
})

t.test('a program that is missing is named before anything needs it', async (t) => {
  const dir = folder()
  const path = join(dir, 'bin')
  mkdirSync(path)
  const link = (name: string) => symlinkSync(onPath(name) ?? name, join(path, name))
  for (const name of ['dirname', 'env', 'node', 'realpath', 'sh']) link(name)
  const env = { TMPDIR: dir, PATH: path }
  const script = (words: string) => runIn(dir, 'sh', ['-c', `${resolve('bootstrap.mts')} ${words}`], { env })
  t.match(await script('--help'), { code: 0, err: '' })
  const lacking = (name: string, use: string) =>
    `x ${name} was not found on the PATH; ${use}\n  → Install it (for example: apk add ${name}) and run the same command again.\n`
  t.match(await script('--sandbox --yes'), {
    code: 1,
    out: '',
    err: lacking('bash', 'doctl, kubectl, helm and velero are run with it'),
  })
  link('bash')
  const ended = await script('--sandbox --yes')
  t.equal(ended.code, 1)
  t.ok(ended.err.startsWith(lacking('git', 'the sandbox’s GitHub is made of it')), ended.err)
})

t.test('a sandbox that cannot be opened is told, with what its wrapper said', async (t) => {
  const dir = folder()
  const env = { TMPDIR: dir, REGROW_SANDBOX_LATENCY: '7' }
  const ended = await runIn(dir, 'sh', ['-c', `${resolve('bootstrap.mts')} --sandbox`], { env })
  t.match(ended, { code: 1, out: '', err: /--latency takes a number/ })
  t.match(ended.err, /^x the sandbox could not be opened\n {2}→ Its message above says why\./m)
})
