import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { load } from 'js-yaml'
import t from 'tap'
import { z } from 'zod'
import { commit, committed } from '../../census/repository.ts'
import { playAll } from '../../flows/scenarios.ts'
import { openShop } from '../../flows/shop.ts'
import { lackingForCluster, openPartsBox, type PartsBox } from '../parts/ground.ts'
import { get, type KubeObject, kubectl } from '../parts/kubectl.ts'
import { MemoryGroups } from '../parts/memory-groups.ts'
import { tiny } from '../parts/mirror.ts'
import { unexplained } from './explained.ts'
import { doubleOwners } from './owners.ts'

// REAL: etcd, Kubernetes, Argo CD's controller and repository server with helm and kustomize, Velero with its node agent
// and data mover, sealed-secrets, kwok, kubectl, helm, velero, doctl, and the node's own scripts by bash.
// SIMULATED: DigitalOcean, Spaces and GitHub by the box; k3s by the control plane of these programs, kubelets by kwok
// and by processes in bubblewrap, the CSI driver, Traefik and Argo CD's server by a few lines each. Charts that cannot
// be reached are stood in for: upstream's own objects where a Go module has them, the box's paper for the rest.

const skip = lackingForCluster()

t.test('a cluster of real parts behind the box', { skip, timeout: 1_500_000 }, async (t) => {
  const box = await openPartsBox()
  let open = true
  t.teardown(async () => open && (await box.close()))
  const bootstrap = await box.run('bootstrap.mts')
  if (!t.equal(bootstrap.code, 0, bootstrap.err)) return
  const kube = box.env.KUBECONFIG ?? ''
  const { api, readyAfter } = box.cluster()

  await t.test('the unchanged bootstrap reaches its end', async (t) => {
    t.match(bootstrap.err, /\+ backup main-first +Completed/)
    t.ok(readyAfter < 20_000, `the API was ready after ${Math.round(readyAfter)} ms`)
    const [upload] = await get(kube, ['datauploads.velero.io', '-n', 'velero'])
    t.equal(
      upload?.status?.phase,
      'Completed',
      'the volume was copied into the bucket by the real data mover',
    )
  })

  // Measured for docs/memory.md. What takes more than a droplet would give it is killed by the kernel, and counted.
  const fits = (when: string) =>
    t.test(`${when} nothing was killed for want of memory`, { skip: MemoryGroups.lacking() }, async (t) => {
      const taken = Object.entries(box.cluster().processes.taken())
      t.ok(taken.length >= 7, 'Argo CD’s three, Velero’s two, a mover and sealed-secrets were held to limits')
      for (const [name, one] of taken) t.equal(one.killed, 0, `${name}: ${JSON.stringify(one)} MiB`)
    })
  await fits('after the first reconciliation and a backup')

  await t.test('waves wait until what comes before is healthy', async (t) => {
    const apps = await applications(kube)
    t.same([...apps.keys()].sort(), [
      ...[
        'apps',
        'argocd',
        'backups',
        'csi-driver',
        'ingress',
        'platform',
        'root',
        'sealed-secrets',
        'velero',
      ],
    ])
    for (const [before, after] of [
      ['sealed-secrets', 'csi-driver'],
      ['csi-driver', 'velero'],
      ['backups', 'ingress'],
      ['ingress', 'apps'],
    ] as const)
      t.ok(
        deployed(apps.get(before)) <= made(apps.get(after)),
        `${after} was made after ${before} was synced`,
      )
    // What a wave waits for is health: Argo CD itself is healthy before it is adopted.
    t.ok(made(apps.get('argocd')) <= made(apps.get('backups')))
  })

  await t.test('nothing is OutOfSync, and no field has two owners', async (t) => {
    for (const [name, { status }] of await applications(kube)) {
      const { sync, health, resources } = status as unknown as Status
      t.equal(`${sync.status} ${health.status}`, 'Synced Healthy', name)
      t.same(
        resources.filter((one) => one.status !== 'Synced'),
        [],
        `${name}: every object`,
      )
    }
    const objects = await everything(kube)
    t.ok(objects.length > 200)
    t.same(objects.flatMap(doubleOwners), [])
  })

  await t.test('adopting itself restarted no pod of Argo CD', async (t) => {
    const sets = await get(kube, ['replicasets', '-n', 'argocd'])
    t.same(sets.map(({ metadata }) => metadata.name.replace(/-[^-]+$/, '')).sort(), [
      ...['argocd-redis', 'argocd-repo-server', 'argocd-server'],
    ])
  })

  await t.test('what the cluster holds is what Git explains, and eleven objects more', async (t) => {
    const more = unexplained(await everything(kube))
    t.same(more, [
      'AppProject argocd/default',
      'Backup velero/main-first',
      'ClusterRoleBinding regrow-operators',
      'Namespace argocd',
      'Secret argocd/argocd-redis',
      'Secret argocd/argocd-secret',
      'Secret argocd/regrow-repository',
      'Secret kube-system/digitalocean',
      'Secret sealed-secrets/sealed-secrets-key-regrow',
      'Secret velero/velero-credentials',
      'Secret velero/velero-repo-credentials',
    ])
  })

  await t.test('a change by hand is taken back', async (t) => {
    const port = '{.spec.ports[0].targetPort}'
    const patch = JSON.stringify([{ op: 'replace', path: '/spec/ports/0/targetPort', value: 81 }])
    await act(kube, ['patch', 'service', 'hello', '-n', 'hello', '--type=json', '-p', patch])
    await until(async () => (await read(kube, ['service', 'hello', '-n', 'hello'], port)) === 'http')
    await act(kube, ['delete', 'ingress', 'hello', '-n', 'hello'])
    await until(async () => (await kubectl(kube, ['get', 'ingress', 'hello', '-n', 'hello'])).code === 0)
    t.pass()
  })

  await t.test('a setting of the platform is changed by a commit', async (t) => {
    const path = 'clusters/main/platform/sealed-secrets/values.yaml'
    const values = load(await committed(box.env, path)) as { resources: { limits: { memory: string } } }
    const limit = () =>
      read(
        kube,
        ['deployment', 'sealed-secrets-controller', '-n', 'sealed-secrets'],
        '{.spec.template.spec.containers[0].resources.limits.memory}',
      )
    const before = await limit()
    t.equal(before, values.resources.limits.memory)
    for (const memory of ['32Mi', before]) {
      await commit(box.env, {
        [path]: [{ ...values, resources: { ...values.resources, limits: { memory } } }],
      })
      await refresh(kube, 'sealed-secrets')
      await until(async () => (await limit()) === memory)
    }
  })

  await t.test('a chart’s new version that is refused is taken back', async (t) => {
    const sample = application.parse(
      load(/```yaml\n(.*?)```/s.exec(await committed(box.env, 'clusters/main/apps/README.md'))?.[1] ?? ''),
    )
    const file = 'clusters/main/apps/tiny.yaml'
    const push = async (targetRevision: string) => {
      const source = { ...sample.spec.source, repoURL: tiny.repository, chart: 'tiny', targetRevision }
      const destination = { ...sample.spec.destination, namespace: 'tiny' }
      const metadata = { ...sample.metadata, name: 'tiny' }
      await commit(box.env, {
        [file]: [{ ...sample, metadata, spec: { ...sample.spec, source, destination } }],
      })
      await refresh(kube, 'apps')
      await until(
        async () =>
          (await read(kube, ['application', 'tiny', '-n', 'argocd'], '{.spec.source.targetRevision}')) ===
          targetRevision,
      )
    }
    const told = (path: string) => read(kube, ['application', 'tiny', '-n', 'argocd'], path)
    await push(tiny.good)
    await until(async () => (await told('{.status.sync.status}')) === 'Synced')
    const all = '{.status.conditions[*].message} {.status.operationState.message}'
    await push(tiny.refused)
    await until(async () => /field is immutable/.test(await told(all)))
    t.equal(
      await told('{.status.operationState.phase}'),
      'Succeeded',
      'no sync begins: the comparison asks the API server, and hears it already',
    )
    await push(tiny.good)
    await until(async () => (await told('{.status.sync.status}')) === 'Synced')
    t.notMatch(await told('{.status.conditions[*].message}'), /immutable/)
    await commit(box.env, { [file]: undefined })
    await refresh(kube, 'apps')
    await until(async () => (await kubectl(kube, ['get', 'application', 'tiny', '-n', 'argocd'])).code !== 0)
    await act(kube, ['delete', 'namespace', 'tiny', '--wait=false'])
  })

  await t.test('the location becomes read-write with the root', async (t) => {
    for (const app of ['root', 'backups'])
      await act(kube, ['delete', 'application', app, '-n', 'argocd', '--cascade=orphan'])
    const words = [
      'patch',
      'bsl',
      'default',
      '-n',
      'velero',
      '--type=merge',
      '-p',
      '{"spec":{"accessMode":"ReadOnly"}}',
    ]
    await act(kube, [...words, '--field-manager=argocd-controller'])
    await sleep(3000)
    const mode = () => read(kube, ['bsl', 'default', '-n', 'velero'], '{.spec.accessMode}')
    t.equal(await mode(), 'ReadOnly', 'stays as long as there is no root')
    const again = await box.run('bootstrap.mts')
    t.equal(again.code, 0, again.err)
    await until(async () => (await mode()) === 'ReadWrite')
  })

  await t.test('cluster.yaml is no manifest to Argo CD', async (t) => {
    const [root] = await get(kube, ['application', 'root', '-n', 'argocd'])
    const { source } = (root?.spec ?? {}) as { source?: object }
    const spec = {
      ...root?.spec,
      source: { ...source, directory: { include: 'cluster.yaml' } },
      syncPolicy: {},
    }
    const path = '/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/description'
    const kind = { apiVersion: 'argoproj.io/v1alpha1', kind: 'Application' }
    await api.apply(path, { ...kind, metadata: { name: 'description' }, spec })
    const status = async () => (await api.find(path))?.status as unknown as Status | undefined
    await until(async () => (await status())?.sync !== undefined)
    t.match(await status(), { sync: { status: 'Synced' }, resources: undefined })
    t.notOk((await status())?.conditions, 'and it does not mind')
    await api.call('DELETE', path)
  })

  await t.test('what seal.mts sealed is opened by the real controller', async (t) => {
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'db', namespace: 'hello' } }
    const input = JSON.stringify({ ...secret, stringData: { password: 'correct horse' } })
    const sealed = await box.run('scripts/seal.mts', [], { input })
    t.equal(sealed.code, 0, sealed.err)
    t.notMatch(sealed.out, /correct horse/)
    const applied = await kubectl(kube, ['apply', '--server-side', '-f', '-'], sealed.out)
    t.equal(applied.code, 0, applied.err)
    await until(async () => (await kubectl(kube, ['get', 'secret', 'db', '-n', 'hello'])).code === 0)
    const data = await read(kube, ['secret', 'db', '-n', 'hello'], '{.data.password}')
    t.equal(Buffer.from(data, 'base64').toString(), 'correct horse')
  })

  await t.test('of a hundred nodes one is drained of thirty pods, as their budget allows', async (t) => {
    const names = Array.from({ length: 99 }, (_, n) => `main-${901 + n}`)
    for (const name of names) await join(box, name)
    await fill(kube, 'main-901')
    const words = ['drain', 'main-901', '--ignore-daemonsets', '--delete-emptydir-data', '--timeout', '2m']
    const { ended, least } = await watched(kube, () => kubectl(kube, words))
    t.equal(ended.code, 0, ended.err)
    t.equal(await on(kube, 'main-901'), 0)
    t.ok(least >= 27, `never fewer than ${least} of 30 were ready`)
    await act(kube, ['delete', 'deployment/many', 'poddisruptionbudget/many', '-n', 'default'])
    await act(kube, ['delete', 'node', ...names])
  })

  // The suite that paper plays too (test/real/flows/scenarios.test.ts).
  await playAll(t, box, await openShop(box))
  await fits('after a restore')

  await t.test('scale removes no machine that a budget holds, and goes on when it allows', async (t) => {
    const added = await box.run('scale.mts', ['--add', '1'])
    t.equal(added.code, 0, added.err)
    const name = added.err.match(/node (main-\d+) {2}Ready/)?.[1] ?? ''
    await fill(kube, name)
    const allow = (pods: number) => {
      const patch = JSON.stringify({ spec: { maxUnavailable: pods } })
      return act(kube, ['patch', 'pdb', 'many', '-n', 'default', '--type=merge', '-p', patch])
    }
    await allow(0)
    const held = await box.run('scale.mts', ['--remove', name, '--drain-timeout', '15s'])
    t.equal(held.code, 1)
    t.match(held.err, `${name} could not be drained within 15 s: default/many-`)
    t.match(held.err, 'default/many allows no disruption now')
    t.equal(await on(kube, name), 30, 'nothing was moved')
    await allow(3)
    const { ended, least } = await watched(kube, () => box.run('scale.mts', ['--remove', name]))
    t.equal(ended.code, 0, ended.err)
    t.ok(least >= 27, `never fewer than ${least} of 30 were ready`)
    t.notMatch((await kubectl(kube, ['get', 'nodes', '-o', 'name'])).out, name)
    t.notMatch(JSON.stringify(await box.cloud('GET', '/v2/droplets')), `"${name}"`)
  })

  await t.test('leaves nothing behind', async (t) => {
    await box.close()
    open = false
    const still = () =>
      execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })
        .split('\n')
        .filter((line) => line.includes(box.dir))
    // What the kernel ends with its parent takes a moment on a busy machine.
    for (let looks = 0; still().length > 0 && looks < 20; looks++) await sleep(500)
    t.same(still(), [])
    t.notOk(existsSync(box.dir))
  })
})

interface Status {
  sync: { status: string }
  health: { status: string }
  conditions?: unknown[]
  resources: { kind: string; name: string; status: string }[]
  /** Each sync of a new revision, the first one first. */
  history: { deployedAt: string }[]
}

const application = z.looseObject({
  metadata: z.looseObject({}),
  spec: z.looseObject({ source: z.looseObject({}), destination: z.looseObject({}) }),
})

/** Has Argo CD look at Git now. */
const refresh = (kube: string, name: string) =>
  act(kube, [
    'annotate',
    'application',
    name,
    '-n',
    'argocd',
    'argocd.argoproj.io/refresh=normal',
    '--overwrite',
  ])

async function applications(kube: string): Promise<Map<string, KubeObject>> {
  const found = await get(kube, ['applications', '-n', 'argocd'])
  return new Map(found.map((one) => [one.metadata.name, one]))
}

const made = (one: KubeObject | undefined) => Date.parse(String(one?.metadata.creationTimestamp))

const deployed = (one: KubeObject | undefined) =>
  Date.parse((one?.status as unknown as Status | undefined)?.history[0]?.deployedAt ?? '')

/** Every object of every kind but events and leases. */
async function everything(kube: string): Promise<KubeObject[]> {
  const kinds = await kubectl(kube, ['api-resources', '--verbs=list', '-o', 'name'])
  const wanted = kinds.out
    .trim()
    .split('\n')
    .filter((name) => !/^events|^leases|^componentstatuses/.test(name))
  return get(kube, [wanted.join(','), '-A'])
}

async function act(kube: string, words: string[]): Promise<void> {
  const { code, err } = await kubectl(kube, words)
  if (code !== 0) throw new Error(err)
}

async function read(kube: string, words: string[], path: string): Promise<string> {
  return (await kubectl(kube, ['get', ...words, '-o', `jsonpath=${path}`])).out
}

async function until(wish: () => Promise<boolean>): Promise<void> {
  const giveUp = performance.now() + 240_000
  while (!(await wish())) {
    if (performance.now() > giveUp) throw new Error(`not within four minutes: ${wish}`)
    await sleep(500)
  }
}

/** A node for a machine that is nowhere else. */
function join(box: PartsBox, name: string): Promise<void> {
  const id = Number(name.split('-')[1])
  const hardware = { id, name, region: 'fra1', tags: [], userData: '', publicAddress: '', privateAddress: '' }
  const size = { memory: 2048, vcpus: 1 }
  return box.cluster().join({ ...hardware, ...size, canReachOut: () => true }, { 'node-name': name })
}

const ready = (kube: string) => read(kube, ['deployment', 'many', '-n', 'default'], '{.status.readyReplicas}')

/** Makes the thirty pods of drain.yaml and waits until all are ready on a node. */
async function fill(kube: string, node: string): Promise<void> {
  const text = readFileSync(new URL('drain.yaml', import.meta.url), 'utf8').replace('[NODE]', `[${node}]`)
  const { code, err } = await kubectl(kube, ['apply', '--server-side', '-f', '-'], text)
  if (code !== 0) throw new Error(err)
  await until(async () => (await ready(kube)) === '30')
  if ((await on(kube, node)) !== 30) throw new Error(`not all pods are on ${node}`)
}

/** How many of the pods are on a node. */
async function on(kube: string, node: string): Promise<number> {
  const which = ['pods', '-n', 'default', '-l', 'app=many', '--field-selector', `spec.nodeName=${node}`]
  return (await read(kube, which, '{.items[*].metadata.name}')).split(' ').filter(Boolean).length
}

/** Does something. @returns what came of it, and the least pods that were ready meanwhile */
async function watched<T>(kube: string, work: () => Promise<T>): Promise<{ ended: T; least: number }> {
  let least = 30
  let over = false
  const watch = (async () => {
    while (!over) least = Math.min(least, Number(await ready(kube)))
  })()
  const ended = await work()
  over = true
  await watch
  return { ended, least }
}
