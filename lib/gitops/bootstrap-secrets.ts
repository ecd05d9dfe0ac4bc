import { createHmac } from 'node:crypto'
import { dump } from 'js-yaml'
import { remember, type Secret } from '../secret.ts'
import type { Kit } from '../store/kit.ts'

/** Where the secrets of the first server come from. */
export interface SecretValues {
  /** Of the repository's values: how Argo CD reaches it. */
  values: { sshUrl: string }
  kit: Pick<Kit, 'kopiaPassword' | 'sealing' | 'argocd' | 'deploy'>
  /** S3 key that can reach the backups' bucket only. */
  veleroKey: { accessKey: string; secretKey: Secret }
  /** DigitalOcean token for volumes. */
  csiToken: Secret
}

/** Backups leave these out: they come from the kit. */
const unsaved = { 'velero.io/exclude-from-backup': 'true' }
const partOfArgocd = { 'app.kubernetes.io/part-of': 'argocd' }

/**
 * What must be in the cluster before Argo CD, as YAML: first one text with the namespaces, then one for each Secret
 * that no repository may hold. All Secrets are kept out of backups.
 */
export function bootstrapSecrets({ values, kit, veleroKey, csiToken }: SecretValues): string[] {
  const { sealing, argocd } = kit
  return [
    ['argocd', 'sealed-secrets', 'velero'].map(namespace).join('---\n'),
    // csi-digitalocean reads this name in this namespace.
    secret('kube-system', 'digitalocean', { 'access-token': csiToken.reveal() }),
    secret('velero', 'velero-credentials', {
      cloud: `[default]\naws_access_key_id=${veleroKey.accessKey}\naws_secret_access_key=${veleroKey.secretKey.reveal()}\n`,
    }),
    // Velero makes its own with a well-known password unless it finds this one.
    secret('velero', 'velero-repo-credentials', { 'repository-password': kit.kopiaPassword }),
    secret(
      'sealed-secrets',
      'sealed-secrets-key-regrow',
      { 'tls.crt': sealing.certificate, 'tls.key': sealing.key },
      { 'sealedsecrets.bitnami.com/sealed-secrets-key': 'active' },
      'kubernetes.io/tls',
    ),
    secret(
      'argocd',
      'argocd-secret',
      {
        'server.secretkey': argocd.serverSecret,
        'admin.password': argocd.passwordHash,
        'admin.passwordMtime': argocd.passwordAt,
      },
      { ...partOfArgocd, 'app.kubernetes.io/name': 'argocd-secret' },
    ),
    secret('argocd', 'argocd-redis', { auth: redisPassword(argocd.serverSecret) }, partOfArgocd),
    secret(
      'argocd',
      'regrow-repository',
      { type: 'git', url: values.sshUrl, sshPrivateKey: kit.deploy.privateKey },
      { ...partOfArgocd, 'argocd.argoproj.io/secret-type': 'repository' },
    ),
  ]
}

/** A cache lives and dies with its cluster, so the kit holds no password for it: it follows from the server's secret. */
function redisPassword(serverSecret: string): string {
  const password = createHmac('sha256', serverSecret).update('argocd-redis').digest('hex')
  remember(password)
  return password
}

const namespace = (name: string) => dump({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })

function secret(
  namespace: string,
  name: string,
  data: Record<string, string>,
  labels: Record<string, string> = {},
  type = 'Opaque',
): string {
  const encoded = Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')])
  return dump(
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name, namespace, labels: { ...labels, ...unsaved } },
      type,
      data: Object.fromEntries(encoded),
    },
    { lineWidth: -1 },
  )
}
