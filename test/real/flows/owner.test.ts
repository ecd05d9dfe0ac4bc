import { join } from 'node:path'
import t from 'tap'
import { github } from '../../census/person.ts'
import { committed } from '../../census/repository.ts'
import { openTestBox } from '../../flows/box.ts'

// What whoever owns the GitOps repository of a SIMULATED cluster does in a year, as its README says. The rest is played in
// test/flows/scenarios.ts (a kustomization, a refused commit, a removal) and test/real/cluster (a setting of the platform).

t.setTimeout(600_000)
const box = await openTestBox(t)
const contents = '/repos/bob/regrow-main/contents'
const push = async (path: string, text: string, message = path) => {
  const there = (await github(box.env, 'GET', `${contents}/${path}`).catch(() => ({}))) as { sha?: string }
  const content = Buffer.from(text).toString('base64')
  await github(box.env, 'PUT', `${contents}/${path}`, {
    message,
    content,
    ...(there.sha ? { sha: there.sha } : {}),
  })
}
const leave = async (path: string) => {
  const { sha } = (await github(box.env, 'GET', `${contents}/${path}`)) as { sha: string }
  await github(box.env, 'DELETE', `${contents}/${path}`, { message: `remove ${path}`, sha })
}
const kubectl = async (...words: string[]) => {
  const ended = await box.run('kubectl', words)
  if (ended.code !== 0) throw new Error(ended.err)
  return ended.out.trim()
}
const refresh = () =>
  kubectl(
    'annotate',
    'application',
    'apps',
    '-n',
    'argocd',
    'argocd.argoproj.io/refresh=normal',
    '--overwrite',
  )
const eventually = async (look: () => Promise<boolean>) => {
  for (const end = Date.now() + 60_000; Date.now() < end; ) if (await look().catch(() => false)) return true
  return false
}
/** Words of a command in the README, without the shell's prompt. */
const commandIn = (readme: string, start: string) => {
  const found = new RegExp(`\`(\\./${start}[^\`]*)\``).exec(readme)?.[1]
  if (!found) throw new Error(`the README has no ${start}`)
  return found.replace(/^\.\//, '').split(' ')
}

await box.run('bootstrap.mts')
const readme = await committed(box.env, 'README.md')

t.test('an app is added by copying hello and its disk', async (t) => {
  for (const name of ['namespace', 'workload', 'ingress']) {
    const text = await committed(box.env, `clusters/main/apps/hello/${name}.yaml`)
    await push(`clusters/main/apps/shop/${name}.yaml`, text.replaceAll('hello', 'shop'))
  }
  const disk = await committed(box.env, 'storage/pvc.yaml')
  await push('storage/shop.yaml', disk.replaceAll('hello', 'shop'))
  await refresh()
  const pod = ['get', 'pod', 'shop-0', '-n', 'shop', '-o', 'jsonpath={.status.phase}']
  t.ok(await eventually(async () => (await kubectl(...pod)) === 'Running'))
  const claim = ['get', 'pvc', 'shop', '-n', 'shop', '-o', 'jsonpath={.status.phase}']
  t.equal(await kubectl(...claim), 'Bound')
})

t.test(
  'an app with an Application of its own: a file of it that does not parse stops nobody else',
  async (t) => {
    const samples = await committed(box.env, 'clusters/main/apps/README.md')
    const [, , sample = ''] = samples.split(/```yaml\n/).map((part) => part.split('```')[0])
    const folder = /^ +path: (\S+)$/m.exec(sample)?.[1] ?? ''
    const settings = (name: string) =>
      `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name}, namespace: shop }\n`
    await push(`${folder}/plain.yaml`, settings('plain'))
    await push('clusters/main/apps/shop.yaml', sample)
    await refresh()
    const there = (name: string) => async () =>
      (await kubectl('get', 'configmap', name, '-n', 'shop', '--ignore-not-found', '-o', 'name')) !== ''
    t.ok(await eventually(there('plain')), 'plain files, without a kustomization')
    await push(`${folder}/plain.yaml`, 'kind: [')
    await push('clusters/main/apps/other.yaml', settings('other'))
    await refresh()
    t.ok(await eventually(there('other')), 'the rest goes on')
    await kubectl(
      'annotate',
      'application',
      'shop',
      '-n',
      'argocd',
      'argocd.argoproj.io/refresh=normal',
      '--overwrite',
    )
    const told = ['get', 'application', 'shop', '-n', 'argocd', '-o', 'jsonpath={.status.conditions[*].type}']
    t.ok(await eventually(async () => (await kubectl(...told)).includes('ComparisonError')))
    t.ok(await there('plain')(), 'and what runs stays')
    for (const path of [
      `${folder}/plain.yaml`,
      'clusters/main/apps/shop.yaml',
      'clusters/main/apps/other.yaml',
    ])
      await leave(path)
    await refresh()
    const gone = ['get', 'application', 'shop', '-n', 'argocd', '--ignore-not-found', '-o', 'name']
    t.ok(await eventually(async () => (await kubectl(...gone)) === ''))
  },
)

const skip = !process.env.REGROW_TOOLS && 'REGROW_TOOLS does not say where the real kubectl is'
t.test('a Secret is sealed by the README’s command, committed and opened', { skip }, async (t) => {
  const [, made = '', sealing = ''] =
    /kubectl (create secret [^|]*?)\\?\n? *\| (\.\/scripts\/seal\.mts [^>]*)>/.exec(readme) ?? []
  const secret = await box.run(
    join(process.env.REGROW_TOOLS ?? '', 'kubectl'),
    made.replace(/\\\n/g, '').replace('…', 'sesame').trim().split(/\s+/),
  )
  t.equal(secret.code, 0, secret.err)
  const [seal = '', ...words] = sealing.trim().replace(/^\.\//, '').split(' ')
  const sealed = await box.run(seal, words, { input: secret.out })
  t.equal(sealed.code, 0, sealed.err)
  t.notMatch(sealed.out, 'sesame')
  await push('clusters/main/apps/shop/database.yaml', sealed.out)
  await refresh()
  const password = ['get', 'secret', 'database', '-n', 'shop', '-o', 'jsonpath={.data.password}']
  t.ok(
    await eventually(async () => Buffer.from(await kubectl(...password), 'base64').toString() === 'sesame'),
  )
})

t.test('the backup plan is a commit and a bootstrap, which can show first what it writes', async (t) => {
  const [script = '', ...words] = commandIn(readme, 'bootstrap\\.mts')
  const path = 'clusters/main/cluster.yaml'
  const description = await committed(box.env, path)
  const [, hour] = /schedule: .?\d+ (\d+) /.exec(description) ?? []
  const next = description.replace(/(schedule: .?\d+) \d+ /, `$1 ${(Number(hour) + 5) % 24} `)
  t.not(next, description)
  await push(path, next)
  const dry = await box.run(script, [...words, '--dry-run'])
  t.equal(dry.code, 0, dry.err)
  t.match(dry.err, /^~ clusters\/main\/platform\/backups\/schedules.yaml {2}regrow writes it anew$/m)
  const ended = await box.run(script, words)
  t.equal(ended.code, 0, ended.err)
  const plan = ['get', 'schedules.velero.io', '-n', 'velero', '-o', 'jsonpath={.items[*].spec.schedule}']
  t.ok(await eventually(async () => (await kubectl(...plan)).includes(` ${(Number(hour) + 5) % 24} `)))
})

t.test('a larger machine', async (t) => {
  const [script = '', ...words] = commandIn(readme, 'scale\\.mts')
  const ended = await box.run(script, [...words, '--size', 's-2vcpu-4gb', '--yes'])
  t.equal(ended.code, 0, ended.err)
})

t.test('Argo CD’s password', async (t) => {
  const [script = '', ...words] = commandIn(readme, 'scripts/kubeconfig\\.mts')
  const ended = await box.run(script, words)
  t.equal(ended.code, 0, ended.err)
  t.match(ended.out, /\S{16,}/)
})

t.test('the copied app leaves, and its data stays', async (t) => {
  for (const path of ['namespace', 'workload', 'ingress', ...(skip ? [] : ['database'])]
    .map((one) => `clusters/main/apps/shop/${one}.yaml`)
    .concat('storage/shop.yaml'))
    await leave(path)
  await refresh()
  const workload = ['get', 'statefulset', 'shop', '-n', 'shop', '--ignore-not-found', '-o', 'name']
  t.ok(await eventually(async () => (await kubectl(...workload)) === ''))
  const state = ['get', 'application', 'apps', '-n', 'argocd', '-o', 'jsonpath={.status.sync.status}']
  t.ok(await eventually(async () => (await kubectl(...state)) === 'Synced'), 'nothing is held against Git')
  t.equal(await kubectl('get', 'pvc', 'shop', '-n', 'shop', '-o', 'jsonpath={.status.phase}'), 'Bound')
})

t.test('everything comes back, onto a new machine', async (t) => {
  t.equal((await box.run('scripts/backup.mts')).code, 0)
  const [script = '', ...words] = commandIn(readme, 'restore\\.mts')
  const alive = await box.run(script, words)
  t.equal(alive.code, 1, 'not over a cluster that is alive')
  const ended = await box.run(script, [...words, '--replace', '--json'])
  t.equal(ended.code, 0, ended.err)
  t.match(JSON.parse(ended.out).headline, /^PROVEN/)
  t.equal(await kubectl('get', 'pvc', 'shop', '-n', 'shop', '-o', 'jsonpath={.status.phase}'), 'Bound')
})
