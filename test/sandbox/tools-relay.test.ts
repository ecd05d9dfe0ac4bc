import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { Faults } from '../../sandbox/faults.ts'
import type { Machines } from '../../sandbox/machines.ts'
import { startTools } from '../../sandbox/tools/server.ts'
import { openWorld } from '../../sandbox/world.ts'
import { run, start } from './tools-ground.ts'

async function setting(test: { teardown: (end: () => Promise<void>) => void }, below = '', names?: string[]) {
  const root = mkdtempSync(join(tmpdir(), 'regrow-relay-'))
  const dir = join(root, below)
  const world = await openWorld(dir, { faults: new Faults(), machines: {} as Machines })
  const tools = await startTools(world, names)
  test.teardown(async () => {
    await world.end()
    rmSync(root, { recursive: true, force: true })
  })
  return { world, ...tools }
}

t.test('only the tools asked for have a stand-in', async (t) => {
  const { binDir } = await setting(t, '', ['velero', 'helm'])
  t.same(readdirSync(binDir).sort(), ['helm', 'velero'])
})

t.test('words and output pass the relay as they are', async (t) => {
  const { binDir, env } = await setting(t, join('quote’s and blanks', 'ü'.repeat(80)))
  const unknown = await run(binDir, ['kubectl', 'größe', "it's\n$HOME"], env)
  t.match(unknown, { code: 64, out: '' })
  t.ok(unknown.err.includes("größe it's\n$HOME"))
  t.match(await run(binDir, ['helm', 'version', '--short'], env), { code: 0, out: /stand-in/, err: '' })
})

t.test('who does not know the key of the world is not answered', async (t) => {
  const { binDir, env } = await setting(t)
  const other = env.REGROW_SANDBOX_SOCKET?.replace(/\S+$/, 'another-key')
  const done = await run(binDir, ['helm', 'version'], { ...env, REGROW_SANDBOX_SOCKET: other ?? '' })
  t.match(done, { code: 69, out: '' })
})

t.test('a stand-in whose world has ended says so', async (t) => {
  const { world, binDir, env } = await setting(t)
  const lost = { code: 69, err: /helm: the sandbox that this command belongs to is not running/ }
  await world.end()
  t.match(await run(binDir, ['helm', 'version'], env), lost)
  t.match(await run(binDir, ['helm', 'version'], {}), lost)
})

t.test('stdin is left to whoever comes next unless the command reads it', async (t) => {
  const { binDir, env } = await setting(t)
  const script = 'read first; helm version --short >/dev/null; read second; echo "$first $second"'
  const PATH = `${binDir}:${process.env.PATH}`
  const done = await run('/bin', ['sh', '-c', script], { ...env, PATH }, { input: 'one\ntwo\n' })
  t.match(done, { code: 0, out: 'one two\n' })
})

t.test('when the caller is killed its requests end', async (t) => {
  const { binDir, env } = await setting(t)
  let cut = false
  const server = createServer((request) => request.socket.once('close', () => (cut = true)))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const child = start(binDir, ['doctl', 'account', 'get'], {
    ...env,
    DIGITALOCEAN_API_URL: url,
    DIGITALOCEAN_ACCESS_TOKEN: 'token',
  })
  await new Promise((resolve) => server.once('request', resolve))
  child.kill('SIGKILL')
  for (let waited = 0; !cut && waited < 3000; waited += 20) await sleep(20)
  t.ok(cut)
})

t.test('a call costs less than starting node', async (t) => {
  const { binDir, env } = await setting(t)
  const times = async (words: string[], dir: string) => {
    const taken: number[] = []
    for (let round = 0; round < 5; round++) {
      const started = performance.now()
      await run(dir, words, env)
      taken.push(performance.now() - started)
    }
    return Math.min(...taken)
  }
  const node = `unset NODE_OPTIONS; exec '${process.execPath}' -e 0`
  const bare = await times(['sh', '-c', node], '/bin')
  const call = await times(['helm', 'version', '--short'], binDir)
  t.ok(call < bare, `${call.toFixed(0)} ms, node alone ${bare.toFixed(0)} ms`)
})
