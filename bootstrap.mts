#!/usr/bin/env -S sh -c 'exec node --max-semi-space-size=4 --import "$(dirname "$(realpath "$0")")/lib/commands/start.mjs" "$0" "$@"'
// Two tokens in, a running cluster out. Every verb looks first: run it again and nothing changes.
import { ageOf } from './lib/backup/backups.ts'
import { ensureClusterKey } from './lib/backup/take/cluster-key.ts'
import { firstBackup } from './lib/backup/take/first.ts'
import { tellThreats } from './lib/backup/take/threats.ts'
import { lastWhole } from './lib/backup/vouch/last.ts'
import { vouchForNew } from './lib/backup/vouch/witness.ts'
import { hint, portForward, useKubeconfig } from './lib/base/hint.ts'
import { describe } from './lib/cluster/cluster.ts'
import { adoptingFlags, askingFlags, clusterFlags } from './lib/commands/flags.ts'
import { run } from './lib/commands/run.ts'
import { ensureTools } from './lib/commands/tools/ensure-tools.ts'
import { claim } from './lib/gitops/claim.ts'
import { applyRoot, healthy } from './lib/kubernetes/applications.ts'
import { sampleBound } from './lib/kubernetes/claims.ts'
import { ensureCloudToken } from './lib/kubernetes/cloud-token.ts'
import { growFirstServer } from './lib/machines/first/grow.ts'
import { noRestoreUnderWay } from './lib/machines/first/restoration.ts'
import { reviveFirstServer } from './lib/machines/first/revive.ts'
import { ensureAddress } from './lib/machines/foundation/address.ts'
import { ensureNetwork } from './lib/machines/foundation/network.ts'
import { ensureProject } from './lib/machines/foundation/project.ts'
import { plan } from './lib/machines/preflight/plan.ts'
import { preflight } from './lib/machines/preflight/preflight.ts'
import { growOthers } from './lib/machines/scale/grow-others.ts'
import { ensureBuckets } from './lib/store/buckets.ts'
import { ensureKit } from './lib/store/kit.ts'
import { keepUpstream } from './lib/store/upstream.ts'

const bootstrap = {
  about: 'Two tokens in, a running cluster out. Run it again and nothing changes.',
  flags: {
    ...clusterFlags,
    region: { value: 'REGION', about: 'DigitalOcean region (fra1)' },
    size: { value: 'SIZE', about: 'droplet size, at least 2 GB (s-1vcpu-2gb)' },
    domain: { value: 'DOMAIN', about: 'domain of your apps, with certificates' },
    'admin-cidr': { value: 'CIDR,…', about: 'who may reach the Kubernetes API (0.0.0.0/0,::/0)' },
    config: { value: 'FILE', about: 'a cluster.yaml to start from (docs/cluster-yaml.md)' },
    ...adoptingFlags,
    ...askingFlags,
  },
}

await run(bootstrap, async ({ flags, confirm }) => {
  await ensureTools(flags) // doctl, kubectl, helm, velero: fetched if you agree
  const cluster = await describe(flags) // cluster.yaml in Git if it is there, else flags and defaults
  const own = await preflight(cluster) // every problem at once; nothing exists yet
  const planned = await plan(cluster, own)
  await confirm(planned) // what, and dollars a month

  const repository = await claim(cluster, 'bootstrap', flags) // the description is in Git before anything is bought
  const project = await ensureProject(cluster)
  const [network, address, buckets] = await Promise.all([
    ensureNetwork(cluster),
    ensureAddress(cluster, project),
    ensureBuckets(cluster, { past: true }), // what is deleted from the backups stays for a while
  ])
  await noRestoreUnderWay(cluster, buckets.kit) // one may have begun meanwhile: apps would start on missing data
  await reviveFirstServer(cluster, buckets) // only where an earlier run left it in trouble
  const kit = await ensureKit(buckets, cluster) // CAs, tokens, passwords: made once, found ever after
  const ground = { project, network, address, buckets, kit }
  const kube = await growFirstServer(cluster, ground)
  await Promise.all([
    healthy(kube, 'platform'), // CSI, Velero, sealed-secrets: by Argo CD
    ensureCloudToken(kube, cluster, buckets.kit),
    ensureClusterKey(kube, cluster, buckets), // what Velero opens the backups with
    keepUpstream(cluster, buckets.kit), // k3s, charts, manifests: a restore needs nobody else
  ])
  await applyRoot(kube, cluster, address) // the app of apps: ingress, backups, your apps
  await growOthers(cluster, ground) // the machines beside the first, where some are described: apps may need them
  await healthy(kube, 'root')
  await sampleBound(kube, cluster)
  await firstBackup(kube, cluster, buckets)
  await vouchForNew(kube, cluster, buckets) // what the cluster made is told apart from what somebody puts beside it
  await tellThreats(kube, cluster) // what keeps the next backup from being whole

  const lastBackup = ageOf(await lastWhole(buckets, cluster), cluster)
  const { ip } = address
  if (flags.json)
    return {
      address: ip,
      kubeconfig: kube.file,
      repository: repository.html_url,
      perMonth: planned.perMonth,
      lastBackup,
    }
  return {
    address: ip,
    kubeconfig: useKubeconfig(kube.file),
    argoCd: [
      ...portForward(kube.file),
      'user admin, with the password of',
      hint('scripts/kubeconfig.mts', cluster, '--argocd-password'),
    ],
    repository: repository.html_url,
    perMonth: `$${planned.perMonth.toFixed(2)}`,
    lastBackup,
  }
})
