import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { dump } from 'js-yaml'
import { holdsSince, mayChange } from '../../base/change.ts'
import { isDryRun } from '../../base/dry-run.ts'
import { Problem } from '../../base/problem.ts'
import { tell } from '../../base/story.ts'
import { workFolder } from '../../base/work-folder.ts'
import type { ReservedIp } from '../../clients/digitalocean-types.ts'
import { helm } from '../../clients/tools.ts'
import { bucketPlaces, type Cluster } from '../../cluster/cluster.ts'
import { chartOf, versionsOf } from '../../cluster/versions.ts'
import { bootstrapSecrets } from '../../gitops/bootstrap-secrets.ts'
import { applicationInGit, argocdInGit } from '../../gitops/in-git.ts'
import { valuesOf } from '../../gitops/repository-values.ts'
import type { Buckets } from '../../store/buckets.ts'
import { mintKey, nextVeleroKey, type SpacesKeyPair } from '../../store/keys.ts'
import type { Kit } from '../../store/kit.ts'
import { clusterOwnKey } from '../../store/other-store.ts'
import { upstreamContent } from '../../store/upstream.ts'
import { findDroplets } from '../foundation/droplet.ts'
import { commonSpec, deliver } from './bundle.ts'

/** What a first server is grown from. */
export interface Seedling {
  kit: Kit
  buckets: Buckets
  address: ReservedIp
}

/** The name of the first server. */
export function firstServerName(cluster: Cluster): string {
  const [first] = cluster.wanted.nodes
  if (!first) throw new Problem(`cluster ${cluster.name} describes no machine`)
  return first.name
}

/**
 * Makes the bundle of the first server and the user-data that leads to it; its URLs are signed for seven days. With it
 * the cluster's own key is minted. Nothing is made for a droplet that is already there: its user-data cannot change.
 */
export async function ensureBundle(cluster: Cluster, seedling: Seedling): Promise<string> {
  const name = firstServerName(cluster)
  const looked = performance.now()
  const isThere = async (since: number) => (await findDroplets(cluster, name, since)).length > 0
  if (await isThere(holdsSince())) {
    tell('=', `bundle of ${name}`, 'its droplet is there')
    return ''
  }
  if (!isDryRun()) {
    const since = (await mayChange(looked)) ? performance.now() : looked
    if (await isThere(since)) return ''
  }
  const [argocd, platform, veleroKey] = await Promise.all([
    renderArgoCd(cluster, seedling),
    applicationInGit(cluster, 'platform', seedling.address.ip),
    clusterKey(cluster),
  ])
  if (isDryRun()) return ''
  const wish = await bundleWish(cluster, seedling, { argocd, platform }, veleroKey)
  return deliver(cluster, seedling.buckets, wish, {
    veleroKey: veleroKey.accessKey,
    address: seedling.address.ip,
  })
}

async function bundleWish(
  cluster: Cluster,
  seedling: Seedling,
  { argocd, platform }: { argocd: string; platform: string },
  veleroKey: SpacesKeyPair,
): Promise<Parameters<typeof deliver>[2]> {
  const { kit, address } = seedling
  const values = valuesOf(cluster, address.ip)
  const objects = bootstrapSecrets({
    sshUrl: values.sshUrl,
    deployKey: kit.deploy.privateKey,
    digitalOcean: {
      token: cluster.tokens.csi.reveal(),
      isNarrower: cluster.tokens.csi.reveal() !== cluster.tokens.digitalocean.reveal(),
    },
    velero: { accessKey: veleroKey.accessKey, secretKey: veleroKey.secretKey.reveal() },
    kopiaPassword: kit.kopiaPassword,
    sealing: kit.sealing,
    argocd: {
      serverSecret: kit.argocd.serverSecret,
      passwordHash: kit.argocd.passwordHash,
      passwordAt: kit.argocd.passwordAt,
    },
  })
  return {
    node: {
      ...(await commonSpec(cluster, seedling)),
      name: firstServerName(cluster),
      role: 'first-server',
      externalAddress: address.ip,
    },
    authorities: kit.authorities,
    kubernetes: {
      '10-secrets.yaml': objects.map((one) => dump(one, { lineWidth: -1 })).join('---\n'),
      '20-argocd.yaml': argocd,
      '30-platform.yaml': platform,
    },
  }
}

/** Argo CD's manifests, rendered here by helm from the chart that was checked: the node needs no helm. */
async function renderArgoCd(cluster: Cluster, { address, buckets }: Seedling): Promise<string> {
  const release = await argocdInGit(cluster, address.ip)
  const chart = chartOf('argo-cd', versionsOf(cluster.wanted.versions))
  const bytes = await upstreamContent(cluster, buckets.kit, { name: 'argo-cd', chart })
  const file = join(workFolder(), `argo-cd-${chart.version}.tgz`)
  await writeFile(file, bytes)
  const rendered = await helm(
    release.values,
  )`template ${release.release} ${file} --namespace ${release.namespace} --kube-version ${release.kubeVersion} --include-crds --values -`
  return rendered.text
}

/** The key that lives in the cluster: it can touch the backups' bucket and nothing else. */
async function clusterKey(cluster: Cluster): Promise<SpacesKeyPair> {
  const { velero, spaces } = bucketPlaces(cluster)
  return spaces ? mintClusterKey(cluster, velero) : clusterOwnKey()
}

async function mintClusterKey(cluster: Cluster, bucket: string): Promise<SpacesKeyPair> {
  const reached = [bucket, ...(cluster.original ? [cluster.original.velero] : [])]
  const key = await mintKey(
    cluster,
    nextVeleroKey(cluster.name, await cluster.cloud.spacesKeys()),
    // Every restore writes its log beside the backup, so reading alone would not do.
    reached.map((one) => `bucket=${one};permission=readwrite`),
  )
  if (!isDryRun()) tell('+', `key ${key.name}`, `limited to ${reached.join(' and ')}`)
  return key
}
