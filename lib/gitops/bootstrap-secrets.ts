import { createHmac } from 'node:crypto'
import { z } from 'zod'
import { parsed } from '#cloud-init/spec.ts'
import { remember } from '../base/secret.ts'
import { optOut } from '../cluster/backup-rules.ts'

const text = z.string().min(1, 'is empty')

const secretValues = z.strictObject({
  /** How Argo CD reaches the repository: `git@github.com:<owner>/<name>.git`. */
  sshUrl: text,
  /** Private half of the read-only deploy key, OpenSSH format. */
  deployKey: text,
  /** DigitalOcean token for volumes, and whether it is one for that alone. */
  digitalOcean: z.strictObject({ token: text, isNarrower: z.boolean() }),
  /** S3 key that can reach the backups' bucket only. */
  velero: z.strictObject({ accessKey: text, secretKey: text }),
  kopiaPassword: text,
  /** What opens SealedSecrets, PEM. */
  sealing: z.strictObject({ certificate: text, key: text }),
  argocd: z.strictObject({
    serverSecret: text,
    /** bcrypt. */
    passwordHash: text,
    /** When it was set, RFC 3339. */
    passwordAt: text,
  }),
})

/** The secrets that the first server puts into the cluster before anything else. */
export type SecretValues = z.input<typeof secretValues>

/** A namespace or a Secret, ready to be written as YAML or JSON. */
export interface Manifest {
  apiVersion: 'v1'
  kind: 'Namespace' | 'Secret'
  metadata: { name: string; namespace?: string; labels?: Record<string, string> }
  type?: string
  data?: Record<string, string>
}

/** Backups leave these out: they come from the kit. */
const unsaved = { [optOut]: 'true' }

/**
 * The Secrets of {@link bootstrapSecrets}, `namespace/name`, with their keys: no backup holds them, because the kit does.
 * Argo CD's own is in backups nevertheless: people change its password, and add accounts and webhooks to it.
 */
export const kitSecrets: Readonly<Record<string, readonly string[]>> = {
  'kube-system/digitalocean': ['access-token'],
  'velero/velero-credentials': ['cloud'],
  'velero/velero-repo-credentials': ['repository-password'],
  'sealed-secrets/sealed-secrets-key-regrow': ['tls.crt', 'tls.key'],
  'argocd/argocd-redis': ['auth'],
  'argocd/regrow-repository': ['type', 'url', 'sshPrivateKey'],
}
const partOfArgocd = { 'app.kubernetes.io/part-of': 'argocd' }

/**
 * What must be in the cluster before Argo CD: namespaces first, then the Secrets that no repository may hold, all of
 * them kept out of backups but Argo CD's own.
 * @throws Problem naming every value that is missing
 */
export function bootstrapSecrets(given: SecretValues): Manifest[] {
  const values = parsed(secretValues, given, 'what the cluster is to keep secret')
  const { velero, sealing, argocd } = values
  return [
    ...['argocd', 'sealed-secrets', 'velero'].map(namespace),
    cloudToken(values.digitalOcean),
    veleroCredentials(velero),
    // Velero makes its own with a well-known password unless it finds this one.
    secret('velero', 'velero-repo-credentials', { 'repository-password': values.kopiaPassword }),
    secret(
      'sealed-secrets',
      'sealed-secrets-key-regrow',
      { 'tls.crt': sealing.certificate, 'tls.key': sealing.key },
      { 'sealedsecrets.bitnami.com/sealed-secrets-key': 'active' },
      'kubernetes.io/tls',
    ),
    argocdSecret(argocd),
    secret('argocd', 'argocd-redis', { auth: redisPassword(argocd.serverSecret) }, partOfArgocd),
    secret(
      'argocd',
      'regrow-repository',
      { type: 'git', url: values.sshUrl, sshPrivateKey: values.deployKey },
      { ...partOfArgocd, 'argocd.argoproj.io/secret-type': 'repository' },
    ),
  ]
}

/** The label of a DigitalOcean token that was made for the cluster alone: no wider one takes its place unasked. */
export const narrower = 'regrow.dev/narrower'

/** The DigitalOcean token in the cluster: csi-digitalocean reads this name in this namespace. */
export function cloudToken({ token, isNarrower }: { token: string; isNarrower: boolean }): Manifest {
  const labels: Record<string, string> = isNarrower ? { [narrower]: 'true' } : {}
  return secret('kube-system', 'digitalocean', { 'access-token': token }, labels)
}

/** The key with which Velero reaches the backups, in the form of an AWS credentials file. */
export function veleroCredentials(key: { accessKey: string; secretKey: string }): Manifest {
  return secret('velero', 'velero-credentials', {
    cloud: `[default]\naws_access_key_id=${key.accessKey}\naws_secret_access_key=${key.secretKey}\n`,
  })
}

function argocdSecret({ serverSecret, passwordHash, passwordAt }: SecretValues['argocd']): Manifest {
  const values = {
    'server.secretkey': serverSecret,
    'admin.password': passwordHash,
    'admin.passwordMtime': passwordAt,
  }
  const labels = { ...partOfArgocd, 'app.kubernetes.io/name': 'argocd-secret' }
  const { metadata, ...one } = secret('argocd', 'argocd-secret', values)
  return { ...one, metadata: { ...metadata, labels } }
}

/** A cache lives and dies with its cluster, so the kit holds no password for it: it follows from the server's secret. */
function redisPassword(serverSecret: string): string {
  const password = createHmac('sha256', serverSecret).update('argocd-redis').digest('hex')
  remember(password)
  return password
}

function namespace(name: string): Manifest {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }
}

function secret(
  namespace: string,
  name: string,
  data: Record<string, string>,
  labels: Record<string, string> = {},
  type = 'Opaque',
): Manifest {
  const encoded = Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')])
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace, labels: { ...labels, ...unsaved } },
    type,
    data: Object.fromEntries(encoded),
  }
}
