import { randomBytes } from 'node:crypto'
import {
  type BundleSpec,
  installSteps,
  type NodeSpec,
  renderBundle,
  renderUserData,
  type Step,
} from '#cloud-init/index.ts'
import { mayChange } from '../../base/change.ts'
import { endpoints } from '../../base/environment.ts'
import { tell } from '../../base/story.ts'
import { cloudTime } from '../../clients/clock.ts'
import type { ReservedIp } from '../../clients/digitalocean-types.ts'
import type { Bucket } from '../../clients/s3.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { k3sAddress, versionsOf } from '../../cluster/versions.ts'
import { tlsName } from '../../kubernetes/kubeconfig.ts'
import type { Buckets } from '../../store/buckets.ts'
import { bundleKey, bundleSeconds } from '../../store/bundles.ts'
import type { Kit } from '../../store/kit.ts'
import { reportKey, writeNote } from '../../store/nodes.ts'
import { keptKey } from '../../store/upstream.ts'

/** What every node of the cluster is, whatever its role. */
export async function commonSpec(
  cluster: Cluster,
  { kit, buckets, address }: { kit: Kit; buckets: Buckets; address: ReservedIp },
): Promise<Omit<NodeSpec, 'name' | 'role'>> {
  const { wanted } = cluster
  const versions = versionsOf(wanted.versions)
  return {
    cluster: cluster.name,
    datastore: wanted.datastore,
    network: wanted.network.range,
    tlsSans: [address.ip, tlsName(cluster.name)],
    tokens: { server: kit.serverToken, agent: kit.agentToken },
    k3s: {
      version: versions.k3s,
      url: await k3sFor(cluster, buckets.kit, k3sAddress(versions.k3s)),
      sha256: wanted.digests.k3s ?? '',
    },
  }
}

/** Where a node fetches k3s: at upstream, or in the kit's bucket by a URL that opens this one file for seven days. */
async function k3sFor(cluster: Cluster, kit: Bucket, address: string): Promise<string> {
  const key = cluster.fromKit?.has('k3s') ? keptKey(cluster, { name: 'k3s', address }) : undefined
  return key === undefined ? endpoints().upstream(address) : kit.sign('GET', key, bundleSeconds)
}

/**
 * Packs a node's bundle, brings it into the kit's bucket and notes which key signed its URLs.
 * @param noted access key that goes into the cluster with it, and the cluster's address, where that is a first server's
 * @returns the user-data that leads to it; its URLs are signed for seven days
 */
export async function deliver(
  cluster: Pick<Cluster, 'cloud'>,
  buckets: Buckets,
  wish: Omit<BundleSpec, 'reports' | 'deleteUrl'>,
  noted: { veleroKey?: string; address?: string } = {},
): Promise<string> {
  const started = performance.now()
  const { kit } = buckets
  const { name, role } = wish.node
  const urls = installSteps(role).map(
    async (step): Promise<[Step, string]> => [
      step,
      await kit.sign('PUT', reportKey(name, step), bundleSeconds),
    ],
  )
  const reports = Object.fromEntries(await Promise.all(urls))
  const deleteUrl = await kit.sign('DELETE', bundleKey(name), bundleSeconds)
  // The object alone opens nothing, nor does the user-data: who reads both in the minutes between has it all.
  const key = randomBytes(16).toString('base64url')
  const bundle = await renderBundle({ ...wish, reports, deleteUrl }, key)
  await mayChange()
  await kit.put(bundleKey(name), bundle.bytes)
  await writeNote(kit, {
    name,
    role,
    accessKey: await buckets.accessKey(),
    ...noted,
    sha256: bundle.sha256,
    at: cloudTime(cluster.cloud).toISOString(),
  })
  tell(
    '+',
    `bundle of ${name}`,
    `${Math.ceil(bundle.bytes.length / 1024)} KiB`,
    (performance.now() - started) / 1000,
  )
  return renderUserData({
    name,
    bundleUrl: await kit.sign('GET', bundleKey(name), bundleSeconds),
    bundleSha256: bundle.sha256,
    bundleKey: key,
    startedUrl: await kit.sign('PUT', reportKey(name, 'started'), bundleSeconds),
  })
}
