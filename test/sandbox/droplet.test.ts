import t, { type Test } from 'tap'
import { makeCertificate, makeClusterAuthorities, makeOperatorCertificate } from '#cloud-init/certificates.ts'
import type { BundleFiles } from '#cloud-init/index.ts'
import { application, argo, call } from './cluster-ground.ts'
import {
  authorities,
  clear,
  droplet,
  type Ground,
  ground,
  report,
  until,
  type Variation,
} from './droplet-ground.ts'

async function started(t: Test, change: Variation = {}): Promise<Ground> {
  const on = await ground()
  t.teardown(() => clear(on))
  await on.machines.boot(await droplet(on, change))
  return on
}

t.test('a droplet installs itself and serves the API with the authorities of its bundle', async (t) => {
  const on = await ground()
  t.teardown(() => clear(on))
  const hardware = await droplet(on)
  const reserved = on.world.addresses.host(200, 1)
  await on.machines.route(reserved, 1)
  await on.machines.boot(hardware)
  for (const step of ['started', 'fetch', 'host', 'k3s', 'argocd'])
    t.match(await report(on, step), { step, state: 'done', simulated: true }, step)
  t.notOk(on.objects.has('/bundles/main-1.tar.gz'), 'the bundle was deleted')
  for (const host of [hardware.publicAddress, reserved])
    t.match(await call(host, '/api/v1/nodes'), {
      status: 200,
      body: {
        items: [
          { metadata: { name: 'main-1' }, status: { conditions: [{ type: 'Ready', status: 'True' }] } },
        ],
      },
    })

  t.test('after a power cut it goes on where it was', async (t) => {
    await call(hardware.publicAddress, '/api/v1/namespaces', {
      method: 'POST',
      body: { metadata: { name: 'kept' } },
    })
    await on.machines.halt(1)
    await t.rejects(call(hardware.publicAddress, '/readyz'), 'a machine that is off serves nothing')
    for (const step of ['started', 'fetch', 'k3s', 'argocd']) on.objects.delete(`/nodes/main-1/${step}.json`)
    await on.machines.boot(hardware)
    const answer = await until(() => call(reserved, '/api/v1/namespaces/kept').catch(() => undefined))
    t.equal(answer.status, 200, 'what was in the cluster is still there')
    t.same(
      [...on.objects.keys()].filter((key) => /nodes\/main-1\/(started|fetch|k3s|argocd)/.test(key)),
      [],
      'nothing is repeated',
    )
  })

  t.test('the API trusts its own client CA alone', async (t) => {
    const { client } = await authorities()
    t.match(await call(reserved, '/api/v1/nodes', { tls: {} }), { status: 401 }, 'nobody')
    const now = new Date()
    const guest = await makeCertificate(client, { now, name: 'guest', usage: 'client' })
    t.match(await call(reserved, '/api/v1/nodes', { tls: guest }), { status: 403 }, 'without the group')
    const foreign = await makeOperatorCertificate(await makeClusterAuthorities({ now }), { now })
    t.match(await call(reserved, '/api/v1/nodes', { tls: foreign }), { status: 401 }, 'of another cluster')
  })

  t.test('others join with its token, and only with that', async (t) => {
    const join = { role: 'agent' as const, join: 'https://10.110.0.2:6443' }
    await on.machines.boot(await droplet(on, { id: 2, spec: join }))
    t.match(await report(on, 'k3s', 'main-2'), { state: 'done' })
    t.match(await call(reserved, '/api/v1/nodes/main-2'), { status: 200 })
    const tokens = { server: 'server-token-0123456789', agent: 'another-token-0123456789' }
    await on.machines.boot(await droplet(on, { id: 3, spec: { ...join, tokens } }))
    const failed = await report(on, 'k3s', 'main-3')
    t.match(failed, {
      state: 'failed',
      message: 'k3s-agent was started, but main-3 is not a Ready node yet.',
      log: /401 Unauthorized/,
    })
  })

  t.test('when the box was paused, the cluster is up before anybody asks', async (t) => {
    await on.world.end()
    const later = await ground({ dir: on.world.dir })
    t.teardown(() => later.end())
    await later.machines.boot(hardware)
    await later.machines.route(reserved, 1)
    t.match(await call(reserved, '/api/v1/namespaces/kept'), { status: 200 })
    t.notOk(later.objects.has('/nodes/main-1/started.json'), 'nothing is reported again')
  })
})

t.test('a machine whose user-data starts nothing of ours just runs', async (t) => {
  const on = await started(t, { hardware: { userData: '#cloud-config\npackages: [vim]\n' } })
  await new Promise((resolve) => setTimeout(resolve, 50))
  t.notOk(on.objects.has('/nodes/main-1/started.json'))
})

t.test('without a rule that lets anything out a machine is never heard of', async (t) => {
  let open = false
  const on = await started(t, { hardware: { canReachOut: () => open } })
  await new Promise((resolve) => setTimeout(resolve, 150))
  t.same(
    [...on.objects.keys()].filter((key) => key.startsWith('/nodes/')),
    [],
  )
  open = true
  t.match(await report(on, 'fetch'), { state: 'done' }, 'and goes on by itself when there is one')
})

const failures: [what: string, change: Variation, step: string, message: string | RegExp, log?: RegExp][] = [
  [
    'another bundle than the digest says',
    { digest: '0'.repeat(64) },
    'fetch',
    'main-1: the bundle differs from its digest',
  ],
  [
    'a bundle that was sealed with another key',
    { key: 'j'.repeat(22) },
    'fetch',
    'main-1: the bundle cannot be unpacked',
  ],
  [
    'an expired URL',
    { query: '?X-Amz-Date=20250101T000000Z&X-Amz-Expires=60', lost: true },
    'fetch',
    'main-1: the URL of the bundle has expired',
  ],
  ['a missing bundle', { lost: true }, 'fetch', /^main-1: the bundle cannot be fetched: 404 .*NoSuchKey/],
  [
    'another k3s than the digest says',
    { alter: (files) => edit(files, 'node.env', /(K3S_SHA256)='.*'/, "$1='00'") },
    'k3s',
    /^k3s from .* is not the one that was asked for: its SHA-256 is [0-9a-f]{64} instead of 00\.$/,
  ],
  [
    'a private network elsewhere',
    { spec: { network: '10.99.0.0/20' } },
    'k3s',
    'This machine has no address in the private network 10.99.0.0/20 yet.',
  ],
  [
    'an option that k3s does not have',
    { alter: (files) => edit(files, 'k3s/config.yaml', /^/, 'node-nme: x\n') },
    'k3s',
    'k3s was started, but main-1 is not a Ready node yet.',
    /flag provided but not defined: -node-nme/,
  ],
  [
    'a lost authority',
    { alter: (files) => delete files['k3s/tls/client-ca.key'] },
    'k3s',
    'client-ca.key is missing among the certificate authorities of the bundle',
  ],
  [
    'a manifest of an unknown kind',
    { kubernetes: { '10-x.yaml': 'apiVersion: a/v1\nkind: Odd\nmetadata: {name: x, namespace: default}\n' } },
    'argocd',
    'Kubernetes refused 10-x.yaml (the log has its words).',
    /no matches for kind "Odd" in version "a\/v1"/,
  ],
  [
    'a missing Secret of Argo CD',
    {
      kubernetes: {
        '10-a.yaml': argo.replace(/---\n[^\n]*argocd-secret[^\n]*\n/, ''),
        '20-b.yaml': application('platform', {}),
      },
    },
    'argocd',
    'statefulset.apps/argocd-application-controller in namespace argocd does not run yet.',
  ],
]
t.test('one thing altered each, and the step that fails', async (t) => {
  t.jobs = failures.length
  for (const [what, change, step, message, log] of failures)
    t.test(`${what}: ${step}`, { buffered: true }, async (t) => {
      const on = await started(t, change)
      const key = step === 'fetch' ? 'started' : step
      const failed = async () => [await report(on, key)].find((one) => one.state === 'failed')
      t.match(await until(failed), { step: key, message, simulated: true, ...(log ? { log } : {}) })
    })
})

t.test('a destroyed first server takes its cluster along', async (t) => {
  const on = await started(t)
  await report(on, 'argocd')
  await on.machines.halt(1)
  t.ok(on.world.load('clusters/main-1'))
  await on.machines.destroy(1)
  t.notOk(on.world.load('clusters/main-1'))
})

function edit(files: BundleFiles, path: string, what: RegExp, by: string): void {
  const file = files[path]
  if (file) file.text = file.text.replace(what, by)
}
