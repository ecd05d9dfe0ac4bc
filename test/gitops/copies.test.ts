import { load } from 'js-yaml'
import t from 'tap'
import { versionsOf } from '../../lib/cluster/versions.ts'
import { nameOf } from '../../lib/gitops/application.ts'
import { chartOfCopy, isManifestCopy, readersOf, readInGit, withCopies } from '../../lib/gitops/copies.ts'
import { kustomized } from '../../lib/gitops/kustomization.ts'
import { renderRepository } from '../../lib/gitops/render.ts'
import type { RepositoryTree } from '../../lib/gitops/repository-tree.ts'
import { ordinary, type Tree } from './fixture.ts'

const versions = versionsOf()
const place = { cluster: 'main', sshUrl: ordinary.sshUrl, versions }
const files = renderRepository(ordinary)
const readers = readersOf('main', versions)
const differing = (a: string, b: string) => b.split('\n').filter((line, at) => line !== a.split('\n')[at])

t.test('each file that regrow writes can read what it reads in Git, and nothing else changes', async (t) => {
  t.equal(readers.length, 7)
  for (const { name, path, copy } of readers) {
    const text = files[path] ?? ''
    const changed = readInGit(text, name, place) ?? ''
    const lines = differing(text, changed)
    t.equal(lines.length, name.startsWith('csi') ? 1 : 3, name)
    t.match(changed, copy.replace(/\/Chart\.yaml$/, '').replace(/.*csi-driver\//, ''), name)
    t.equal(readInGit(changed, name, place), changed, 'once is enough')
  }
})

const path = 'clusters/main/upstream/traefik-41.6.0'
const inGit = { repoURL: ordinary.sshUrl, path, targetRevision: 'main' }
const spec = (text: string | undefined) => (load(text ?? '') as Tree).spec

t.test('a person’s own way to write an Application stays', async (t) => {
  const single = `# mine
spec:
  source: # a chart
    targetRevision: 41.6.0   # pinned
    helm:
      releaseName: traefik
    chart: 'traefik'
    repoURL: https://elsewhere.example/charts
  destination: {namespace: ingress}
`
  const changed = readInGit(single, 'traefik', place)
  t.same(spec(changed), {
    source: { ...inGit, helm: { releaseName: 'traefik' } },
    destination: { namespace: 'ingress' },
  })
  t.match(changed, '# mine')
  const second = `spec:
  sources:
  - repoURL: git@github.com:bob/x.git
    ref: values
    targetRevision: v1

  - chart: traefik
    helm: {releaseName: traefik}
    repoURL: "https://traefik.github.io/charts"
    targetRevision: "41.6.0"
  - repoURL: git@github.com:bob/x.git
    targetRevision: v2
    path: more
`
  t.same(spec(readInGit(second, 'traefik', place)), {
    sources: [
      { repoURL: 'git@github.com:bob/x.git', ref: 'values', targetRevision: 'v1' },
      { ...inGit, helm: { releaseName: 'traefik' } },
      { repoURL: 'git@github.com:bob/x.git', targetRevision: 'v2', path: 'more' },
    ],
  })
})

t.test('what cannot be changed line by line is left alone', async (t) => {
  const flow = 'spec: {source: {chart: traefik, repoURL: https://a.example, targetRevision: 41.6.0}}\n'
  t.equal(readInGit(flow, 'traefik', place), undefined)
  t.equal(readInGit('spec: {source: {path: apps}}\n', 'traefik', place), 'spec: {source: {path: apps}}\n')
  t.equal(readInGit('a: [\n', 'traefik', place), 'a: [\n')
  const commented = `resources: []\n# ${files['clusters/main/platform/csi-driver/kustomization.yaml']?.match(/https:\S+crds.yaml/)?.[0]}\n`
  t.not(readInGit(commented, 'csi-digitalocean/crds.yaml', place), undefined)
})

t.test('what is seeded reads a copy for as long as it is there', async (t) => {
  const ingress = 'clusters/main/ingress.yaml'
  const there = new Set([`${path}/Chart.yaml`])
  const seeded = withCopies(files, (one) => there.has(one), place)
  t.same(
    Object.keys(files).filter((one) => files[one] !== seeded[one]),
    [ingress],
  )
  t.match((load(seeded[ingress] ?? '') as Tree).spec, { sources: [inGit, { ref: 'values' }, {}] })
  t.same(
    withCopies(files, () => false, place),
    files,
  )
  const newer = { ...place, versions: versionsOf({ traefik: '41.7.0' }) }
  t.same(
    withCopies(files, (one) => there.has(one), newer),
    files,
    'a copy of another version is none',
  )
})

t.test('a chart is the same chart wherever it lies', async (t) => {
  const source = (more: object) => ({ repoURL: 'x', targetRevision: '', directory: undefined, ...more })
  t.equal(nameOf(source({ chart: 'traefik' })), nameOf(source({ repoURL: 'y', chart: 'traefik' })))
  t.equal(nameOf(source({ chart: 'traefik' })), nameOf(source({ repoURL: ordinary.sshUrl, path })))
  t.not(
    nameOf(source({ path: 'clusters/main/apps' })),
    nameOf(source({ repoURL: 'y', path: 'clusters/main/apps' })),
  )
  t.equal(chartOfCopy('clusters/main/upstream/argo-cd-10.10.0'), 'argo-cd')
  t.equal(chartOfCopy('clusters/main/upstream/sealed-secrets-2.18.5/'), 'sealed-secrets')
  t.equal(chartOfCopy('clusters/main/apps/upstream-1.2.3'), undefined)
})

t.test('a manifest’s copy counts as what was fetched: nothing of it is told from Git', async (t) => {
  const folder = 'clusters/main/platform/csi-driver'
  const object = (name: string) => `{apiVersion: v1, kind: ConfigMap, metadata: {name: ${name}}}`
  const all = new Map([
    [`${folder}/kustomization.yaml`, 'resources: [upstream/v4.18.0-driver.yaml, mine.yaml]\n'],
    [`${folder}/upstream/v4.18.0-driver.yaml`, object('theirs')],
    [`${folder}/mine.yaml`, object('mine')],
  ])
  const tree = {
    blob: (one: string) => all.get(one),
    paths: () => [...all.keys()],
    texts: async (paths: readonly string[]) =>
      new Map(paths.flatMap((one) => (all.has(one) ? [[one, all.get(one) ?? ''] as const] : []))),
  } as RepositoryTree
  t.same(
    (await kustomized(tree, `${folder}/kustomization.yaml`)).map(({ one }) => one.name),
    ['mine'],
  )
  t.notOk(isManifestCopy('clusters/main/apps/upstream/a.yaml'))
})
