import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { z } from 'zod'
import type { Cluster } from '../../lib/cluster/cluster.ts'
import { fetchPinned, recordDigests } from '../../lib/cluster/upstream.ts'
import { upstreamFiles, versionsOf } from '../../lib/cluster/versions.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const read = (file: string) => readFileSync(join(root, file), 'utf8')
const names = z.record(z.string(), z.string())
const declared = z.object({
  scripts: names.default({}),
  dependencies: names,
  devDependencies: names.default({}),
})
const project = declared.parse(JSON.parse(read('package.json')))
/** The packages that each part of the project needs when it runs. */
const needed = {
  lib: project.dependencies,
  'cloud-init': declared.parse(JSON.parse(read('cloud-init/package.json'))).dependencies,
  sandbox: declared.parse(JSON.parse(read('sandbox/package.json'))).dependencies,
}
const running = Object.fromEntries(Object.values(needed).flatMap((one) => Object.entries(one)))
const page = read('docs/security.md')

t.test('docs/security.md lists every dependency with its reason, and no other', async (t) => {
  const part = page.slice(page.indexOf('## Dependencies'))
  const rows = [...part.matchAll(/^\| `([^`]+)` \| (.+) \|$/gm)]
  t.same(
    rows.map(([, name]) => name).toSorted(),
    [...new Set([...Object.keys(running), ...Object.keys(project.devDependencies)])].toSorted(),
  )
  for (const [, name = '', why = ''] of rows)
    t.equal(why.startsWith('development: '), !Object.hasOwn(running, name), name)
})

t.test('our workflows name each action by a commit', async (t) => {
  const folder = join(root, '.github', 'workflows')
  const actions = readdirSync(folder).flatMap((file) =>
    [...read(join('.github', 'workflows', file)).matchAll(/uses: (\S+)/g)].map(([, action]) => action),
  )
  t.ok(actions.length >= 8)
  for (const action of actions) t.match(action, /^[\w/-]+@[0-9a-f]{40}$/)
})

t.test('every dependency is used', async (t) => {
  for (const [folder, dependencies] of Object.entries(needed)) {
    const sources = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.m?[jt]s$/.test(file) && !/node_modules|(^|\/)(test|dist)\//.test(file))
      .map((file) => read(join(folder, file)))
      .join('\n')
    for (const name of Object.keys(dependencies))
      t.match(sources, new RegExp(`['"(/]${name}(['"/])`), `${name} in ${folder}`)
  }
})

t.test('nothing of ours runs at install, and of others only what the page names', async (t) => {
  for (const name of [
    'preinstall',
    'install',
    'postinstall',
    'prepublish',
    'preprepare',
    'prepare',
    'postprepare',
  ])
    t.notOk(Object.hasOwn(project.scripts, name), name)
  const lock = z
    .object({
      packages: z.record(
        z.string(),
        z.looseObject({
          integrity: z.string().optional(),
          hasInstallScript: z.boolean().optional(),
          resolved: z.string().optional(),
          optional: z.boolean().optional(),
        }),
      ),
    })
    .parse(JSON.parse(read('package-lock.json')))
  // Ours are the project, its two workspaces, and the links to them.
  const packages = Object.entries(lock.packages).filter(
    ([path]) => !/^(|cloud-init|sandbox|node_modules\/regrow-(cloud-init|sandbox))$/.test(path),
  )
  t.ok(packages.length > 100)
  t.same(
    packages.filter(([, one]) => !one.integrity?.startsWith('sha512-')).map(([path]) => path),
    [],
    'each is held against its SHA-512',
  )
  t.same(
    packages.filter(([, one]) => one.resolved).map(([path]) => path),
    [],
    'no registry is written down',
  )
  t.same(
    packages.filter(([, one]) => one.hasInstallScript && !one.optional).map(([path]) => path),
    ['node_modules/esbuild'],
  )
})

t.test('what upstream serves without the right checksum is refused', async (t) => {
  const served = new Map<string, string>()
  const server = createServer((request, response) => {
    const body = served.get(
      decodeURIComponent(request.url ?? '')
        .split('/')
        .at(-1) ?? '',
    )
    response.writeHead(body === undefined ? 404 : 200).end(body)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  t.teardown(() => server.close())
  t.intercept(process, 'env', {
    value: {
      ...process.env,
      REGROW_UPSTREAM_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    },
  })
  const file = { name: 'argo-cd', address: 'https://example.org/argo-cd.tgz' }
  served.set('argo-cd.tgz', 'altered on its way')
  await t.rejects(fetchPinned(file, { 'argo-cd': 'a'.repeat(64) }), {
    message: /argo-cd\.tgz is not what cluster\.yaml recorded: SHA-256 [0-9a-f]{64}, not a{64}/,
    cure: /do not go on/,
  })
  await t.rejects(fetchPinned(file, {}), { message: /not undefined/ }, 'nor what was never recorded')
  const chart = { chart: 'argo-cd', repository: 'https://example.org/charts/', version: '1.2.3' }
  const pinned = { name: 'argo-cd', chart }
  const digest = createHash('sha256').update('altered on its way').digest('hex')
  const serveIndex = (entry: object) =>
    served.set('index.yaml', JSON.stringify({ entries: { 'argo-cd': [{ version: '1.2.3', ...entry }] } }))
  await t.rejects(fetchPinned(pinned, {}), {
    message: /\/example\.org\/charts\/index\.yaml could not be fetched: status 404/,
    cure: /^Did the chart move\? Then write its new address into repoURL/,
  })
  serveIndex({ version: '1.2.4', urls: ['argo-cd.tgz'] })
  await t.rejects(fetchPinned(pinned, {}), { message: /index\.yaml has no chart argo-cd 1\.2\.3$/ })
  serveIndex({ urls: ['argo-cd.tgz'], digest: 'c'.repeat(64) })
  await t.rejects(fetchPinned(pinned, { 'argo-cd': digest }), { message: /is not what .*index\.yaml says/ })
  serveIndex({ urls: ['https://elsewhere.example.org/argo-cd.tgz'], digest })
  await t.rejects(fetchPinned(pinned, { 'argo-cd': 'a'.repeat(64) }), {
    message: /^chart argo-cd 1\.2\.3 of https:\/\/example\.org\/charts\/ is not what cluster\.yaml recorded/,
  })
  t.equal(Buffer.from(await fetchPinned(pinned, { 'argo-cd': digest })).toString(), 'altered on its way')
  serveIndex({ urls: ['gone.tgz'], digest })
  await t.rejects(fetchPinned(pinned, { 'argo-cd': digest }), {
    message: /charts\/gone\.tgz could not be fetched/,
  })
  const digests = Object.fromEntries(
    upstreamFiles(versionsOf())
      .filter((one) => one.name !== 'k3s')
      .map((one) => [one.name, 'a'.repeat(64)]),
  )
  for (const sums of ['', `${'b'.repeat(64)}  k3s-arm64\n`, 'b  k3s\n']) {
    served.set('sha256sum-amd64.txt', sums)
    const cluster = { wanted: { versions: {}, digests } } as unknown as Cluster
    await t.rejects(recordDigests(cluster), { message: /sha256sum-amd64\.txt names no checksum of k3s/ })
  }
})
