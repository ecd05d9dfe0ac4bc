import { readFileSync } from 'node:fs'
import t from 'tap'
import { bare, documents, file, leaves, ordinary, patches, type Tree } from './fixture.ts'

// A droplet of 2 GB: what is left of 2,048 MiB for everything but a reserve of 200 MiB.
const room = 1848
const k3s = 620
const system = 200
const containerd = 40
// One for each pod that runs all the time: four of Argo CD, two each of Velero and the CSI driver, and one each of the rest.
const shims = 14 * 6
// What k3s brings into the cluster by itself; these are other people's figures, not limits (docs/memory.md).
const packaged = { coredns: 24, servicelb: 4 }

// Containers that end before the pod's own start, and pods that come and go.
const shortLived = /copyutil|initContainers|podResources/

/** The memory limits of all long-running containers in MiB, by where they stand. */
function limits(values = ordinary): Map<string, number> {
  const found = new Map<string, number>()
  const note = (where: string, tree: unknown) => {
    for (const { at, value } of leaves(tree))
      if (/(^|\.)limits\.memory$/.test(at) && !shortLived.test(`${where}.${at}`))
        found.set(`${where} ${at}`, mebibytes(value))
  }
  for (const { path, tree } of documents(values)) note(path, tree)
  for (const { name, ops } of patches(values))
    for (const { path, value } of ops) note(`${name}${path}`, value)
  return found
}

const sum = (of: Iterable<number>) => [...of].reduce((total, one) => total + one, 0)

t.test('what runs all the time fits into a droplet of 2 GB', async (t) => {
  for (const values of [ordinary, bare]) {
    const ours = sum(limits(values).values())
    const all = ours + sum(Object.values(packaged)) + k3s + containerd + shims + system
    t.ok(all < room, `${all} MiB of ${room}`)
    t.ok(ours > 500, 'and it was really counted')
  }
})

t.test('docs/memory.md tells the same total', async (t) => {
  const text = readFileSync(new URL('../../docs/memory.md', import.meta.url), 'utf8')
  const ours = sum(limits().values())
  t.match(text, `**${ours} MiB**`)
  const all = ours + sum(Object.values(packaged)) + k3s + containerd + shims + system
  t.match(text, `**${all.toLocaleString('en')} of ${room.toLocaleString('en')}**`)
})

t.test('every container that runs all the time has a limit', async (t) => {
  const found = [...limits().keys()].join('\n')
  for (const part of ['controller', 'repoServer', 'server', 'redis'])
    t.match(found, `argocd/values.yaml ${part}.resources.limits.memory`)
  for (const part of ['resources', 'nodeAgent.resources'])
    t.match(found, `velero/values.yaml ${part}.limits.memory`)
  t.match(found, 'sealed-secrets/values.yaml resources.limits.memory')
  t.match(found, 'ingress/values.yaml resources.limits.memory')
  t.match(found, 'workload.yaml spec.template.spec.containers.0.resources.limits.memory')
  for (const [name, containers] of Object.entries({
    'csi-do-controller': 5,
    'csi-do-node': 2,
    'snapshot-controller': 1,
  }))
    for (let n = 0; n < containers; n++)
      t.match(found, `${name}/spec/template/spec/containers/${n}/resources limits.memory`)
})

t.test('requests stay below limits, so that a container may swap', async (t) => {
  const pairs = [
    ...documents(ordinary).flatMap(({ tree }) => resources(tree)),
    ...patches(ordinary).flatMap(({ ops }) => ops.flatMap(({ value }) => resources({ value }))),
  ]
  t.ok(pairs.length > 15)
  for (const { requests, limits } of pairs) {
    t.ok(mebibytes(requests.memory) < mebibytes(limits.memory), JSON.stringify({ requests, limits }))
    t.ok(requests.cpu, 'a share of the processor too')
  }
})

t.test('Go programs know their limit, except where others inherit it', async (t) => {
  const values = file(ordinary, 'clusters/main/platform/argocd/values.yaml') as Record<
    string,
    { env?: { name: string; value: string }[]; resources: { limits: { memory: string } } }
  >
  for (const part of ['controller', 'repoServer', 'server'])
    below(values[part]?.env, values[part]?.resources.limits.memory, part)
  for (const { name, ops } of patches(ordinary))
    for (const { path, value } of ops.filter((one) => /\/containers\/\d+\/resources$/.test(one.path))) {
      const env = ops.filter((one) => one.path.startsWith(path.replace('resources', 'env')))
      below(
        env.flatMap((one) => one.value as { name: string; value: string }[]),
        memoryOf(value),
        name,
      )
    }
  t.notMatch(
    JSON.stringify(file(ordinary, 'clusters/main/platform/velero/values.yaml')),
    /GOMEMLIMIT/,
    'Velero’s pods hand their environment on to movers',
  )

  function below(env: { name: string; value: string }[] | undefined, limit: unknown, what: string) {
    const soft = env?.find(({ name }) => name === 'GOMEMLIMIT')?.value.replace('MiB', 'Mi')
    t.ok(soft && mebibytes(soft) < mebibytes(limit), `${what}: ${soft} of ${limit}`)
  }
})

interface Resources {
  requests: { cpu?: string; memory: string }
  limits: { memory: string }
}

function resources(tree: unknown): Resources[] {
  if (tree === null || typeof tree !== 'object') return []
  const own = tree as Tree
  if (own.requests && own.limits && typeof own.limits === 'object' && 'memory' in own.limits)
    return [own as unknown as Resources]
  return Object.values(own).flatMap(resources)
}

const memoryOf = (value: unknown) => (value as Resources).limits.memory

function mebibytes(text: unknown): number {
  const [, number, unit] = /^(\d+)(Mi|Gi)$/.exec(String(text)) ?? []
  if (!number) throw new Error(`${text} is no amount of memory`)
  return Number(number) * (unit === 'Gi' ? 1024 : 1)
}
