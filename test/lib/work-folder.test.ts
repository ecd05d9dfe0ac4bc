import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import t from 'tap'
import { tsx } from '../flows/box.ts'

/** Where a process of its own gets its work folder, and its mode while that process lives. */
function workFolder(env: Record<string, string>): { path: string; mode: string } {
  const script = `
    const { workFolder } = await import(${JSON.stringify(resolve('lib/base/work-folder.ts'))})
    const { statSync } = await import('node:fs')
    const path = workFolder()
    console.log(JSON.stringify({ path, mode: (statSync(path).mode & 0o777).toString(8) }))`
  const words = [...tsx, '--input-type=module', '-e', script]
  const ended = spawnSync(process.execPath, words, {
    env: { PATH: process.env.PATH, ...env },
    encoding: 'utf8',
  })
  if (ended.status !== 0) throw new Error(ended.stderr)
  return JSON.parse(ended.stdout) as { path: string; mode: string }
}

const home = (t: { testdir(): string }) => {
  const dir = t.testdir()
  for (const one of ['home', 'run', 'tmp']) mkdirSync(join(dir, one), { mode: 0o700 })
  return { dir, HOME: join(dir, 'home'), XDG_RUNTIME_DIR: join(dir, 'run'), TMPDIR: join(dir, 'tmp') }
}
const mode = (path: string) => (statSync(path).mode & 0o777).toString(8)
const dead = `regrow-${hostname()}-999999999-abcdef`

t.test('it is this user’s alone, and goes with its process', async (t) => {
  const { HOME, XDG_RUNTIME_DIR, TMPDIR } = home(t)
  const there = workFolder({ HOME, XDG_RUNTIME_DIR, TMPDIR })
  t.equal(dirname(there.path), join(XDG_RUNTIME_DIR, 'regrow'))
  t.equal(there.mode, '700')
  t.equal(mode(dirname(there.path)), '700')
  t.notOk(existsSync(there.path))
  const cached = workFolder({ HOME, TMPDIR })
  t.equal(dirname(cached.path), join(HOME, '.cache', 'regrow'))
  t.equal(mode(join(HOME, '.cache', 'regrow')), '700')
  t.same(
    readdirSync(TMPDIR).filter((name) => !name.startsWith('tsx-')),
    [],
  )
})

t.test('what killed runs left goes, and nothing that only has such a name', async (t) => {
  const { dir, HOME, XDG_RUNTIME_DIR, TMPDIR } = home(t)
  const own = join(XDG_RUNTIME_DIR, 'regrow')
  const elsewhere = join(dir, 'elsewhere')
  for (const one of [own, join(own, dead), elsewhere, join(TMPDIR, dead)]) mkdirSync(one, { mode: 0o700 })
  for (const one of [elsewhere, join(TMPDIR, dead), join(own, dead)]) writeFileSync(join(one, 'file'), '')
  symlinkSync(elsewhere, join(own, dead.replace(/.$/, 'g')))
  const opened = join(own, dead.replace(/.$/, 'h'))
  mkdirSync(opened)
  chmodSync(opened, 0o777)
  workFolder({ HOME, XDG_RUNTIME_DIR, TMPDIR })
  t.notOk(existsSync(join(own, dead)))
  t.ok(existsSync(join(elsewhere, 'file')), 'a link leads nowhere')
  t.ok(existsSync(opened), 'into this one others could write')
  t.ok(existsSync(join(TMPDIR, dead, 'file')), 'in a folder of everyone’s nothing is swept')
})

t.test('a place that others can write to is not taken', async (t) => {
  const { dir, HOME, XDG_RUNTIME_DIR, TMPDIR } = home(t)
  const own = join(XDG_RUNTIME_DIR, 'regrow')
  const inCache = (taken: string) => t.equal(dirname(taken), join(HOME, '.cache', 'regrow'))
  mkdirSync(own)
  chmodSync(own, 0o770)
  inCache(workFolder({ HOME, XDG_RUNTIME_DIR, TMPDIR }).path)
  chmodSync(own, 0o700)
  chmodSync(XDG_RUNTIME_DIR, 0o777)
  inCache(workFolder({ HOME, XDG_RUNTIME_DIR, TMPDIR }).path)
  const links = join(dir, 'links')
  mkdirSync(links)
  symlinkSync(own, join(links, 'regrow'))
  inCache(workFolder({ HOME, XDG_RUNTIME_DIR: links, TMPDIR }).path)
  t.equal(
    dirname(workFolder({ HOME: '/dev/null', TMPDIR }).path),
    TMPDIR,
    'where there is none, one of its own',
  )
})
