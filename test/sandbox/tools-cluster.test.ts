import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { createGzip } from 'node:zlib'
import t from 'tap'
import { pack } from 'tar-stream'
import { makeOperatorCertificate } from '#cloud-init/certificates.ts'
import { renderKubeconfig } from '#cloud-init/kubeconfig.ts'
import type { Tree } from '../../sandbox/cluster/tree.ts'
import { startTools } from '../../sandbox/tools/server.ts'
import { apply, cluster, definition, eventually, workload } from './cluster-ground.ts'
import { authorities, clear, ground } from './droplet-ground.ts'
import { run } from './tools-ground.ts'

const on = await ground()
const paper = await cluster(on)
const tools = await startTools(on.world)
t.teardown(() => clear(on))

const address = on.world.addresses.host(200, 1)
await paper.listen(address, ['main.regrow'])
const all = await authorities()
const own = await makeOperatorCertificate(all, { now: new Date() })
const server = `https://${address}:${on.world.addresses.apiPort}`
const wish = {
  cluster: 'main',
  tlsServerName: 'main.regrow',
  ca: all.server.cert,
  cert: own.cert,
  key: own.key,
}
const kubeconfig = join(on.world.dir, 'kubeconfig.yaml')
writeFileSync(kubeconfig, renderKubeconfig({ ...wish, server }))

const tool = (words: string[], input = '') =>
  run(tools.binDir, words, { ...tools.env, HOME: on.world.dir }, { cwd: on.world.dir, input })
const kubectl = (line: string, ...more: string[]) =>
  tool(['kubectl', '--kubeconfig', 'kubeconfig.yaml', ...line.split(' '), ...more])

t.test('objects are applied from stdin, read, changed and deleted', async (t) => {
  const manifest = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'one', namespace: 'kube-system' },
    data: { a: 'b' },
  }
  const words = ['apply', '--server-side', '--force-conflicts', '--field-manager', 'someone', '-f', '-']
  const applied = await tool(['kubectl', '--kubeconfig', kubeconfig, ...words], JSON.stringify(manifest))
  t.match(applied, { code: 0, out: 'configmap/one serverside-applied\n', err: '' })
  const read = await kubectl('get configmap one -n kube-system -o json')
  t.match(JSON.parse(read.out), manifest)
  t.match(await kubectl('annotate configmap one -n kube-system a.b/c=d=e --overwrite'), { code: 0 })
  const patch = await kubectl('patch cm/one -n kube-system --type merge -p', '{"data":{"a":null,"c":"d"}}')
  t.match(patch, { code: 0, out: 'configmap/one patched\n' })
  const path = 'jsonpath={.metadata.annotations.a\\.b/c}'
  t.match(await kubectl(`get configmap one -n kube-system -o ${path}`), { out: 'd=e' })
  t.match(await kubectl('get configmap one -n kube-system -o jsonpath={.data.c}'), { out: 'd' })
  t.same(paper.store.get('ConfigMap', 'kube-system', 'one').metadata.annotations, { 'a.b/c': 'd=e' })
  t.match(await kubectl('delete configmap one -n kube-system'), {
    code: 0,
    out: 'configmap "one" deleted from kube-system namespace\n',
  })
  t.match(await kubectl('delete configmap one -n kube-system'), {
    code: 1,
    err: 'Error from server (NotFound): configmaps "one" not found\n',
  })
  t.match(await kubectl('delete configmap one -n kube-system --ignore-not-found'), { code: 0, err: '' })
})

t.test('lists have the shape that flows parse', async (t) => {
  const nodes = await kubectl('get nodes -o json')
  t.match(JSON.parse(nodes.out), { kind: 'List', items: [{ kind: 'Node', metadata: { name: 'main-1' } }] })
  t.match(await kubectl('get node main-9 --ignore-not-found -o json'), { code: 0, out: '' })
  t.match(await kubectl('get pods -l a=b -A -o json'), { code: 0, out: /"items": \[\]/ })
  t.match(await kubectl('get applications.argoproj.io -n argocd -o json'), {
    code: 1,
    err: /the server doesn't have a resource type "applications"/,
  })
  apply(paper, definition('argoproj.io', 'Application'))
  t.match(await kubectl('get applications.argoproj.io -n argocd -o json'), { code: 0 }, 'asked anew')
  const ready = '{.status.conditions[?(@.type=="Ready")].status}'
  t.match(await kubectl('get node main-1 -o', `jsonpath=${ready}`), { code: 0, out: 'True' })
})

t.test('a person sees tables', async (t) => {
  const { out } = await kubectl('get nodes,pods,pvc -A')
  t.match(out, /^NAME +STATUS +ROLES +AGE +VERSION\nnode\/main-1 +Ready/)
  t.match(await kubectl('get secrets'), { out: '', err: 'No resources found in default namespace.\n' })
})

t.test('a node is cordoned, drained and freed again', async (t) => {
  apply(paper, workload('Deployment', 'default', 'web'))
  await eventually(paper, () => paper.store.list('Pod', 'default')[0]?.spec)
  t.match(await kubectl('rollout status deployment/web --timeout 5s'), {
    code: 0,
    out: /successfully rolled/,
  })
  const drained = await kubectl('drain main-1 --ignore-daemonsets --delete-emptydir-data --timeout 10s')
  t.match(drained, {
    code: 0,
    out: /node\/main-1 cordoned\nevicting pod default\/web[\s\S]*node\/main-1 drained\n$/,
  })
  t.equal((paper.store.get('Node', undefined, 'main-1').spec as Tree).unschedulable, true)
  t.match(await kubectl('uncordon main-1'), { out: 'node/main-1 uncordoned\n' })
  t.match(await kubectl('uncordon main-1'), { out: 'node/main-1 already uncordoned\n' })
})

t.test('waiting ends when it is so, or says what it waited for', async (t) => {
  t.match(await kubectl('wait --for=condition=Ready node/main-1 --timeout 3s'), {
    code: 0,
    out: /condition met/,
  })
  const late = kubectl('wait --for=create configmap/late -n kube-system --timeout 5s')
  setTimeout(
    () =>
      apply(
        paper,
        '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"late","namespace":"kube-system"}}',
      ),
    150,
  )
  t.match(await late, { code: 0, out: 'configmap/late condition met\n' })
  t.match(await kubectl('wait --for=jsonpath={.data.x}=y configmap/late -n kube-system --timeout 0s'), {
    code: 1,
    err: 'error: timed out waiting for the condition on configmaps/late\n',
  })
  t.match(await kubectl('wait --for=condition=Ready node/main-7'), {
    code: 1,
    err: /nodes "main-7" not found/,
  })
})

t.test('a cluster that is not there, or not ours, is told apart', async (t) => {
  const gone = join(on.world.dir, 'gone.yaml')
  writeFileSync(
    gone,
    renderKubeconfig({ ...wish, server: `https://${on.world.addresses.host(200, 9)}:6443` }),
  )
  t.match(await tool(['kubectl', '--kubeconfig', gone, 'get', 'nodes']), { code: 1, err: /was refused/ })
  const other = join(on.world.dir, 'other.yaml')
  writeFileSync(other, renderKubeconfig({ ...wish, server, tlsServerName: 'other.regrow' }))
  t.match(await tool(['kubectl', '--kubeconfig', other, 'get', 'nodes']), { code: 1, err: /other.regrow/ })
})

t.test('velero writes Backups and Restores as the real one, and its --wait never fails', async (t) => {
  apply(paper, '{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"velero"}}')
  for (const kind of ['Backup', 'Restore', 'BackupStorageLocation'])
    apply(paper, definition('velero.io', kind))
  const velero = (line: string) =>
    tool(['velero', '--kubeconfig', kubeconfig, '--namespace', 'velero', ...line.split(' ')])
  const flags =
    '--ttl 720h --csi-snapshot-timeout 25m --snapshot-move-data=true --exclude-namespaces argocd,velero'
  const created = await velero(`backup create first ${flags}`)
  t.match(created, { code: 0, out: /^Backup request "first" submitted successfully.\n/ })
  // As velero 1.18.3 wrote it when given these flags.
  t.same(paper.store.get('Backup', 'velero', 'first').spec, {
    metadata: {},
    hooks: {},
    includedNamespaces: ['*'],
    excludedNamespaces: ['argocd', 'velero'],
    ttl: '720h0m0s',
    csiSnapshotTimeout: '25m0s',
    itemOperationTimeout: '0s',
    snapshotMoveData: true,
  })
  t.match(await velero('backup create first'), {
    code: 1,
    err: /^velero: backups.velero.io "first" already exists/,
  })
  t.match(await velero('restore create r --from-backup nope'), {
    code: 1,
    err: 'velero: backups.velero.io "nope" not found\n',
  })
  const waiting = velero('restore create r --from-backup first --existing-resource-policy none --wait')
  const restore = await eventually(paper, () => paper.store.find('Restore', 'velero', 'r'))
  paper.store.update({ ...restore, status: { phase: 'PartiallyFailed' } })
  t.match(await waiting, { code: 0, out: /Restore completed with status: PartiallyFailed/ })
  t.equal(JSON.parse((await velero('backup get first -o json')).out).metadata.name, 'first')

  const more =
    '--include-cluster-resources --exclude-resources events,leases --preserve-nodeports -l app=web --restore-volumes=false'
  t.equal((await velero(`restore create more --from-backup first ${more}`)).code, 0)
  t.match(paper.store.get('Restore', 'velero', 'more').spec, {
    includeClusterResources: true,
    excludedResources: ['events', 'leases'],
    preserveNodePorts: true,
    restorePVs: false,
    labelSelector: { matchLabels: { app: 'web' } },
  })
  t.match(await velero('restore create odd --from-backup first --ttl 1h'), { code: 64, err: /--ttl/ })
  apply(paper, definition('velero.io', 'Schedule'))
  const template = { includedNamespaces: ['shop'], ttl: '24h0m0s' }
  const schedule = {
    metadata: { name: 'daily', namespace: 'velero', labels: { kept: 'yes' } },
    spec: { template },
  }
  apply(paper, JSON.stringify({ apiVersion: 'velero.io/v1', kind: 'Schedule', ...schedule }))
  t.match(await velero('backup create fired --from-schedule daily'), { code: 0 })
  t.match(paper.store.get('Backup', 'velero', 'fired'), {
    metadata: { labels: { kept: 'yes', 'velero.io/schedule-name': 'daily' } },
    spec: template,
  })
  t.match(
    (await velero('backup create --from-schedule daily')).out,
    /Backup request "daily-\d{14}" submitted/,
  )
})

t.test('helm renders the plain charts of the box, and no others', async (t) => {
  const chart = async (template: string) => {
    const tar = pack()
    tar.entry({ name: 'argo-cd/', type: 'directory' })
    tar.entry({ name: 'argo-cd/templates/all.yaml' }, template)
    tar.entry({ name: 'argo-cd/crds/a.yaml' }, 'kind: CustomResourceDefinition\n')
    tar.finalize()
    writeFileSync(join(on.world.dir, 'c.tgz'), await buffer(tar.pipe(createGzip())))
    return tool(
      ['helm', ...'template argocd c.tgz --namespace argocd --include-crds --values -'.split(' ')],
      'a: b',
    )
  }
  const done = await chart('kind: Deployment\n---\nkind: Secret\nnamespace: {{ .Release.Namespace }}\n')
  // As helm 4.3.1 rendered it.
  const source = '---\n# Source: argo-cd/templates/all.yaml\n'
  t.equal(
    done.out,
    `---\n# Source: argo-cd/crds/a.yaml\nkind: CustomResourceDefinition\n\n${source}kind: Secret\nnamespace: argocd\n\n${source}kind: Deployment\n`,
  )
  t.match(await chart('{{ include "x" . }}'), {
    code: 64,
    err: /a template that is none of the sandbox’s own/,
  })
})

t.test('the log of requests names the tool', (t) => {
  const log = readFileSync(join(on.world.dir, 'requests.jsonl'), 'utf8')
  t.match(log, '"agent":"kubectl/stand-in"')
  t.match(log, '"agent":"velero/stand-in"')
  t.end()
})

t.test('what is not known is refused', async (t) => {
  for (const line of ['port-forward svc/x 80', 'apply -f x.yaml', 'get pods -w', 'exec pod -- ls'])
    t.match(await kubectl(line), { code: 64, err: /is a stand-in that does not know/ }, line)
})
