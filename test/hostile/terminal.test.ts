import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { page } from '../../lib/backup/proof/page.ts'
import { printable, printableJson, printableStep } from '../../lib/base/printable.ts'
import { present } from '../../lib/base/result.ts'
import { tell } from '../../lib/base/story.ts'
import { kubectl } from '../../lib/clients/tools.ts'
import { explain } from '../../lib/commands/run.ts'
import { Reports } from '../../lib/kubernetes/reports.ts'
import { openTestBox } from '../flows/box.ts'
import { attempt } from '../input/attempt.ts'
import { evil, obeyed, spacesOf } from './ground.ts'

// Whoever can write to Git, to a bucket or to a machine's reports must not write to the terminal of the person who looks.
// A SIMULATED world; the flows run in this process.

t.setTimeout(300_000)
const box = await openTestBox(t)
const grown = await box.run('bootstrap.mts', ['--yes'])
t.equal(grown.code, 0, grown.err)
const { storage, velero, kit } = spacesOf(box)

const commandLine = '::error file=app.js,line=1::an app of yours is infected'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** Runs this, and tells what it wrote. */
async function heard(act: () => unknown): Promise<string> {
  const write = { out: process.stdout.write, err: process.stderr.write }
  let said = ''
  const hear = (text: unknown) => {
    said += String(text)
    return true
  }
  Object.assign(process.stdout, { write: hear })
  Object.assign(process.stderr, { write: hear })
  try {
    await act()
  } finally {
    Object.assign(process.stdout, { write: write.out })
    Object.assign(process.stderr, { write: write.err })
  }
  return said
}

t.test('what a terminal would obey is shown, and text stays as it is', async (t) => {
  t.equal(
    printable('a\u001b[2Jb\u0007\u007f\u009b\u202e\u{e0041}\r\n\tö'),
    'a\\x1b[2Jb\\x07\\x7f\\x9b\\u{202e}\\u{e0041}\n\tö',
  )
  t.equal(printable('back\rover'), 'back\\x0dover')
  const text = 'Größe “groß” … → ‘é’ 日本 👩‍🚀\n  second line\ttab'
  t.equal(printable(text), text)
  t.equal(printableStep('x it failed\n+ node  Ready\n    said'), 'x it failed\n    + node  Ready\n    said')
  const value = { [evil]: [evil, 'ö'] }
  t.same(obeyed(printableJson(value)), [])
  t.same(JSON.parse(printableJson(value)), value, 'data stays what it was')
})

t.test('what the runner of a workflow would obey is shown there', async (t) => {
  // As the runner tells a command (`ActionCommand.cs`): blanks in front are passed over, the older kind is found anywhere.
  const commands = (text: string) =>
    text.split('\n').filter((line) => line.trimStart().startsWith('::') || line.includes('##['))
  const hostile = `${commandLine}\n \t\u00a0${commandLine}\nsaid ##[add-mask]a\r\n::stop-commands::x`
  const said = () =>
    heard(() => {
      tell('!', 'backup', `it says\n${hostile}`)
      present({ said: hostile, list: [hostile] }, { json: false, seconds: 1 })
      present(hostile, { json: false, seconds: 1 })
      present({ [hostile]: hostile }, { json: true, seconds: 1 })
      explain(new Error(hostile))
    })
  // These tests run in workflows, too.
  const { GITHUB_ACTIONS } = process.env
  t.teardown(() => {
    if (GITHUB_ACTIONS === undefined) delete process.env.GITHUB_ACTIONS
    else process.env.GITHUB_ACTIONS = GITHUB_ACTIONS
  })
  delete process.env.GITHUB_ACTIONS
  t.equal(commands(await said()).length > 5, true, 'elsewhere a text is a text')
  t.equal(printable('::1 is an address\n## [a](b)'), '::1 is an address\n## [a](b)')
  process.env.GITHUB_ACTIONS = 'true'
  t.same(commands(await said()), [])
  t.equal(printable('  ::error::a b::c ##[d'), '  \\x3a:error::a b::c \\x23#[d')
  t.same(JSON.parse(printableJson({ a: hostile })), { a: hostile }, 'data stays what it was')
})

t.test('whatever writes to the terminal writes what is printable', async (t) => {
  const files = ['lib', 'scripts', 'examples'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)),
  )
  const writers = [...files, 'bootstrap.mts', 'restore.mts', 'scale.mts']
    .filter((file) => /\.m?[jt]s$/.test(file))
    .flatMap((file) =>
      readFileSync(join(root, file), 'utf8')
        .split('\n')
        .filter((line) => /(stdout|stderr|shown)\.write\(|console\./.test(line))
        .map((line) => `${file}: ${line.trim()}`),
    )
  const own = [
    /^lib\/commands\/run\.ts: .*(helpText|ownVersion|write\('', )/, // regrow's own words
    /^lib\/commands\/start\.mjs: /,
    /^scripts\/sandbox\.mts: /,
    /^scripts\/(seal|kubeconfig)\.mts: .*(sealed\.map|: secret\))/, // files, not messages
    /^lib\/base\/story\.ts: .*(\$\{text\}|cut\(line|\\x1b\[2K)/, // what the places below hand over
    /^lib\/base\/result\.ts: .*(\$\{headline|\? line : wrap)/,
  ]
  t.ok(writers.length > 8, 'they are found')
  t.same(
    writers.filter((one) => !/printable/.test(one) && !own.some((each) => each.test(one))),
    [],
  )
})

t.test('steps, results, plans and failures', async (t) => {
  const said = await heard(() => {
    tell('+', `droplet ${evil}`, evil)
    present({ [evil]: [evil], nested: { a: evil } }, { json: false, seconds: 1 })
    present({ a: evil }, { json: true, seconds: 1 })
    const outcome = {
      shown: () => ({}),
      headlined: () => ({ text: evil, tone: 'good' as const }),
      fault: () => undefined,
    }
    present(outcome, { json: false, seconds: 1 })
    process.env.DEBUG = '1'
    explain(new Error(evil, { cause: new Error(evil) }))
    delete process.env.DEBUG
  })
  t.same(obeyed(said), [])
  t.match(said, '\\x1b]52;c;')
  t.notMatch(said, /^\+ node main-9/m, 'no line that looks like a step')
})

t.test('the proof of a restore', async (t) => {
  const one = { resource: 'services', id: `shop/${evil}`, outcome: 'missing' as const, why: evil }
  const proof = {
    verdict: 'NOT PROVEN',
    volumes: [{ claim: evil, missing: evil }],
    objects: [one],
    address: { now: evil },
    backup: { name: evil, at: evil },
    server: evil,
    notRestored: [],
    notReady: [evil],
    changed: [evil],
    applications: { [evil]: evil },
    extended: [],
    unwritten: [],
    stays: [evil],
  }
  const said = await heard(() => present(page(proof as never), { json: false, seconds: 1 }))
  t.same(obeyed(said), [])
  t.notMatch(said, /^\+ node/m)
})

t.test('what a tool says', async (t) => {
  const folder = t.testdir({
    kubectl: `#!/bin/sh\nprintf '%b' '\\033]52;c;eA==\\007\\033[2J\\r+ all is well\\n' >&2\nexit 1\n`,
  })
  chmodSync(join(folder, 'kubectl'), 0o755)
  const before = process.env.REGROW_TOOLS
  process.env.REGROW_TOOLS = folder
  const said = await heard(async () => {
    await kubectl({ file: '/one' })`get pods`.catch(explain)
    await kubectl({ file: '/one' })`get pod ${evil}`.catch(explain)
  })
  process.env.REGROW_TOOLS = before
  if (before === undefined) delete process.env.REGROW_TOOLS
  t.same(obeyed(said), [])
  t.match(said, '\\x1b]52')
})

/** Runs a script, on the screen and as data, and holds that nothing of it is obeyed. */
async function quiet(test: Test, script: string, words: string[] = [], env: Record<string, string> = {}) {
  const ended = await attempt(box, script, words, env)
  test.same(obeyed(ended.out + ended.err), [], ended.err)
  test.notMatch(ended.out + ended.err, /^\+ node main-9/m)
  test.notMatch(ended.err, 'fault of regrow')
  return ended.out + ended.err
}

t.test('a backup’s name, its phase and reasons', async (t) => {
  const read = JSON.parse(storage.bytes(velero, 'backups/main-first/velero-backup.json').toString())
  const forge = (name: string, change: object) => {
    const file = { ...read, metadata: { ...read.metadata, name }, status: { ...read.status, ...change } }
    storage.put(velero, `backups/${name}/velero-backup.json`, Buffer.from(JSON.stringify(file)))
  }
  forge('fine', { phase: evil, failureReason: evil })
  forge(`worse${evil.replaceAll('/', '')}`, {})
  for (const words of [[], ['--json'], ['--deleted']]) {
    const said = await quiet(t, 'scripts/backups.mts', words)
    if (words.length === 0) t.match(said, '\\x1b')
  }
  await quiet(t, 'scripts/status.mts')
  await quiet(t, 'restore.mts', ['--backup', 'fine'])
  await quiet(t, 'restore.mts')
  await quiet(t, 'scripts/destroy.mts', ['--dry-run'])
  for (const name of ['fine', `worse${evil.replaceAll('/', '')}`])
    storage.erase(velero, `backups/${name}/velero-backup.json`)
})

t.test('a report of a machine, and a note about it', async (t) => {
  const report = JSON.parse(storage.bytes(kit, 'nodes/main-1/k3s.json').toString())
  const text = JSON.stringify({ ...report, state: 'failed', message: evil, log: evil })
  storage.put(kit, 'nodes/main-1/k3s.json', Buffer.from(text))
  await quiet(t, 'scripts/status.mts')
  await quiet(t, 'bootstrap.mts', ['--dry-run'])
  const told = async (key: string) => {
    const step = key.replace(/^.*\/|\.json$/g, '')
    return Buffer.from(JSON.stringify({ ...report, step, state: 'failed', message: evil, log: evil }))
  }
  const reports = new Reports({ kit: { get: told } } as never, 'main-1', 'first-server')
  const said = await heard(() => reports.follow().catch(explain))
  t.same(obeyed(said), [])
  t.match(said, '\\x1b]52')
  storage.put(kit, 'nodes/main-1/k3s.json', Buffer.from(JSON.stringify(report)))
})

const repository = '/repos/bob/regrow-main'

t.test('the lock', async (t) => {
  const { object } = (await box.github('GET', `${repository}/git/ref/heads/main`)) as {
    object: { sha: string }
  }
  const { tree } = (await box.github('GET', `${repository}/git/commits/${object.sha}`)) as {
    tree: { sha: string }
  }
  const holder = { state: 'held', flow: evil, who: evil, host: evil, pid: 1, started: '1', at: evil }
  const { sha } = (await box.github('POST', `${repository}/git/commits`, {
    message: `lock\n\n${JSON.stringify(holder)}\n`,
    tree: tree.sha,
    parents: [object.sha],
  })) as { sha: string }
  const before = (await box.github('GET', `${repository}/git/ref/regrow/lock`)) as { object: { sha: string } }
  await box.github('PATCH', `${repository}/git/refs/regrow/lock`, { sha, force: true })
  t.match(await quiet(t, 'scripts/status.mts'), '\\x1b]52')
  t.match(await quiet(t, 'scale.mts', ['--add', '1', '--yes']), '\\x1b]52')
  await box.github('PATCH', `${repository}/git/refs/regrow/lock`, { sha: before.object.sha, force: true })
})

t.test('cluster.yaml', async (t) => {
  const path = `${repository}/contents/clusters/main/cluster.yaml`
  const { content, sha } = (await box.github('GET', path)) as { content: string; sha: string }
  const text = Buffer.from(content, 'base64').toString()
  const put = (changed: string, of: string) =>
    box.github('PUT', path, { message: 'm', sha: of, content: Buffer.from(changed).toString('base64') })
  const yaml = JSON.stringify(evil).replaceAll('\u009b', '\\x9b')
  let last = sha
  for (const line of [`size: ${yaml}`, `${yaml}: 1`, `nodes: [{name: ${yaml}}]`, `region: [${yaml}]`]) {
    const changed = (await put(`cluster: main\n${line}\n`, last)) as { content: { sha: string } }
    last = changed.content.sha
    t.match(await quiet(t, 'scripts/status.mts'), /\\x1b|region/)
  }
  await put(text, last)
})

t.test('what a cloud answers', async (t) => {
  const server = createServer((_request, response) => {
    response.writeHead(422, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ id: evil, message: evil, errors: [{ message: evil }] }))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  for (const env of [{ REGROW_DIGITALOCEAN_URL: url }, { REGROW_GITHUB_URL: url }])
    t.match(await quiet(t, 'scripts/status.mts', [], env as Record<string, string>), '\\x1b]52')
  server.close()
})

t.test('a name in the account', async (t) => {
  const file = join(box.dir, '.sandbox', 'digitalocean.json')
  t.ok(readFileSync(file, 'utf8').includes('"pvc-'), 'a volume')
  const before = readFileSync(file, 'utf8')
  writeFileSync(file, before.replaceAll('"pvc-', `${JSON.stringify(evil).slice(0, -1)}pvc-`))
  await quiet(t, 'scripts/status.mts')
  await quiet(t, 'scripts/destroy.mts', ['--dry-run'])
  writeFileSync(file, before)
})
