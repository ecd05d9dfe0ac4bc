import { generateKeyPairSync } from 'node:crypto'
import sshpk from 'sshpk'
import t from 'tap'
import { chartOf, versionsOf } from '../../lib/cluster/versions.ts'
import { repositoriesOf } from '../../sandbox/cluster/git.ts'
import { listAt, type Tree, textAt } from '../../sandbox/cluster/tree.ts'
import { createRepository } from '../../sandbox/github/repositories.ts'
import { change } from '../../sandbox/github/state.ts'
import { startUpstream } from '../../sandbox/upstream/start.ts'
import { application, apply, argo, cluster, eventually, git, stateOf, workload } from './cluster-ground.ts'
import { clear, ground } from './droplet-ground.ts'

const chart = chartOf('sealed-secrets', versionsOf())
const chartSource = (more: Tree = {}) => ({
  repoURL: chart.repository,
  chart: chart.chart,
  targetRevision: chart.version,
  ...more,
})
const values = { repoURL: 'git@github.com:alice/regrow-main.git', targetRevision: 'HEAD', ref: 'values' }

t.test('charts and kustomizations', async (t) => {
  const on = await ground()
  t.teardown(() => clear(on))
  await startUpstream(on.world)
  const raw =
    'https://raw.githubusercontent.com/digitalocean/csi-digitalocean/v4.18.0/deploy/kubernetes/releases/csi-digitalocean-v4.18.0/crds.yaml'
  const files: Record<string, string> = {
    'values.yaml': 'a: 1\n',
    'raw/kustomization.yaml': `resources: [${raw}, local.yaml]\nnamespace: default\n`,
    'raw/local.yaml': workload('Deployment', 'elsewhere', 'moved'),
    'odd/kustomization.yaml': 'resources: []\nimages: []\n',
    'lost/kustomization.yaml': 'resources: [https://raw.githubusercontent.com/nobody/none.yaml]\n',
    'broken/a.yaml': 'a: [\n',
    'upstream/sealed/Chart.yaml': 'apiVersion: v2\nname: sealed\nversion: 1.0.0\n',
    'upstream/sealed/own.yaml': 'a: 1\n',
    'upstream/sealed/templates/it.yaml': workload('Deployment', 'here', 'copied').replace(
      'here',
      '{{ .Release.Namespace }}',
    ),
    'upstream/sealed/notes.yaml': workload('Deployment', 'nowhere', 'none'),
    'upstream/half/Chart.yaml': 'apiVersion: v2\nname: half\nversion: 1.0.0\ndependencies: [{name: redis}]\n',
    'upstream/nameless/Chart.yaml': 'apiVersion: v2\n',
  }
  const one = await cluster(on, git(files))
  apply(one, argo)
  const several = (name: string, ...sources: Tree[]) => {
    const { spec, ...rest } = JSON.parse(application(name, {})) as { spec: Tree }
    const { source: _source, ...others } = spec
    apply(
      one,
      JSON.stringify({ ...rest, spec: { ...others, destination: { namespace: 'sealed-secrets' }, sources } }),
    )
  }
  const reason = (name: string) =>
    eventually(one, () =>
      textAt(listAt(one.store.find('Application', 'argocd', name), 'status', 'conditions')[0], 'message'),
    )

  several('chart', chartSource({ helm: { valueFiles: ['$values/values.yaml'] } }), values)
  await eventually(one, () => stateOf(one, 'chart') === 'Synced, Healthy')
  t.ok(one.store.list('Deployment', 'sealed-secrets').length > 0, 'the release’s namespace was filled in')
  several('lost-values', chartSource({ helm: { valueFiles: ['$values/none.yaml'] } }), values)
  t.match(await reason('lost-values'), /failed to resolve values file \$values\/none.yaml/)
  several('old', chartSource({ targetRevision: '0.0.1' }))
  t.match(await reason('old'), /chart "sealed-secrets" version "0.0.1" not found/)

  apply(one, application('raw', { path: 'raw' }))
  await eventually(one, () => stateOf(one, 'raw') === 'Synced, Healthy')
  t.ok(one.store.find('Deployment', 'default', 'moved'), 'the kustomization’s namespace counts')
  for (const [name, message] of [
    ['odd', /paper builds no kustomization with images \(odd\/kustomization.yaml\)/],
    ['lost', /failed to fetch https:\/\/raw.githubusercontent.com\/nobody\/none.yaml : 404/],
    ['broken', /Failed to unmarshal "broken\/a.yaml"/],
    ['none', /none: app path does not exist/],
  ] as const) {
    apply(one, application(name, { path: name }))
    t.match(await reason(name), message, name)
    t.equal(stateOf(one, name), 'Unknown, Unknown')
  }

  const folder = (path: string, ...valueFiles: string[]) => ({
    repoURL: values.repoURL,
    targetRevision: 'HEAD',
    path,
    helm: { valueFiles },
  })
  several('in-git', folder('upstream/sealed', '$values/values.yaml', 'own.yaml', '/values.yaml'), values)
  await eventually(one, () => stateOf(one, 'in-git') === 'Synced, Healthy')
  t.ok(one.store.find('Deployment', 'sealed-secrets', 'copied'), 'a chart in a folder is rendered as one')
  t.notOk(one.store.find('Deployment', 'nowhere', 'none'), 'and its other files are none of its objects')
  for (const [name, source, message] of [
    ['no-values', folder('upstream/sealed', 'none.yaml'), /failed to resolve values file none\.yaml/],
    ['half', folder('upstream/half'), /found in Chart\.yaml, but missing in charts\/ directory: redis/],
    [
      'nameless',
      folder('upstream/nameless'),
      /chart\.metadata\.name and chart\.metadata\.version are required/,
    ],
    ['no-chart', folder('raw'), /Chart\.yaml file is missing/],
  ] as const) {
    several(name, source, values)
    t.match(await reason(name), message, name)
    t.equal(stateOf(one, name), 'Unknown, Unknown')
  }

  on.world.save('behaviour', { gone: ['sealed-secrets/index'] })
  several('withdrawn', chartSource())
  t.match(
    await reason('withdrawn'),
    /looks like "https:\S+sealed-secrets" is not a valid chart repository or cannot be reached: failed to fetch https:\S+\/index\.yaml : 404 Not Found/,
  )
  on.world.save('behaviour', { gone: ['sealed-secrets-.*tgz'] })
  several('no-archive', chartSource())
  t.match(await reason('no-archive'), /failed to fetch https:\S+\.tgz : 404 Not Found/)
  on.world.save('behaviour', { corrupt: ['sealed-secrets-.*tgz'] })
  several('corrupt', chartSource())
  t.match(await reason('corrupt'), /differs from the digest in its index/)
})

t.test('a repository is read by its deploy key alone', async (t) => {
  const on = await ground()
  t.teardown(() => clear(on))
  const repository = await createRepository(on.world, 'alice', {
    name: 'regrow-main',
    private: true,
    auto_init: true,
  })
  const { privateKey } = generateKeyPairSync('ed25519')
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const key = sshpk.parsePrivateKey(pem).toPublic().toString('ssh').split(' ').slice(0, 2).join(' ')
  const url = 'git@github.com:alice/regrow-main.git'
  const { head, files } = repositoriesOf(on.world)
  await t.rejects(
    head(url, pem, 'HEAD'),
    { message: /Permission denied \(publickey\)/ },
    'before it is registered',
  )
  change(on.world, (state) => {
    const found = state.repositories.find((one) => one.id === repository.id)
    found?.keys.push({ id: 1, key, title: 'argo', read_only: true, created_at: '' })
  })
  const commit = await head(url, pem, 'HEAD')
  t.equal(await head(url, pem, 'main'), commit)
  t.match((await files(url, pem, commit)).get('README.md'), '# regrow-main')
  await t.rejects(head(url, pem, 'none'), { message: /unable to resolve 'none'/ })
  await t.rejects(head('git@github.com:alice/other.git', pem, 'HEAD'), { message: /Permission denied/ })
})
