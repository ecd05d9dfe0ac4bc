import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Problems } from '../../lib/base/problem.ts'
import { tools } from '../../lib/cluster/versions.ts'
import { ensureTools } from '../../lib/commands/tools/ensure-tools.ts'
import { missingTools } from '../../lib/commands/tools/found.ts'
import { installTools, namedTools } from '../../lib/commands/tools/install.ts'
import { checksumIn, fetchRelease, thisPlatform, toolNames } from '../../lib/commands/tools/release.ts'
import { mirror, places, type Trouble } from './mirror.ts'

t.test('all four are fetched, checked, put into the folder and kept from then on', async (t) => {
  const { folder, asked } = await mirror(t)
  const installed = await installTools()
  t.same(
    installed.map(({ name, from, version }) => [name, from, version]),
    toolNames.map((name) => [name, 'mirror', tools[name].version]),
  )
  for (const { name, file } of installed)
    t.equal(execFileSync(file).toString(), `this is ${name} ${tools[name].version}\n`)
  t.same(await missingTools(), [], 'nothing is missing now')
  t.same(readdirSync(folder).sort(), [...toolNames, 'installed.json'].sort(), 'nothing half-written is left')
  const before = asked.length
  t.equal(before, 8, 'a file and its checksums for each')
  await installTools()
  t.equal(asked.length, before, 'what is there is not fetched again')
})

t.test('in a sandbox that has ended nothing is fetched in place of its stand-ins', async (t) => {
  const { asked } = await mirror(t)
  t.intercept(process, 'env', { value: { ...process.env, REGROW_SANDBOXED: '1', PATH: '' } })
  await t.rejects(ensureTools({ yes: true }), {
    message: 'the sandbox that this runs in has ended: its doctl, kubectl, helm, velero are gone',
    cure: /run the command again/,
  })
  t.same(asked, [])
})

t.test('a changed release is refused, and the others are installed all the same', async (t) => {
  const { folder, files } = await mirror(t)
  files.set(places('helm').file, 'something else')
  await t.rejects(installTools(), { message: /helm.*was refused: its SHA-256 is [0-9a-f]{64}, published is/ })
  t.notOk(existsSync(join(folder, 'helm')))
  t.ok(existsSync(join(folder, 'velero')))
})

t.test('without a checksum of its own a release is refused', async (t) => {
  const { folder, files } = await mirror(t)
  files.set(places('velero').sums, `${'0'.repeat(64)}  velero-of-another-platform.tar.gz\n`)
  await t.rejects(installTools(['velero']), { message: /names no SHA-256 of velero-v.*: velero is refused/ })
  files.set(places('velero').sums, 'not a digest')
  await t.rejects(installTools(['velero']), { message: /velero is refused/ })
  files.delete(places('velero').sums)
  await t.rejects(installTools(['velero']), { message: /CHECKSUM could not be fetched: status 404$/ })
  t.notOk(existsSync(join(folder, 'velero')))
})

t.test('a release that is not there says so, every one of them', async (t) => {
  const { files } = await mirror(t)
  files.delete(places('doctl').file)
  files.delete(places('kubectl').file)
  const error = await installTools().then(
    () => undefined,
    (error: unknown) => error,
  )
  t.ok(error instanceof Problems)
  t.match((error as Problems).all.map((one) => one.message).sort(), [
    /kubectl could not be fetched: status 404$/,
    /doctl.* could not be fetched: status 404$/,
  ])
})

t.test('an archive without the tool in it is refused', async (t) => {
  await mirror(t)
  const otherwise = { ...tools.doctl, member: () => 'doctl.exe' }
  await t.rejects(fetchRelease('doctl', thisPlatform(), otherwise), { message: /holds no doctl.exe/ })
})

t.test('connections that drop and a busy server are tried again, each by itself', async (t) => {
  const { folder, troubles, asked } = await mirror(t)
  const half: Trouble = (response) => {
    response.writeHead(200, { 'content-length': 1000 }).write('half of it')
    setTimeout(() => response.destroy(), 20)
  }
  troubles.set(places('doctl').sums, [(response) => response.destroy()])
  troubles.set(places('helm').file, [half])
  troubles.set(places('velero').file, [
    (response) => response.writeHead(503, { 'retry-after': '1' }).end('busy'),
  ])
  await installTools()
  for (const name of toolNames)
    t.equal(execFileSync(join(folder, name)).toString(), `this is ${name} ${tools[name].version}\n`)
  t.equal(asked.length, 8 + 3)
})

t.test('what never comes whole is told once, with the ways out, and leaves nothing', async (t) => {
  const { folder, troubles, asked } = await mirror(t)
  const cut: Trouble = (response) => {
    response.writeHead(200, { 'content-length': 1000 }).write('half of it')
    setTimeout(() => response.destroy(), 20)
  }
  troubles.set(places('helm').file, Array(6).fill(cut))
  await t.rejects(installTools(['helm']), {
    message: /helm-v.*\.gz could not be fetched: the connection ended before the whole .* \(6 attempts\)$/,
    cure: /^Check the network, then run .* Or name a mirror with REGROW_UPSTREAM_URL, or install the tool yourself\.$/,
  })
  t.notOk(existsSync(folder), 'no half file')
  t.equal(asked.filter((one) => one.endsWith('.gz')).length, 6)
  await installTools(['helm'])
  t.same(readdirSync(folder).sort(), ['helm', 'installed.json'])
})

t.test('nothing is built in place of what cannot be fetched', async (t) => {
  const { dir, close } = await mirror(t)
  await close()
  const path = process.env.PATH
  t.teardown(() => {
    process.env.PATH = path
  })
  mkdirSync(join(dir, 'bin'))
  writeFileSync(join(dir, 'bin', 'go'), `#!/bin/sh\ntouch ${join(dir, 'asked')}\n`)
  chmodSync(join(dir, 'bin', 'go'), 0o755)
  process.env.PATH = `${join(dir, 'bin')}:${path}`
  await t.rejects(installTools(['doctl']), { message: /doctl-.*-checksums.sha256 could not be fetched/ })
  t.notOk(existsSync(join(dir, 'asked')), 'Go is not even asked for')
})

t.test('a cache is filled once and linked to; a file in it that was changed does not count', async (t) => {
  const { dir, folder, asked } = await mirror(t)
  process.env.REGROW_TOOLS_CACHE = join(dir, 'cache')
  await installTools(['kubectl'])
  t.ok(lstatSync(join(folder, 'kubectl')).isSymbolicLink())
  t.equal(asked.length, 2)
  process.env.REGROW_TOOLS = join(dir, 'other')
  await installTools(['kubectl'])
  t.equal(asked.length, 2, 'another clone takes it from the cache')
  process.env.REGROW_TOOLS = join(dir, 'third')
  writeFileSync(join(dir, 'cache', `kubectl-v${tools.kubectl.version}`), 'changed')
  await installTools(['kubectl'])
  t.equal(asked.length, 4)
  process.env.REGROW_TOOLS = join(dir, 'fourth')
  writeFileSync(join(dir, 'cache', `kubectl-v${tools.kubectl.version}.json`), '{torn')
  await installTools(['kubectl'])
  t.equal(asked.length, 6, 'a damaged note vouches for nothing')
  writeFileSync(join(dir, 'fourth', 'installed.json'), '{torn')
  await installTools(['kubectl'])
  t.equal(asked.length, 6, 'nor is it a fault in the folder: the cache has it')
})

t.test('missing is what is neither in the folder nor on the PATH in an accepted version', async (t) => {
  const { dir } = await mirror(t)
  const path = process.env.PATH
  t.teardown(() => {
    process.env.PATH = path
  })
  mkdirSync(join(dir, 'bin'))
  process.env.PATH = `${join(dir, 'bin')}:/usr/bin:/bin`
  const answers = {
    doctl: 'doctl version 1.166.0-release',
    helm: 'v3.12.1+gf32a527',
    velero: 'Client:\n\tVersion: -',
  }
  for (const [name, text] of Object.entries(answers)) {
    writeFileSync(join(dir, 'bin', name), `#!/bin/sh\nprintf '%s\\n' '${text}'\n`)
    chmodSync(join(dir, 'bin', name), 0o755)
  }
  const missing = new Map((await missingTools()).map(({ name, why }) => [name, why]))
  t.notOk(missing.has('doctl'))
  t.match(missing.get('helm'), /^3.12.1 is not between 4.0.0 and 5.0.0/)
  t.match(missing.get('velero'), /does not tell its version/)
})

t.test('names and checksums are read strictly', async (t) => {
  const digest = 'a'.repeat(64)
  t.equal(checksumIn(`${digest}\n`, 'kubectl'), digest)
  t.equal(checksumIn(`${digest} *helm.tar.gz`, 'helm.tar.gz'), digest)
  t.equal(checksumIn(`${digest}  xhelm.tar.gz`, 'helm.tar.gz'), undefined)
  t.equal(checksumIn('<html>not found</html>', 'kubectl'), undefined)
  t.equal(checksumIn(digest.slice(1), 'kubectl'), undefined)
  t.throws(() => namedTools('kubctl'), { message: /Did you mean kubectl/, exitCode: 2 })
  t.throws(() => thisPlatform('win32', 'x64'), { message: /not fetched for win32/ })
  t.same(thisPlatform('darwin', 'arm64'), { os: 'darwin', arch: 'arm64' })
})
