import { createDecipheriv, createHash, pbkdf2Sync } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import { load } from 'js-yaml'
import t from 'tap'
import { extract } from 'tar-stream'
import { bundleFiles, renderBundle } from '../src/index.ts'
import { agent, authorities, bundleWish, firstServer, secondServer } from './sample.ts'

const key = 'k'.repeat(22)
const kubernetes = {
  '00-secrets.yaml':
    'kind: Secret\ndata: {password: aHVudGVyMi1odW50ZXIy}\nstringData: {key: "line one of it\\nshort\\n"}\n',
  '90-platform.yaml': 'kind: Application\n',
}

t.test('the same wish gives the same bytes, another wish others', async (t) => {
  const one = await renderBundle(bundleWish(firstServer, { kubernetes }), key)
  const two = await renderBundle(bundleWish(firstServer, { kubernetes }), key)
  t.equal(one.sha256, two.sha256)
  t.equal(one.sha256, createHash('sha256').update(one.bytes).digest('hex'))
  const other = await renderBundle(bundleWish({ ...firstServer, tlsSans: [] }, { kubernetes }), key)
  t.not(other.sha256, one.sha256)
  const sealed = await renderBundle(bundleWish(firstServer, { kubernetes }), 'j'.repeat(22))
  t.not(sealed.sha256, one.sha256, 'so does another key')
})

// As `openssl aes-256-ctr -d -pbkdf2` does (test/real/node asks the real one).
function opened(bytes: Uint8Array): Buffer {
  const derived = pbkdf2Sync(key, bytes.subarray(8, 16), 10_000, 48, 'sha256')
  const decipher = createDecipheriv('aes-256-ctr', derived.subarray(0, 32), derived.subarray(32))
  return Buffer.concat([decipher.update(bytes.subarray(16)), decipher.final()])
}

t.test('modes are kept, times are none, secrets are for root alone', async (t) => {
  const wish = bundleWish(firstServer, { kubernetes })
  const { bytes } = await renderBundle(wish, key)
  const reader = extract()
  reader.end(gunzipSync(opened(bytes)))
  const seen: string[] = []
  for await (const entry of reader) {
    const { name, mode, mtime, uid } = entry.header
    seen.push(name)
    t.equal(mode, /^run$|\.sh$|\.py$/.test(name) ? 0o700 : 0o600, name)
    t.equal(mtime?.getTime(), 0)
    t.equal(uid, 0)
    entry.resume()
  }
  t.strictSame(seen, Object.keys(bundleFiles(wish)).sort())
})

t.test('a first server gets authorities and manifests, a joining node neither', async (t) => {
  const first = Object.keys(bundleFiles(bundleWish(firstServer, { kubernetes })))
  t.ok(first.includes('k3s/tls/etcd/peer-ca.key'))
  t.ok(first.includes('kubernetes/90-platform.yaml'))
  t.notOk(
    first.some((name) => name.includes('client-admin')),
    'with it k3s would write no kubeconfig',
  )
  for (const spec of [secondServer, agent]) {
    const files = bundleFiles(bundleWish(spec))
    t.notOk(Object.keys(files).some((name) => name.startsWith('k3s/tls') || name.startsWith('kubernetes')))
    const all = Object.values(files)
      .map(({ text }) => text)
      .join('')
    t.notOk(all.includes(authorities.server.key) || all.includes(authorities.client.key))
    t.equal(all.includes(firstServer.tokens.server), spec === secondServer, 'agents know no server token')
  }
})

t.test('a server has its policies for the API server, an agent none', async (t) => {
  for (const spec of [firstServer, secondServer]) {
    const files = bundleFiles(bundleWish(spec))
    const admission = load(files['k3s/admission.yaml']?.text ?? '')
    t.match(admission, {
      kind: 'AdmissionConfiguration',
      plugins: [
        {
          name: 'PodSecurity',
          configuration: {
            defaults: { enforce: 'privileged', audit: 'baseline', warn: 'baseline' },
            exemptions: { namespaces: ['kube-system', 'velero'] },
          },
        },
      ],
    })
    t.match(load(files['k3s/audit.yaml']?.text ?? ''), { kind: 'Policy', rules: Array })
  }
  const agents = Object.keys(bundleFiles(bundleWish(agent)))
  t.notOk(agents.some((name) => /audit|admission/.test(name)))
})

t.test('node.env can be sourced by a shell', async (t) => {
  const env = bundleFiles(bundleWish(agent))['node.env']?.text ?? ''
  t.match(env, "ROLE='agent'\n")
  t.match(env, "K3S_VERSION='v1.36.5+k3s1'\n")
  for (const line of env.trim().split('\n')) t.match(line, /^[A-Z0-9_]+='[^']*'$/)
})

t.test('the values that logs must not show are listed, longest first', async (t) => {
  const secrets = bundleFiles(bundleWish(firstServer, { kubernetes })).secrets?.text.trim().split('\n') ?? []
  for (const secret of [
    'server-token-0123456789',
    'hunter2-hunter2',
    'aHVudGVyMi1odW50ZXIy',
    'line one of it',
  ])
    t.ok(secrets.includes(secret), secret)
  t.notOk(secrets.includes('short'))
  t.strictSame(
    secrets,
    [...secrets].sort((a, b) => b.length - a.length || (a < b ? -1 : 1)),
  )
})

t.test('what stays to be hidden on the machine: the tokens, an agent’s its own alone', async (t) => {
  const { server, agent: own } = firstServer.tokens
  const kept = (spec: typeof agent) =>
    bundleFiles(bundleWish(spec, spec === firstServer ? { kubernetes } : {}))
      .tokens?.text.trim()
      .split('\n')
      .sort()
  const forms = (...tokens: string[]) =>
    tokens.flatMap((one) => [one, Buffer.from(one).toString('base64')]).sort()
  t.strictSame(kept(firstServer), forms(server, own))
  t.strictSame(kept(agent), forms(own))
})

t.test('extra files', async (t) => {
  const files = bundleFiles(
    bundleWish({ ...agent, files: [{ path: '/etc/motd', content: 'hello\n', mode: '0644' }] }),
  )
  t.equal(files['files/list']?.text, '0 0644 /etc/motd\n')
  t.equal(files['files/0']?.text, 'hello\n')
})

t.test('what is missing or wrong is named', async (t) => {
  const { authorities: _, ...withoutAuthorities } = bundleWish(firstServer)
  const { argocd: __, ...reports } = bundleWish(firstServer).reports
  const wrong: [Parameters<typeof bundleFiles>[0], RegExp][] = [
    [withoutAuthorities, /^the bundle of main-1 lacks the cluster's authorities$/],
    [bundleWish(firstServer, { reports }), /^the bundle of main-1 lacks the report URL of step argocd$/],
    [bundleWish(agent, { kubernetes }), /^main-3 joins a cluster, so it applies no manifests$/],
    [bundleWish(firstServer, { kubernetes: { 'x.yaml': '' } }), /^the manifest x\.yaml is not named like/],
    [bundleWish(firstServer, { kubernetes: { '10-a.yaml': 'a: [' } }), /10-a\.yaml is not valid YAML/],
  ]
  for (const [wish, message] of wrong) t.throws(() => bundleFiles(wish), { name: 'Problem', message })
})
