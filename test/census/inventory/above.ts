import * as make from '../make.ts'
import { ownedBy } from './owners.ts'

const { object, marked, optedOut } = make

/** Objects of kinds of the person’s own, and what they own. */
export const custom = () => [
  object('example.org/v1', 'Widget', 'attic/plain', { spec: { size: 3, color: 'green' } }),
  object('example.org/v1', 'Widget', 'attic/finalized', {
    spec: { size: 4 },
    metadata: { finalizers: ['example.org/hold'] },
  }),
  marked(make.deployment('attic/of-widget'), ownedBy('example.org/v1', 'Widget', 'plain')),
  make.secret('attic/of-widget', { a: 'b' }, { metadata: ownedBy('example.org/v1', 'Widget', 'plain') }),
  object('certs.example.org/v1', 'Issuer', 'everywhere', { spec: { email: 'ops@example.org' } }),
  object('bus.example.org/v1', 'Topic', 'attic/orders', { spec: { partitions: 3 } }),
  optedOut(object('bus.example.org/v1', 'Topic', 'attic/opted-out', { spec: { partitions: 1 } })),
]

/** Applications, projects and sets by hand. @param repoURL how Argo CD names the GitOps repository */
export const argo = (repoURL: string) => [
  make.application('team', repoURL, 'team', 'team'),
  make.application('tools', repoURL, 'tools', 'tools'),
  object('argoproj.io/v1alpha1', 'AppProject', 'argocd/of-erin', {
    spec: { sourceRepos: ['*'], destinations: [{ server: '*', namespace: '*' }] },
  }),
  object('argoproj.io/v1alpha1', 'ApplicationSet', 'argocd/stages', {
    spec: {
      generators: [{ list: { elements: [{ stage: 'one' }] } }],
      template: {
        metadata: { name: 'stage-{{stage}}' },
        spec: make.application('x', repoURL, 'stages/{{stage}}', 'team').spec,
      },
    },
  }),
  marked(
    make.application('stage-one', repoURL, 'stages/one', 'team'),
    ownedBy('argoproj.io/v1alpha1', 'ApplicationSet', 'stages'),
  ),
]

/** What people hang into the platform. */
export const platform = () => [
  object('admissionregistration.k8s.io/v1', 'ValidatingWebhookConfiguration', 'guard', {
    webhooks: [
      {
        name: 'guard.example.org',
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        failurePolicy: 'Ignore',
        timeoutSeconds: 1,
        clientConfig: { service: { name: 'plain', namespace: 'attic', path: '/check' } },
        rules: [
          { apiGroups: ['example.org'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['widgets'] },
        ],
      },
    ],
  }),
  object('admissionregistration.k8s.io/v1', 'MutatingWebhookConfiguration', 'helper', {
    webhooks: [
      {
        name: 'helper.example.org',
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        failurePolicy: 'Ignore',
        timeoutSeconds: 1,
        clientConfig: { service: { name: 'plain', namespace: 'attic', path: '/mutate' } },
        rules: [
          { apiGroups: ['example.org'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['widgets'] },
        ],
      },
    ],
  }),
  object('admissionregistration.k8s.io/v1', 'ValidatingAdmissionPolicy', 'no-latest', {
    spec: {
      matchConstraints: {
        resourceRules: [
          { apiGroups: ['example.org'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['widgets'] },
        ],
      },
      validations: [{ expression: 'true' }],
    },
  }),
  object('admissionregistration.k8s.io/v1', 'ValidatingAdmissionPolicyBinding', 'no-latest', {
    spec: { policyName: 'no-latest', validationActions: ['Audit'] },
  }),
  object('apiregistration.k8s.io/v1', 'APIService', 'v1beta1.metrics.example.org', {
    spec: {
      group: 'metrics.example.org',
      version: 'v1beta1',
      groupPriorityMinimum: 100,
      versionPriority: 100,
      service: { name: 'plain', namespace: 'attic' },
      insecureSkipTLSVerify: true,
    },
  }),
  object('storage.k8s.io/v1', 'CSIDriver', 'nfs.example.org', { spec: { attachRequired: false } }),
  object('velero.io/v1', 'Schedule', 'velero/yearly-of-erin', {
    spec: { schedule: '0 0 29 2 *', template: { includedNamespaces: ['attic'], ttl: '48h0m0s' } },
  }),
]
