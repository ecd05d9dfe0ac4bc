import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openTestBox } from '../../flows/box.ts'
import { changesIn } from '../../input/attempt.ts'

// What takes a minute, or root, in a SIMULATED world.

t.test('an object store that cannot be reached: one message, and nothing was made', async (t) => {
  const box = await openTestBox(t)
  const ended = await box.run('bootstrap.mts', [], { env: { REGROW_SPACES_URL: 'http://127.0.0.1:2' } })
  t.equal(ended.code, 1)
  t.match(
    ended.err,
    /^x 1 problem found\n {2}• timed out after 60 s waiting until object store http:\/\/127\.0\.0\.1:2 answers \(last seen: connect ECONNREFUSED 127\.0\.0\.1:2\)\n {4}→ Check the network/m,
  )
  t.same(changesIn(ended.requests), [])
})

t.test('a server that is silent: told within minutes', async (t) => {
  const box = await openTestBox(t)
  // Accepts connections and never answers.
  const silent = await import('node:net').then(({ createServer }) => createServer(() => {}))
  await new Promise<void>((done) => silent.listen(0, '127.0.0.1', done))
  t.teardown(() => silent.close())
  const { port } = silent.address() as { port: number }
  const ended = await box.run('scripts/status.mts', [], {
    env: { REGROW_DIGITALOCEAN_URL: `http://127.0.0.1:${port}` },
  })
  t.equal(ended.code, 1)
  t.match(ended.err, `DigitalOcean did not answer at http://127.0.0.1:${port} (ECONNABORTED)`)
})

const isRoot = process.getuid?.() === 0
const skip = isRoot ? false : 'mounting a small disk needs root'
t.test('a disk that fills up: one message, and the next run completes', { skip }, async (t) => {
  const box = await openTestBox(t)
  const disk = join(box.dir, 'small')
  mkdirSync(disk)
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=16m,mode=0700', 'tmpfs', disk], {
    encoding: 'utf8',
  })
  t.equal(mounted.status, 0, mounted.stderr)
  t.teardown(() => {
    spawnSync('umount', [disk])
  })
  writeFileSync(join(disk, 'filler'), Buffer.alloc(16 * 1024 * 1024 - 8192))
  const ended = await box.run('bootstrap.mts', [], { env: { TMPDIR: disk, XDG_RUNTIME_DIR: disk } })
  t.equal(ended.code, 1, ended.err)
  t.match(
    ended.err,
    /^x .*cannot be used: no space is left on the disk\n {2}→ Free some, then run the same command again/m,
  )
  t.notMatch(ended.err, / at .*:\d+:\d+/, 'no stack')
  rmSync(join(disk, 'filler'))
  const again = await box.run('bootstrap.mts', [], { env: { TMPDIR: disk, XDG_RUNTIME_DIR: disk } })
  t.equal(again.code, 0, again.err)
})
