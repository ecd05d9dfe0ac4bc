import t from 'tap'
import { redact } from '../../lib/base/secret.ts'
import {
  bootstrapSecrets,
  kitSecrets,
  type Manifest,
  type SecretValues,
} from '../../lib/gitops/bootstrap-secrets.ts'

const values: SecretValues = {
  sshUrl: 'git@github.com:alice/regrow-main.git',
  deployKey: 'the deploy key',
  digitalOcean: { token: 'dop_v1_token', isNarrower: false },
  velero: { accessKey: 'DO00ACCESS', secretKey: 'velero secret' },
  kopiaPassword: 'the kopia password',
  sealing: { certificate: 'the certificate', key: 'the sealing key' },
  argocd: { serverSecret: 'server secret', passwordHash: '$2a$10$hash', passwordAt: '2026-11-23T00:00:00Z' },
}

t.test('namespaces first, then every Secret that the cluster cannot make itself', async (t) => {
  const objects = bootstrapSecrets(values)
  t.same(
    objects.map(({ kind, metadata }) => [kind, metadata.namespace, metadata.name].filter(Boolean).join(' ')),
    [
      'Namespace argocd',
      'Namespace sealed-secrets',
      'Namespace velero',
      'Secret kube-system digitalocean',
      'Secret velero velero-credentials',
      'Secret velero velero-repo-credentials',
      'Secret sealed-secrets sealed-secrets-key-regrow',
      'Secret argocd argocd-secret',
      'Secret argocd argocd-redis',
      'Secret argocd regrow-repository',
    ],
  )
  const isSaved = ({ metadata }: Manifest) => metadata.labels?.['velero.io/exclude-from-backup'] !== 'true'
  const secrets = objects.filter((one) => one.kind === 'Secret' && !isSaved(one))
  t.same(
    objects.filter((one) => one.kind === 'Secret' && isSaved(one)).map(({ metadata }) => metadata.name),
    ['argocd-secret'],
    'backups have the one that people change',
  )
  t.same(
    secrets.map(({ metadata: { namespace, name } }) => `${namespace}/${name}`),
    Object.keys(kitSecrets),
    'and that they are out of backups is no fault',
  )
  for (const { metadata, data } of secrets) {
    const known = kitSecrets[`${metadata.namespace}/${metadata.name}`]
    t.same(
      Object.keys(data ?? {}).filter((key) => !known?.includes(key)),
      [],
      'nor is any of their keys',
    )
  }
})

t.test('each Secret says what its reader looks for', async (t) => {
  t.same(data('digitalocean'), { 'access-token': 'dop_v1_token' })
  t.same(data('velero-credentials'), {
    cloud: '[default]\naws_access_key_id=DO00ACCESS\naws_secret_access_key=velero secret\n',
  })
  t.same(data('velero-repo-credentials'), { 'repository-password': 'the kopia password' })
  t.same(data('sealed-secrets-key-regrow'), { 'tls.crt': 'the certificate', 'tls.key': 'the sealing key' })
  t.same(data('argocd-secret'), {
    'server.secretkey': 'server secret',
    'admin.password': '$2a$10$hash',
    'admin.passwordMtime': '2026-11-23T00:00:00Z',
  })
  t.same(data('regrow-repository'), {
    type: 'git',
    url: 'git@github.com:alice/regrow-main.git',
    sshPrivateKey: 'the deploy key',
  })
  t.match(labels('sealed-secrets-key-regrow'), { 'sealedsecrets.bitnami.com/sealed-secrets-key': 'active' })
  t.match(labels('argocd-secret'), { 'app.kubernetes.io/part-of': 'argocd' })
  t.match(labels('regrow-repository'), { 'argocd.argoproj.io/secret-type': 'repository' })
})

t.test('the cache’s password follows from the server’s secret and is never printed', async (t) => {
  const { auth = '' } = data('argocd-redis')
  t.match(auth, /^[0-9a-f]{64}$/)
  t.same(data('argocd-redis'), { auth }, 'the same each time')
  t.not(data('argocd-redis', { ...values, argocd: { ...values.argocd, serverSecret: 'another' } }).auth, auth)
  t.equal(redact(`auth ${auth}`), 'auth [redacted]')
})

t.test('nothing may be missing', async (t) => {
  t.throws(() => bootstrapSecrets({ ...values, kopiaPassword: '' }), { message: /kopiaPassword is empty/ })
})

function object(name: string, of = values) {
  const found = bootstrapSecrets(of).find(({ metadata }) => metadata.name === name)
  if (!found) throw new Error(`no Secret ${name}`)
  return found
}

const labels = (name: string) => object(name).metadata.labels

function data(name: string, of = values): Record<string, string> {
  return Object.fromEntries(
    Object.entries(object(name, of).data ?? {}).map(([key, value]) => [
      key,
      Buffer.from(value, 'base64').toString(),
    ]),
  )
}
