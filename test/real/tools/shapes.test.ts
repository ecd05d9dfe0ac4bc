import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { createGzip } from 'node:zlib'
import t from 'tap'
import { pack } from 'tar-stream'
import { makeOperatorCertificate } from '#cloud-init/certificates.ts'
import { makeSshKeyPair } from '#cloud-init/index.ts'
import { renderKubeconfig } from '#cloud-init/kubeconfig.ts'
import { toolsFolder } from '../../../lib/base/tools-folder.ts'
import { chartNames } from '../../../lib/cluster/versions.ts'
import { startDigitalOcean } from '../../../sandbox/digitalocean/start.ts'
import { startTools, toolNames } from '../../../sandbox/tools/server.ts'
import { chartArchive } from '../../../sandbox/upstream/archive.ts'
import { apply, cluster, definition, eventually } from '../../sandbox/cluster-ground.ts'
import { authorities, clear, type Ground, ground } from '../../sandbox/droplet-ground.ts'
import { keysOf, parsed, play, requestsIn, type Stage } from './play.ts'
import { doctlShapes, helmShapes, isolation, kubectlShapes, type Shape, veleroShapes } from './shapes.ts'

// REAL tools and stand-ins play the same command lines, each on a fresh simulated world of its own. What is compared:
// exit codes; every key of the real tool's JSON is in the stand-in's; the requests that the world saw.

for (const name of toolNames)
  if (!existsSync(join(toolsFolder(), name)))
    t.fail(`${name} is not in ${toolsFolder()}: run ./scripts/tools.mts first`)

type Scene = (on: Ground) => Promise<Partial<Stage>>

async function both(scene: Scene, tool: string, shapes: readonly Shape[]) {
  const result = []
  for (const real of [true, false]) {
    const on = await ground()
    t.teardown(() => clear(on))
    const { binDir, env } = await startTools(on.world)
    const stage = await scene(on)
    const where = real ? toolsFolder() : binDir
    const more = {
      before: '',
      cwd: on.world.dir,
      ...stage,
      binDir: where,
      tool,
      env: { ...env, ...stage.env },
    }
    const played = await play(more, shapes)
    const log = readFileSync(join(on.world.dir, 'requests.jsonl'), { encoding: 'utf8', flag: 'a+' })
    result.push({ played, requests: (service: string) => requestsIn(log, service) })
    await clear(on)
  }
  const [real, standIn] = result
  if (!real || !standIn) throw new Error('nothing was played')
  return { real, standIn }
}

/** Compares the answers, one assertion for each command line. */
function compare(t: Tap, { real, standIn }: Awaited<ReturnType<typeof both>>): void {
  for (const [index, [shape, wanted]] of real.played.entries()) {
    const got = standIn.played[index]?.[1]
    const said = `${shape.line}\n${wanted.out}${wanted.err}`
    t.equal(wanted.code !== 0, shape.fails === true, `the real tool: ${said}`)
    t.equal(
      got?.code,
      wanted.code,
      `${shape.line}: exit code\n${wanted.out}${wanted.err}\n---\n${got?.out}${got?.err}`,
    )
    if (shape.text) continue
    const there = keysOf(parsed(got?.out ?? ''))
    const missing = [...keysOf(parsed(wanted.out))].filter((key) => !there.has(key))
    t.same(missing, [], `${shape.line}: keys that the stand-in lacks`)
  }
}

type Tap = Pick<typeof t, 'equal' | 'same'>

const account: Scene = async ({ world }) => {
  const cloud = await startDigitalOcean(world)
  writeFileSync(join(world.dir, 'key.pub'), (await makeSshKeyPair('main')).publicKey)
  writeFileSync(join(world.dir, 'user-data'), '#cloud-config\n{}\n')
  world.machines = {
    boot: async () => {},
    halt: async () => {},
    destroy: async () => {},
    route: async () => {},
    plug: async () => {},
  }
  const env = { DIGITALOCEAN_API_URL: cloud.url, DIGITALOCEAN_ACCESS_TOKEN: cloud.token }
  return { env, before: isolation }
}

const paperCluster: Scene = async (on) => {
  const paper = await cluster(on)
  const address = on.world.addresses.host(200, 1)
  await paper.listen(address, ['main.regrow'])
  const all = await authorities()
  const own = await makeOperatorCertificate(all, { now: new Date() })
  const file = join(on.world.dir, 'kubeconfig.yaml')
  const server = `https://${address}:${on.world.addresses.apiPort}`
  const who = { ca: all.server.cert, cert: own.cert, key: own.key }
  writeFileSync(file, renderKubeconfig({ cluster: 'main', tlsServerName: 'main.regrow', server, ...who }))
  apply(paper, '{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"velero"}}')
  for (const kind of ['Backup', 'Restore', 'BackupStorageLocation'])
    apply(paper, definition('velero.io', kind))
  apply(
    paper,
    JSON.stringify({
      apiVersion: 'velero.io/v1',
      kind: 'BackupStorageLocation',
      metadata: { name: 'default', namespace: 'velero' },
      spec: { provider: 'velero.io/aws', objectStorage: { bucket: 'one' } },
    }),
  )
  await eventually(paper, () => paper.store.find('BackupStorageLocation', 'velero', 'default'))
  mkdirSync(join(on.world.dir, 'home'), { recursive: true })
  return { before: '--kubeconfig kubeconfig.yaml', env: { KUBECACHEDIR: join(on.world.dir, 'home') } }
}

t.test('doctl: the stand-in answers and asks as the real one', async (t) => {
  const played = await both(account, 'doctl', doctlShapes)
  compare(t, played)
  t.same(played.standIn.requests('digitalocean'), played.real.requests('digitalocean'), 'the same requests')
})

t.test('kubectl: the stand-in answers as the real one and changes the same', async (t) => {
  const played = await both(paperCluster, 'kubectl', kubectlShapes)
  compare(t, played)
  const changes = (requests: string[]) => requests.filter((one) => !one.startsWith('GET'))
  t.same(changes(played.standIn.requests('kubernetes')), changes(played.real.requests('kubernetes')))
})

t.test('velero: the stand-in answers as the real one and writes the same', async (t) => {
  const played = await both(paperCluster, 'velero', veleroShapes)
  compare(t, played)
  const writes = (requests: string[]) => requests.filter((one) => !one.startsWith('GET'))
  t.same(writes(played.standIn.requests('kubernetes')), writes(played.real.requests('kubernetes')))
  const specs = (side: typeof played.real) =>
    side.played
      .map(([, { out }]) => parsed(out) as { spec?: unknown; items?: { spec: unknown }[] } | undefined)
      .flatMap((one) => [one?.spec ?? one?.items?.map(({ spec }) => spec)])
  t.same(specs(played.standIn), specs(played.real), 'the same specifications')
})

t.test('helm: the same bytes, from a chart full of oddities and from the charts of the box', async (t) => {
  const scene: Scene = async ({ world }) => {
    writeFileSync(join(world.dir, 'argo-cd.tgz'), await oddChart())
    for (const name of chartNames) writeFileSync(join(world.dir, `box-${name}.tgz`), await chartArchive(name))
    return {}
  }
  const own = chartNames.map((name) => ({
    line: `template ${name} box-${name}.tgz --namespace its-own --include-crds --values -`,
    input: 'a: b\n',
  }))
  const { real, standIn } = await both(scene, 'helm', [...helmShapes, ...own])
  compare(t, { real, standIn })
  for (const [index, [shape, { out }]] of real.played.entries())
    if (!shape.text) t.equal(standIn.played[index]?.[1].out, out, shape.line)
})

function oddChart(): Promise<Buffer> {
  const tar = pack()
  const one = (kind: string) =>
    `apiVersion: v1\nkind: ${kind}\nmetadata:\n  name: a\n  namespace: {{ .Release.Namespace }}\n`
  tar.entry({ name: 'argo-cd/Chart.yaml' }, 'apiVersion: v2\nname: argo-cd\nversion: 1.0.0\n')
  tar.entry(
    { name: 'argo-cd/templates/b.yaml' },
    `---\n${one('Odd')}---\n${one('Deployment')}---\n# nothing\n`,
  )
  tar.entry({ name: 'argo-cd/templates/a.yaml' }, `${one('Service')}\n---\n${one('ConfigMap')}`)
  const definition = 'apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n'
  tar.entry({ name: 'argo-cd/crds/a.yaml' }, definition)
  tar.finalize()
  return buffer(tar.pipe(createGzip()))
}
