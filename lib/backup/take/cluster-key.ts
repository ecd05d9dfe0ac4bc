import { dump } from 'js-yaml'
import { z } from 'zod'
import { Secret } from '../../base/secret.ts'
import { tell } from '../../base/story.ts'
import { connectStore, type StoreKey } from '../../clients/s3.ts'
import type { Kube } from '../../clients/tools.ts'
import type { BucketPlaces, Cluster } from '../../cluster/cluster.ts'
import { veleroCredentials } from '../../gitops/bootstrap-secrets.ts'
import { applyForArgoCd, kubectlRepeated } from '../../kubernetes/repeated.ts'
import { firstServerName } from '../../machines/first/first-server.ts'
import { type Buckets, retireClusterKeys } from '../../store/buckets.ts'
import { isMintedHere, mintKey, nextVeleroKey } from '../../store/keys.ts'
import { noteKey } from '../../store/nodes.ts'
import { clusterOwnKey } from '../../store/other-store.ts'

const secret = z.object({ data: z.object({ cloud: z.string() }).partial().default({}) })

/** Gives the cluster's Velero a key for its own bucket alone, and removes every other that it had. */
export async function giveClusterKey(kube: Kube, cluster: Cluster, buckets: Buckets): Promise<void> {
  const server = firstServerName(cluster)
  const key = await mintKey(cluster, nextVeleroKey(cluster.name, await cluster.cloud.spacesKeys()), [
    `bucket=${buckets.velero.name};permission=readwrite`,
  ])
  const pair = { accessKey: key.accessKey, secretKey: key.secretKey.reveal() }
  await applyForArgoCd(kube, dump(veleroCredentials(pair)))
  await noteKey(buckets.kit, server, key.accessKey)
  await retireClusterKeys(cluster, buckets, server)
}

/**
 * Sees to it that the key with which Velero opens the backups exists: where somebody deleted it no backup is written any
 * more. The bucket is asked, because Velero hears of it only when it looks the next time. Velero's pods, which got the key
 * when they started, are started anew. The key of another store is the person's: what the environment says.
 */
export async function ensureClusterKey(kube: Kube, cluster: Cluster, buckets: Buckets): Promise<void> {
  if (!buckets.places.spaces) return replaceOwnKey(kube)
  const file = await credentials(kube)
  if (file === undefined) return
  const key = keyIn(file)
  if (key && (isMintedHere(key.accessKey) || (await opens(key, cluster, buckets.places)))) return
  // One that is new is refused for some seconds.
  if ((await cluster.cloud.spacesKeys()).some((one) => one.access_key === key?.accessKey)) return
  await giveClusterKey(kube, cluster, buckets)
  await restartVelero(kube)
  tell('~', 'key to the backups in the cluster', 'was gone: a new one')
}

/** The key in a credentials file; undefined where there is none. */
function keyIn(file: string): StoreKey | undefined {
  const entry = (name: string) => new RegExp(`^[ \\t]*${name}[ \\t]*=[ \\t]*(\\S+)`, 'm').exec(file)?.[1]
  const [accessKey, secretKey] = [entry('aws_access_key_id'), entry('aws_secret_access_key')]
  return accessKey && secretKey ? { accessKey, secretKey: new Secret(secretKey) } : undefined
}

async function opens(key: StoreKey, { cloud }: Cluster, places: BucketPlaces): Promise<boolean> {
  const store = await connectStore(places.endpoint, places.region, key, cloud.clockOffset())
  return (await store.look(places.velero)) === 'ours'
}

async function replaceOwnKey(kube: Kube): Promise<void> {
  const { accessKey, secretKey } = clusterOwnKey()
  const manifest = veleroCredentials({ accessKey, secretKey: secretKey.reveal() })
  const file = await credentials(kube)
  if (file === undefined || Buffer.from(file).toString('base64') === manifest.data?.cloud) return
  await applyForArgoCd(kube, dump(manifest))
  await restartVelero(kube)
  tell('~', 'key to the backups in the cluster', 'was another one: replaced')
}

/** The key in the cluster, as Velero reads it; undefined before the node's last step, which brings it. */
async function credentials(kube: Kube): Promise<string | undefined> {
  const answer = await kubectlRepeated(
    kube,
  )`get secret velero-credentials -n velero --ignore-not-found -o json`
  if (answer.text.trim() === '') return undefined
  return Buffer.from(answer.json(secret).data.cloud ?? '', 'base64').toString()
}

const restartVelero = (kube: Kube) =>
  kubectlRepeated(kube)`delete pods -n velero -l app.kubernetes.io/name=velero --wait=false`
