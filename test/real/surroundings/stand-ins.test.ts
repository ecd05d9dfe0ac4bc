import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import t from 'tap'
import { openTestBox, ownPath, runIn } from '../../flows/box.ts'

// A SIMULATED world, met from a machine on which much is set up for something else, or is broken.

const box = await openTestBox(t)
const home = mkdtempSync(join(box.dir, 'home-'))
const elsewhere = mkdtempSync(join(box.dir, 'elsewhere-'))
const temporary = mkdtempSync(join(box.dir, 'tmp-'))

// Whoever follows a foreign setting comes here.
const strays: string[] = []
const decoy = createServer((request, answer) => {
  strays.push(`${request.method} ${request.url}`)
  answer.writeHead(500).end()
})
await new Promise<void>((done) => decoy.listen(0, '127.0.0.1', done))
t.teardown(() => decoy.close())
const away = `http://127.0.0.1:${(decoy.address() as AddressInfo).port}`

const inHome = (path: string, text: string) => {
  mkdirSync(join(home, path, '..'), { recursive: true })
  box.file(join(home, path).slice(box.dir.length + 1), text)
}
inHome(
  '.config/doctl/config.yaml',
  `context: work\naccess-token: x\nauth-contexts: {work: worktoken}\napi-url: ${away}\n`,
)
inHome(
  '.kube/config',
  `apiVersion: v1
kind: Config
current-context: work
clusters: [{name: work, cluster: {server: '${away}'}}]
users: [{name: work, user: {token: worktoken}}]
contexts: [{name: work, context: {cluster: work, user: work}}]
`,
)
inHome('.aws/config', `[profile work]\nregion = us-east-1\nendpoint_url = ${away}\n`)
inHome('.aws/credentials', '[work]\naws_access_key_id = AKIAWORK\naws_secret_access_key = worksecret\n')
inHome('.config/velero/config.json', '{"namespace": "work"}')
inHome('.bashrc', 'echo this is no answer; exit 3\n')
const foreign = {
  // The real suite plays it with the real tools.
  REGROW_TOOLS: process.env.REGROW_TEST_TOOLS ?? box.env.REGROW_TOOLS,
  HOME: home,
  TMPDIR: temporary,
  XDG_RUNTIME_DIR: temporary,
  PATH: [box.env.PATH, ownPath].join(':'),
  DIGITALOCEAN_CONTEXT: 'work',
  DIGITALOCEAN_API_URL: away,
  KUBECONFIG: join(home, '.kube/config'),
  HELM_KUBECONTEXT: 'work',
  VELERO_NAMESPACE: 'work',
  AWS_PROFILE: 'work',
  AWS_ENDPOINT_URL: away,
  AWS_ACCESS_KEY_ID: 'AKIAWORK',
  AWS_SECRET_ACCESS_KEY: 'worksecret',
  AWS_REGION: 'us-east-1',
  GH_HOST: 'github.work.example',
  GH_TOKEN: 'ghp_work',
  HTTP_PROXY: away,
  https_proxy: away,
  ALL_PROXY: away,
  NODE_USE_ENV_PROXY: undefined,
  NO_COLOR: '1',
  CDPATH: '/',
  BASH_ENV: join(home, '.bashrc'),
}

/** A clock that is wrong by so many minutes, in the flow and its tools; the world's is right. */
const clock = (minutes: number) => ({
  NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(
    `const Right = Date; globalThis.Date = class extends Right {
       constructor(...given) { given.length ? super(...given) : super(Date.now()) }
       static now() { return Right.now() + ${minutes * 60_000} }
     }`,
  )}`,
})

/** A script by its path, as a person types it, from a folder that has nothing to do with it. */
const typed = (script: string, words: string[] = [], env: Record<string, string | undefined> = {}) =>
  runIn(elsewhere, 'env', [resolve(script), ...words], { env: { ...box.env, ...foreign, ...env } })

const everything = () =>
  readdirSync(home, { recursive: true, withFileTypes: true })
    .map((one) => join(one.parentPath, one.name))
    .sort()

t.test(
  'other accounts, clusters, proxies, another folder, a read-only HOME, a clock 20 minutes fast',
  async (t) => {
    const before = everything()
    chmodSync(home, 0o555)
    t.teardown(() => chmodSync(home, 0o755))
    const ended = await typed('bootstrap.mts', [], clock(20))
    t.equal(ended.code, 0, ended.err)
    t.match(ended.out, /last backup +main-first, \d+ s old\n$/)
    t.same(strays, [], 'nobody followed a foreign setting')
    t.same(everything(), before, 'nothing was written into HOME')
    t.same(readdirSync(elsewhere), [], 'nor into the folder')
    t.notMatch(ended.err, '\x1b', 'no colours')
  },
)

t.test('a clock 20 minutes slow: nothing to make, and nothing is', async (t) => {
  const ended = await typed('bootstrap.mts', [], clock(-20))
  t.equal(ended.code, 0, ended.err)
  t.match(ended.err, 'nothing to make')
  t.notMatch(ended.err, /^[+~-] /m)
  t.same(strays, [])
})

t.test('a disk that is full', async (t) => {
  const [file, output] = await Promise.all([
    typed('scripts/kubeconfig.mts', ['--output', '/dev/full']),
    runIn(elsewhere, 'bash', ['-c', `"${resolve('scripts/status.mts')}" > /dev/full`], {
      env: { ...box.env, PATH: foreign.PATH },
    }),
  ])
  t.equal(file.code, 1)
  t.match(
    file.err,
    'x /dev/full is there and is not a file of its own\n  → Name another with --output, or remove it.',
  )
  t.equal(output.code, 1)
  t.match(output.err, 'x standard output cannot be used: no space is left on the disk')
  for (const { err } of [file, output]) t.notMatch(err, / at .*:\d+:\d+/, 'no stack')
})

t.test('who reads the output may go away', async (t) => {
  const ended = await runIn(
    elsewhere,
    'bash',
    ['-c', `set -o pipefail; "${resolve('scripts/status.mts')}" | true`],
    {
      env: { ...box.env, PATH: foreign.PATH },
    },
  )
  t.equal(ended.code, 0, ended.err)
  t.notMatch(ended.err, 'EPIPE')
})

t.test('folders of killed runs go, those of others stay', async (t) => {
  const own = join(temporary, 'regrow')
  mkdirSync(own, { recursive: true, mode: 0o700 })
  const dead = join(own, `regrow-${hostname()}-999999999-abcdef`)
  const alive = join(own, `regrow-${hostname()}-${process.pid}-abcdef`)
  const other = join(own, 'regrow-another.host-999999999-abcdef')
  for (const folder of [dead, alive, other]) mkdirSync(folder, { mode: 0o700 })
  const ended = await box.run('scripts/status.mts', [], { env: { XDG_RUNTIME_DIR: temporary } })
  t.equal(ended.code, 0, ended.err)
  t.notOk(existsSync(dead))
  t.ok(existsSync(alive))
  t.ok(existsSync(other))
})
