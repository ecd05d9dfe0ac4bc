#!/usr/bin/env -S npx tsx
// Two tokens in, a running cluster out. Every verb looks first: run it again and nothing changes.
import { ageOf, lastWhole } from './lib/backup/backups.ts'
import { firstBackup } from './lib/backup/first.ts'
import { describe } from './lib/cluster/cluster.ts'
import { growFirstServer } from './lib/cluster/grow.ts'
import { plan } from './lib/cluster/plan.ts'
import { preflight } from './lib/cluster/preflight.ts'
import { claim } from './lib/gitops/claim.ts'
import { rootApplication } from './lib/gitops/root.ts'
import { applyRoot, claimBound, healthy } from './lib/kubernetes/applications.ts'
import { run } from './lib/run.ts'

await run('bootstrap', async ({ flags, confirm }) => {
  const cluster = await describe(flags) // cluster.yaml in Git if it is there, else flags and defaults
  await preflight(cluster) // every problem at once; nothing exists yet
  const planned = await plan(cluster) // what, and dollars a month
  await confirm(planned)

  const repository = await claim(cluster, 'bootstrap', flags) // the description is in Git before anything is bought
  const { kube, address, buckets } = await growFirstServer(cluster, repository)
  await healthy(kube, 'platform') // CSI, Velero, sealed-secrets: by Argo CD
  await applyRoot(kube, rootApplication(cluster)) // the app of apps: ingress, backups, your apps
  await healthy(kube, 'root')
  await claimBound(kube, 'hello')
  await firstBackup(cluster, kube, buckets.velero)

  return {
    address,
    kubeconfig: `export KUBECONFIG=${kube.file}`,
    argoCD: [
      'kubectl -n argocd port-forward svc/argocd-server 8080:443, then https://localhost:8080, user admin',
      `password: ./scripts/kubeconfig.mts --name ${cluster.name} --argocd-password`,
    ],
    repository: repository.html_url,
    perMonth: `$${planned.perMonth.toFixed(2)}`,
    lastBackup: ageOf(await lastWhole(buckets.velero), new Date(Date.now() + cluster.cloud.clockOffset())),
  }
})
