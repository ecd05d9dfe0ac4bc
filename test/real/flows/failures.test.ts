import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { z } from 'zod'
import { confirmed, openTestBox, type TestBox } from '../../flows/box.ts'
import { jumpingClock } from '../../flows/jumping-clock.ts'
import { ageNote, kitFolder } from '../../flows/notes.ts'

// One thing altered each in a SIMULATED world, and the flow says which step failed and why.

const put = (what: RegExp) => (entry: { method: string; path: string }) =>
  entry.method === 'PUT' && what.test(entry.path)
const bundle = /-kit\/bundles\/main-1\.tar\.gz/

t.test('a changed byte in the bundle: fetch', async (t) => {
  const box = await openTestBox(t)
  const [ended] = await Promise.all([
    box.run('bootstrap.mts'),
    box.once(put(bundle), async () => {
      const file = bundleFile(box)
      const bytes = readFileSync(file)
      bytes[100] = (bytes[100] ?? 0) ^ 1
      writeFileSync(file, bytes)
    }),
  ])
  t.equal(ended.code, 1)
  t.match(ended.err, 'step “fetch” of main-1 failed: main-1: the bundle differs from its digest')
  t.match(ended.err, 'run the same command again')
})

t.test('k3s that is not the one asked for: k3s', async (t) => {
  const box = await openTestBox(t)
  const ended = await Promise.all([
    box.run('bootstrap.mts'),
    box.once(put(bundle), async () => box.behave({ corrupt: ['/k3s$'] })),
  ]).then(([first]) => first)
  t.equal(ended.code, 1)
  t.match(
    ended.err,
    /step “k3s” of main-1 failed: k3s from \S+ is not the one that was asked for: its SHA-256 is [0-9a-f]{64} instead of [0-9a-f]{64}/,
  )
})

t.test(
  'an image of Argo CD that no registry serves: argocd, and once it does the same command completes',
  async (t) => {
    const box = await openTestBox(t)
    box.behave({ unpullable: ['argoproj/argocd'] })
    const started = performance.now()
    const ended = await box.run('bootstrap.mts')
    t.equal(ended.code, 1, ended.err)
    t.ok(performance.now() - started < 60_000, 'told when the machine gives up, and not when the wait does')
    t.match(ended.err, /^\+ main-1: k3s {2}simulated/m)
    t.match(
      ended.err,
      /^x step “argocd” of main-1 failed: (deployment|statefulset).apps\/\S+ in namespace argocd does not run yet\.$/m,
    )
    t.match(ended.err, '→ Fix the cause; the node tries again by itself after a reboot.')
    box.behave({})
    const again = await box.run('bootstrap.mts')
    t.equal(again.code, 0, again.err)
    t.match(again.err, '~ droplet main-1  power-cycled: its step “argocd” had failed')
  },
)

/** Files of a person's app in Git, one mistake each; what Kubernetes says of it. */
const mistakes = [
  {
    what: 'a password that nobody wrote',
    says: /pod hello\/locked-\S+: CreateContainerConfigError: secret "nowhere" not found/,
    file: `apiVersion: apps/v1
kind: Deployment
metadata: {name: locked, namespace: hello}
spec:
  selector: {matchLabels: {app: locked}}
  template:
    metadata: {labels: {app: locked}}
    spec:
      containers:
        - {name: locked, image: 'busybox:1', env: [{name: PASSWORD, valueFrom: {secretKeyRef: {name: nowhere, key: a}}}]}
`,
  },
  {
    what: 'a claim larger than DigitalOcean makes',
    says: /claim hello\/huge: .*required \(20000Gi\) can not exceed maximum supported volume size/,
    file: `apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: huge, namespace: hello}
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 20000Gi}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: huge, namespace: hello}
spec:
  selector: {matchLabels: {app: huge}}
  template:
    metadata: {labels: {app: huge}}
    spec:
      containers:
        - {name: huge, image: 'busybox:1', volumeMounts: [{name: data, mountPath: /data}]}
      volumes: [{name: data, persistentVolumeClaim: {claimName: huge}}]
`,
  },
]

t.test('a running cluster: the next bootstrap and status name what is not well and why', async (t) => {
  const box = await openTestBox(t)
  t.equal((await box.run('bootstrap.mts')).code, 0)
  const path = '/repos/bob/regrow-main/contents/clusters/main/apps/mistake.yaml'
  for (const { what, says, file } of mistakes)
    await t.test(`${what}: apps, which is told`, async (t) => {
      const before = z
        .object({ sha: z.string() })
        .safeParse(await box.github('GET', path).catch(() => undefined))
      await box.github('PUT', path, {
        message: what,
        content: Buffer.from(file).toString('base64'),
        ...(before.success ? { sha: before.data.sha } : {}),
      })
      t.match(await trouble(box, says), says)
      const ended = await box.run('bootstrap.mts')
      t.equal(ended.code, 0, `${ended.err}: a person’s own apps are told, and not waited for`)
      t.match(ended.err, /^! application apps {2}\w+, (Progressing|Degraded)/m)
      t.match(ended.err, says)
      t.match(await application(box, 'apps', /Progressing|Degraded/), /^\w+, (Progressing|Degraded)/)
    })
  await t.test('the Secret of the platform is missing: csi-driver', async (t) => {
    const kubeSystem = ['-n', 'kube-system']
    const removed = await box.run('kubectl', ['delete', 'secret', 'digitalocean', ...kubeSystem])
    t.equal(removed.code, 0, removed.err)
    await box.run('kubectl', ['delete', 'pods', ...kubeSystem, '-l', 'app=csi-do-controller', '--wait=false'])
    const line = await application(box, 'csi-driver', /Progressing|Degraded/)
    t.match(line, /^Synced, (Progressing|Degraded)/)
    const { out } = await box.run('scripts/status.mts')
    t.match(
      out,
      /pod kube-system\/csi-do-controller-\S+: CreateContainerConfigError: secret "digitalocean" not found/,
    )
  })
  await t.test('a chart that is not the recorded one, and no copy: before anything is bought', async (t) => {
    await box.run('scripts/destroy.mts', confirmed())
    rmSync(join(kitFolder(box), 'upstream', 'argo-cd'), { recursive: true })
    box.behave({ corrupt: ['argo-cd.*\\.tgz'] })
    const ended = await box.run('bootstrap.mts')
    t.equal(ended.code, 1)
    t.match(ended.err, /argo-cd.*(digest|SHA-256)/i)
    t.same((await box.cloud('GET', '/v2/droplets')).droplets, [])
  })
})

t.test('a firewall that lets nothing out: the machine is silent, and named after its time', async (t) => {
  const box = await openTestBox(t)
  const { env, jump } = jumpingClock(box)
  const [ended] = await Promise.all([
    box.run('bootstrap.mts', [], { env }),
    box.once(put(bundle), async () => {
      const { firewalls } = z
        .object({ firewalls: z.array(z.object({ id: z.string() })) })
        .parse(await box.cloud('GET', '/v2/firewalls'))
      await box.cloud('PUT', `/v2/firewalls/${firewalls[0]?.id}`, {
        name: 'main-firewall',
        tags: ['regrow:main'],
        inbound_rules: [{ protocol: 'tcp', ports: '6443', sources: { addresses: ['0.0.0.0/0'] } }],
      })
      const assigned = /^\/v2\/reserved_ips\/.*\/actions$/
      await box.once(
        ({ path }) => assigned.test(path),
        async () => {},
      )
      await box.once(
        ({ path }) => path.includes('/nodes/main-1/started.json'),
        async () => jump(),
      )
    }),
  ])
  t.equal(ended.code, 1, ended.err)
  t.match(ended.err, /^x nothing was heard from main-1 within 900 s$/m)
  t.match(ended.err, '→ Is the way out of its firewall and network open?')
  t.notMatch(ended.err, 'main-1: started', 'not even its first report came through')
  t.notMatch(ended.err, 'node main-1')
  // It may try still, and goes on as soon as the way is open; or it gave up, and another takes its place.
  ageNote(box, 'main-1', 901)
  const again = await box.run('bootstrap.mts')
  t.equal(again.code, 0, again.err)
  t.match(again.err, '~ firewall main-firewall')
  t.match(again.err, /^[+=] node main-[12] {2}Ready/m)
})

t.test('a caller whom the firewall shuts out: the API', async (t) => {
  const box = await openTestBox(t)
  const flow = new AbortController()
  const [ended] = await Promise.all([
    box.run('bootstrap.mts', ['--admin-cidr', '203.0.113.7/32'], { interrupt: flow.signal }),
    box.once(put(/-kit\/nodes\/main-1\/argocd\.json/), async () => {
      setTimeout(() => flow.abort(), 40_000)
    }),
  ])
  t.equal(ended.code, 130)
  t.match(ended.err, '+ main-1: argocd', 'the machine reports without the API')
  t.match(
    ended.err,
    /^! the Kubernetes API at \S+:6443 does not answer {2}Port 6443 of \S+ is open to 203\.0\.113\.7\/32.*(your own address|This machine has)/m,
  )
  const status = await box.run('scripts/status.mts')
  t.match(status.out, /^api +does not answer at \S+:6443$/m)
  t.match(status.out, 'is open to 203.0.113.7/32')
  await t.test('whose own address is known does not wait long', async (t) => {
    const module = box.file(
      'outside.mjs',
      `import os from 'node:os'
import { syncBuiltinESMExports } from 'node:module'
os.networkInterfaces = () => ({ eth0: [{ family: 'IPv4', address: '198.51.100.9' }] })
syncBuiltinESMExports()
`,
    )
    const started = performance.now()
    const known = await box.run('bootstrap.mts', [], { env: { NODE_OPTIONS: `--import ${module}` } })
    t.equal(known.code, 1)
    t.match(known.err, '! this machine has 198.51.100.9, which --admin-cidr does not let in')
    t.match(known.err, /^x the Kubernetes API at \S+:6443 does not answer, though its machine is ready/m)
    t.match(known.err, '--admin-cidr 203.0.113.7/32,198.51.100.9/32 lets it in')
    t.ok(performance.now() - started < 150_000, 'instead of five minutes')
  })
  const open = await box.run('bootstrap.mts', ['--admin-cidr', '203.0.113.7/32,127.0.0.0/8'])
  t.equal(open.code, 0, open.err)
  t.match(open.err, '~ firewall main-firewall')
})

/** The state of an Application in status, as soon as it reads like this. */
async function application(box: TestBox, name: string, wanted: RegExp): Promise<string> {
  let line = ''
  for (let tries = 0; tries < 8; tries++) {
    const ended = await box.run('scripts/status.mts', ['--json'])
    const { applications } = z
      .object({ applications: z.array(z.object({ name: z.string(), state: z.string() })) })
      .parse(JSON.parse(ended.out))
    line = applications.find((one) => one.name === name)?.state ?? ''
    if (wanted.test(line)) return line
  }
  return line
}

/** What status says of the apps, as soon as it says this. */
async function trouble(box: TestBox, wanted: RegExp): Promise<string> {
  for (let tries = 1; ; tries++) {
    const { out } = await box.run('scripts/status.mts')
    if (wanted.test(out) || tries === 8) return out
  }
}

const bundleFile = (box: TestBox) => join(kitFolder(box), 'bundles', 'main-1.tar.gz@')
