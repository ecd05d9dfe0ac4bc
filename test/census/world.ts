import { makeSealingKey } from '../../lib/store/sealing-key.ts'
import { argo, custom, platform } from './inventory/above.ts'
import { config, definitions, limits, namespaces, permissions, sealed, secrets } from './inventory/keeping.ts'
import { network, raw, storage, workloads } from './inventory/serving.ts'
import * as make from './make.ts'
import { app, type Scene } from './scene.ts'

const { object } = make

/** What the census needs of the cluster that it is made in. */
export interface Site {
  /** How Argo CD names the GitOps repository. */
  repoURL: string
  /** PEM of the certificate that the kit's key opens. */
  certificate: string
  /** Id of a volume that was ordered beforehand and that no claim has. */
  imported: string
  /** The node that it runs on. */
  node: string
}

/**
 * A person's cluster with everything in it that one may have: at least sixty kinds of things, each with a name that says
 * what it is.
 * @param devices whether claims of raw devices can be filled there
 */
export async function census(site: Site, { devices }: { devices: boolean }): Promise<Scene> {
  const foreign = await makeSealingKey({ now: new Date() })
  return {
    git: fromGit(),
    hand: [
      ...definitions(),
      ...namespaces(),
      ...config(),
      ...secrets(),
      ...sealed(site.certificate, foreign),
      ...permissions(),
      ...limits(),
      ...storage(site.imported),
      ...(devices ? [raw()] : []),
      ...network(),
      ...workloads(),
      ...custom(),
      ...argo(site.repoURL),
      ...platform(),
    ],
    restarted: ['sealed-secrets'],
    patches: [
      [
        { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } },
        { metadata: { labels: { owner: 'erin' } } },
      ],
      [
        { apiVersion: 'v1', kind: 'Node', metadata: { name: site.node } },
        { metadata: { labels: { disk: 'fast' } } },
      ],
      [make.deployment('market/web'), { spec: { replicas: 2 } }],
      [
        make.deployment('market/web'),
        { metadata: { annotations: { 'example.org/restarted': 'yesterday' } } },
      ],
      [make.deployment('attic/idle'), { spec: { replicas: 0 } }],
    ],
    bytes: {
      'attic/ledger': { 'books/2026': 'every sale', 'books/empty': '' },
      'attic/archive': { a: 'kept when its claim goes' },
      'attic/xfs': { b: 'on another file system' },
      'attic/own-class': { c: 'of a class of one’s own' },
      'attic/imported': { d: 'ordered beforehand' },
      'attic/data-db-0': { wal: 'first', base: 'second' },
      'attic/unused': { e: 'no pod mounts it' },
      'attic/late': { g: 'bound when a pod came' },
      'market/uploads': { f: 'a claim of Git’s' },
      'kube-system/metrics': { m: 'in the platform’s namespace' },
      ...(devices ? { 'attic/raw': { device: 'a database without a file system' } } : {}),
    },
    removed: [make.namespace('closing')],
    backup: 'schedule',
    after: [['wipe']],
  }
}

/** Below apps/ and two paths of their own that Applications by hand follow. */
const fromGit = () => ({
  [app('market/namespace.yaml')]: [make.namespace('market', { labels: { tier: 'front' } })],
  [app('market/web.yaml')]: [
    make.deployment('market/web', { claims: ['uploads'] }),
    make.claim('market/uploads'),
    make.service('market/web'),
    make.configMap('market/settings'),
    make.role('market/reader'),
    make.binding('market/reader', 'reader', 'market/web'),
    object('v1', 'ServiceAccount', 'market/web'),
  ],
  [app('market/later.yaml')]: [make.deployment('market/operator')],
  'team/api.yaml': [make.namespace('team'), make.deployment('team/api'), make.configMap('team/api')],
  'stages/one/settings.yaml': [make.configMap('team/stage-one')],
  'tools/cleaner.yaml': [make.namespace('tools'), make.cronJob('tools/cleaner')],
})
