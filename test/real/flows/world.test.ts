import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { z } from 'zod'
import { runIn, tsx } from '../../flows/box.ts'

// A SIMULATED world survives between commands, and nothing else does.

const dirs: string[] = []
/** A folder for worlds; sockets and other leftovers would show in its own folder for temporary files. */
function folder() {
  const dir = mkdtempSync(join(tmpdir(), 'regrow-flow-'))
  dirs.push(dir)
  const env = { TMPDIR: mkdtempSync(join(dir, 'tmp-')), REGROW_SANDBOX_TOOLS: 'stand-ins' }
  return { dir, env, run: (words: string[]) => runIn(dir, 'scripts/sandbox.mts', words, { env }) }
}
t.teardown(() => {
  for (const dir of dirs) rmSync(dir, { recursive: true, force: true })
})
const rangeOf = (dir: string) =>
  z
    .object({ range: z.string() })
    .parse(JSON.parse(readFileSync(join(dir, '.sandbox/addresses.json'), 'utf8'))).range
const free = (host: string, port: number) =>
  new Promise<boolean>((done) => {
    const probe = createServer()
    probe.once('error', () => done(false))
    probe.listen(port, host, () => probe.close(() => done(true)))
  })

async function nothingIsLeft(t: Test, { dir, env }: ReturnType<typeof folder>) {
  const range = rangeOf(dir)
  for (const host of [2, 3, 4, 5])
    t.ok(await free(`${range}.0.${host}`, 8000), `${range}.0.${host}:8000 is free`)
  t.ok(await free(`${range}.1.1`, 6443), 'the API server’s port is free')
  t.same(
    // What tsx compiled stays for the next command of any project.
    readdirSync(env.TMPDIR).filter((name) => !name.startsWith('tsx-')),
    [],
    'no socket and no temporary file',
  )
  const mine = await runIn(dir, 'ps', ['-eo', 'args'])
  t.notMatch(mine.out, dir, 'no process')
}

t.test('what was grown is there for the next command, with a person’s own tools', async (t) => {
  const here = folder()
  const grown = await here.run([resolve('bootstrap.mts')])
  t.equal(grown.code, 0, grown.err)
  t.match(grown.err, 'scripts/sandbox.mts bash starts it')
  await nothingIsLeft(t, here)
  const own = await here.run([
    'bash',
    '-ec',
    'doctl compute droplet list; kubectl get nodes,pods,pvc -A; git clone -q https://github.com/bob/regrow-main; ls regrow-main',
  ])
  t.equal(own.code, 0, own.err)
  for (const word of ['main-1', 'Ready', 'argocd-server', 'Bound', 'applications', 'clusters'])
    t.match(own.out, word)
  await nothingIsLeft(t, here)
})

t.test('a second wrapper joins a live world; another world is another one', async (t) => {
  const [here, there] = [folder(), folder()]
  const list = `doctl compute tag list; doctl compute tag create ${'$'}0`
  const visit = ['sh', '-ec', 'doctl compute tag create inner; echo "$PATH"']
  const nested = [...tsx, resolve('scripts/sandbox.mts'), ...visit]
  const own = `PATH=/of/the/visitor:${process.env.PATH}`
  const [joined, elsewhere] = await Promise.all([
    here.run(['env', '-u', 'REGROW_SANDBOXED', own, process.execPath, ...nested]),
    there.run(['bash', '-c', list, 'other']),
  ])
  t.equal(joined.code, 0, joined.err)
  t.match(joined.err, '(joined)')
  t.match(joined.out, ':/of/the/visitor:', 'a visitor keeps its own PATH')
  t.equal(elsewhere.code, 0, elsewhere.err)
  t.not(rangeOf(here.dir), rangeOf(there.dir))
  const tags = ({ dir }: { dir: string }) => readFileSync(join(dir, '.sandbox/digitalocean.json'), 'utf8')
  t.match(tags(here), '"inner"')
  t.notMatch(tags(there), '"inner"')
  await nothingIsLeft(t, here)
})

t.test('what only the start of a world can heed is refused in one that runs', async (t) => {
  const here = folder()
  writeFileSync(join(here.dir, 'none.json'), '[]')
  const inner = [...tsx, resolve('scripts/sandbox.mts')]
  for (const flag of [['--latency', '1'], ['--reset'], ['--faults', 'none.json']]) {
    const own = ['env', '-u', 'REGROW_SANDBOXED', process.execPath, ...inner, ...flag, 'true']
    const ended = await here.run(own)
    t.equal(ended.code, 2, ended.err)
    t.match(ended.err, `${flag[0]} comes too late: the world runs already`)
  }
  t.ok(rangeOf(here.dir), 'the world is still there')
})

t.test('a door that is not ours is not entered', async (t) => {
  const here = folder()
  const seen = await here.run(['sh', '-c', 'stat -c "%a %n" "$TMPDIR"/*.sock'])
  const [, mode, name = ''] = /^(\d+) (\S+)$/m.exec(seen.out) ?? []
  t.equal(mode, '600')
  writeFileSync(name, 'no socket')
  const refused = await here.run(['true'])
  t.equal(refused.code, 1)
  t.match(refused.err, /\.sock is not a socket of yours/)
})

t.test('who asked for a world and is gone leaves no complaint', async (t) => {
  const here = folder()
  const wrapper = [process.execPath, ...tsx, resolve('scripts/sandbox.mts')].join(' ')
  const ended = await runIn(here.dir, 'bash', ['-c', `sleep 3 | ${wrapper} --hold | true`], { env: here.env })
  t.equal(ended.code, 0)
  t.notMatch(ended.err, /Error|node:/)
  await nothingIsLeft(t, here)
})

t.test('what is not a world is named, with what to do', async (t) => {
  for (const name of ['.sandbox', '.sandbox/digitalocean.json']) {
    const here = folder()
    if (name !== '.sandbox') t.equal((await here.run(['true'])).code, 0)
    writeFileSync(join(here.dir, name), 'none')
    const ended = await here.run(['true'])
    t.equal(ended.code, 1)
    t.match(ended.err, `${name} is not a world of the sandbox`)
    t.match(ended.err, '--reset')
  }
})

t.test('Ctrl-C at a question is no answer', async (t) => {
  const here = folder()
  const words = [process.execPath, ...tsx, resolve('bootstrap.mts')].join(' ')
  const child = spawn('script', ['-qec', `stty cols 80; exec ${words}`, '/dev/null'], {
    cwd: here.dir,
    env: { PATH: process.env.PATH, HOME: here.dir, TERM: 'xterm', ...here.env },
  })
  let said = ''
  let asked = false
  child.stdin.on('error', () => {})
  child.stdout.on('data', (chunk) => {
    said += chunk
    if (asked || !/DigitalOcean token/.test(said)) return
    asked = true
    setTimeout(() => child.stdin.write('\x03'), 500)
  })
  const code = await new Promise<number | null>((done) => child.once('exit', done))
  t.ok(asked, said)
  t.equal(code, 130, said)
  t.match(said, 'interrupted: nothing was changed')
})

t.test('Ctrl-C ends a flow and its world', async (t) => {
  const here = folder()
  const child = spawn(resolve('bootstrap.mts'), ['--sandbox'], {
    cwd: here.dir,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, HOME: here.dir, ...here.env },
  })
  const ended = new Promise<number | null>((done) => child.once('exit', done))
  let said = ''
  let sent = false
  child.stderr.on('data', (chunk) => {
    said += chunk
    // To the whole process group, as a terminal does it.
    if (!sent && /^\+ repository/m.test(said) && child.pid) sent = process.kill(-child.pid, 'SIGINT')
  })
  await text(child.stdout)
  t.equal(await ended, 130)
  t.match(said, 'interrupted')
  await nothingIsLeft(t, here)
  const again = await here.run([resolve('bootstrap.mts')])
  t.equal(again.code, 0, again.err)
})
