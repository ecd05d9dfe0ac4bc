import { sealSecrets } from '../../../lib/gitops/sealing.ts'
import * as make from '../make.ts'
import type { Thing } from '../things.ts'
import { ownedBy } from './owners.ts'

const { object, marked, optedOut } = make

/** Kinds of the person’s own. */
export const definitions = () => [
  make.definition('Widget', 'example.org', {
    schema: {
      type: 'object',
      properties: {
        spec: { type: 'object', properties: { size: { type: 'integer' }, color: { type: 'string' } } },
      },
    },
  }),
  make.definition('Issuer', 'certs.example.org', { scope: 'Cluster' }),
  // Its operator comes from Git, later than what it is to look after.
  make.definition('Topic', 'bus.example.org'),
]

/** Namespaces: with labels, without anything in them, on their way out. */
export const namespaces = () => [
  make.namespace('attic', { labels: { team: 'erin' }, annotations: { 'example.org/cost-center': '17' } }),
  make.namespace('vault', { labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } }),
  make.namespace('empty'),
  make.namespace('closing'),
  make.configMap('closing/held', {}, { metadata: { finalizers: ['example.org/hold'] } }),
]

/** ConfigMaps of every sort. */
export const config = () => [
  make.configMap('attic/plain', { a: '1', yes: 'no', number: '0x1F' }),
  make.configMap('attic/binary', {}, { binaryData: { blob: 'AAECAwQ=' } }),
  make.configMap('attic/immutable', { fixed: 'yes' }, { immutable: true }),
  make.configMap('attic/finalized', { a: '1' }, { metadata: { finalizers: ['example.org/hold'] } }),
  make.configMap('attic/owned', { a: '1' }, { metadata: ownedBy('v1', 'ConfigMap', 'plain') }),
  make.configMap('attic/annotated', {}, { metadata: { annotations: { 'example.org/note': 'ü €' } } }),
  make.configMap('kube-system/by-erin', { here: 'too' }),
  make.configMap('default/by-erin', { here: 'too' }),
]

/** Secrets of every type, in the platform’s namespaces too. */
export const secrets = () => [
  make.secret('vault/opaque'),
  make.secret('vault/immutable', { a: 'b' }, { immutable: true }),
  make.secret('vault/tls', { 'tls.crt': 'CERT', 'tls.key': 'KEY' }, { type: 'kubernetes.io/tls' }),
  make.secret(
    'vault/registry',
    { '.dockerconfigjson': '{"auths":{}}' },
    { type: 'kubernetes.io/dockerconfigjson' },
  ),
  make.secret('vault/basic', { username: 'erin', password: 'x' }, { type: 'kubernetes.io/basic-auth' }),
  make.secret('vault/ssh', { 'ssh-privatekey': 'KEY' }, { type: 'kubernetes.io/ssh-auth' }),
  make.secret('vault/finalized', { a: 'b' }, { metadata: { finalizers: ['example.org/hold'] } }),
  make.secret(
    'attic/sh.helm.release.v1.blog.v1',
    { release: 'H4sIAAAA' },
    { type: 'helm.sh/release.v1', metadata: { labels: { owner: 'helm', name: 'blog', status: 'deployed' } } },
  ),
  make.secret(
    'argocd/repo-charts',
    { type: 'helm', url: 'https://charts.example.org' },
    {
      metadata: { labels: { 'argocd.argoproj.io/secret-type': 'repository' } },
    },
  ),
  optedOut(make.secret('vault/opted-out')),
  object('v1', 'ServiceAccount', 'vault/robot', { imagePullSecrets: [{ name: 'registry' }] }),
  object('v1', 'Secret', 'vault/robot-token', {
    type: 'kubernetes.io/service-account-token',
    metadata: { annotations: { 'kubernetes.io/service-account.name': 'robot' } },
  }),
]

/** One that the kit's key opens, sealed as kubeseal does; and a key from an earlier cluster with what it opens. */
export function sealed(certificate: string, foreign: { certificate: string; key: string }): Thing[] {
  const seal = (id: string, pem: string) => {
    const [one] = sealSecrets([make.secret(id, { password: `of ${id}` })], pem) as [Thing]
    const template = { metadata: { name: one.metadata.name, namespace: one.metadata.namespace } }
    return { ...one, spec: { ...(one.spec as object), template } }
  }
  return [
    seal('vault/from-kit', certificate),
    make.secret(
      'sealed-secrets/key-of-the-old-house',
      { 'tls.crt': foreign.certificate, 'tls.key': foreign.key },
      {
        type: 'kubernetes.io/tls',
        metadata: { labels: { 'sealedsecrets.bitnami.com/sealed-secrets-key': 'active' } },
      },
    ),
    seal('vault/from-old-house', foreign.certificate),
  ]
}

/** Who may do what. */
export const permissions = () => [
  make.role('attic/reader'),
  make.binding('attic/erin', 'reader'),
  make.binding('attic/robot', 'reader', 'vault/robot'),
  make.clusterRole('auditor'),
  marked(make.clusterRole('auditor-more'), {
    labels: { 'rbac.authorization.k8s.io/aggregate-to-view': 'true' },
  }),
  make.binding('auditor', 'auditor'),
  make.binding('auditor-robot', 'auditor', 'vault/robot'),
]

/** What bounds and orders workloads. */
export const limits = () => [
  object('v1', 'ResourceQuota', 'attic/quota', { spec: { hard: { pods: '50' } } }),
  object('v1', 'LimitRange', 'attic/limits', {
    spec: {
      limits: [{ type: 'Container', default: { memory: '64Mi' }, defaultRequest: { memory: '16Mi' } }],
    },
  }),
  object('scheduling.k8s.io/v1', 'PriorityClass', 'urgent', { value: 1000, description: 'first' }),
  object('node.k8s.io/v1', 'RuntimeClass', 'gvisor', { handler: 'runsc' }),
  object('policy/v1', 'PodDisruptionBudget', 'attic/by-hand', {
    spec: { maxUnavailable: 1, selector: { matchLabels: { app: 'by-hand' } } },
  }),
  object('autoscaling/v2', 'HorizontalPodAutoscaler', 'attic/by-hand', {
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'by-hand' },
      minReplicas: 1,
      maxReplicas: 3,
    },
  }),
]
