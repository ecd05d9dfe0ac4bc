#!/usr/bin/env -S sh -c 'exec node --max-semi-space-size=4 --import "$(dirname "$(realpath "$0")")/lib/commands/start.mjs" "$0" "$@"'
// Two tokens in, a running cluster out. Every verb looks first: run it again and nothing changes.
import {
  ensureClusterKey,
  ensureFirstBackup,
  lastBackupField,
  lastWhole,
  tellThreats,
  vouchForNew,
} from './lib/backup/index.ts'
import { Field, hint, portForward, useKubeconfig } from './lib/base/index.ts'
import { describe } from './lib/cluster/index.ts'
import { adoptingFlags, askingFlags, clusterFlags, ensureTools, run } from './lib/commands/index.ts'
import { claim } from './lib/gitops/index.ts'
import { applyRoot, ensureCloudToken, waitForApplication, waitForSample } from './lib/kubernetes/index.ts'
import {
  assertNoRestore,
  ensureFirstServer,
  ensureFoundation,
  ensureOtherMachines,
  plan,
  preflight,
  repairFirstServer,
} from './lib/machines/index.ts'
import { keepUpstream } from './lib/store/index.ts'

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
  const foundation = await ensureFoundation(cluster, { past: true }) // what is deleted from the backups stays for a while
  const { address, buckets } = foundation
  await assertNoRestore(cluster, buckets.kit) // one may have begun meanwhile: apps would start on missing data
  await repairFirstServer(cluster, buckets) // only where an earlier run left it in trouble
  const kube = await ensureFirstServer(cluster, foundation)
  await Promise.all([
    waitForApplication(kube, 'platform'), // CSI, Velero, sealed-secrets: by Argo CD
    ensureCloudToken(kube, cluster, buckets.kit),
    ensureClusterKey(kube, cluster, buckets), // what Velero opens the backups with
    keepUpstream(cluster, buckets.kit), // k3s, charts, manifests: a restore needs nobody else
  ])
  await applyRoot(kube, cluster, address) // the app of apps: ingress, backups, your apps
  await ensureOtherMachines(cluster, foundation) // the machines beside the first, where some are described: apps may need them
  await waitForApplication(kube, 'root')
  await waitForSample(kube, cluster)
  await ensureFirstBackup(kube, cluster, buckets)
  await vouchForNew(kube, cluster, buckets) // what the cluster made is told apart from what somebody puts beside it
  await tellThreats(kube, cluster) // what keeps the next backup from being whole

  return {
    address: address.ip,
    kubeconfig: new Field(kube.file, useKubeconfig(kube.file)),
    argoCd: new Field(undefined, [
      ...portForward(kube.file),
      'user admin, with the password of',
      hint('scripts/kubeconfig.mts', cluster, '--argocd-password'),
    ]),
    repository: repository.html_url,
    perMonth: new Field(planned.perMonth, `$${planned.perMonth.toFixed(2)}`),
    lastBackup: lastBackupField(await lastWhole(buckets, cluster), cluster),
  }
})
