import { type Cluster, runs } from './cluster.ts'
import { type CloudVolumes, cloudVolumes } from './digitalocean.ts'
import { listAt, type Tree, textAt, textsAt } from './tree.ts'

/** The name under which DigitalOcean's CSI driver provisions. */
export const provisioner = 'dobs.csi.digitalocean.com'

/** The workload in which its controller runs. */
export const driverName = 'csi-do-controller'

/** The DaemonSet in which it runs on each machine. */
export const nodeDriver = 'csi-do-node'

const workloads = ['StatefulSet', 'Deployment']

/** Whether a kind is one in which the driver's controller may run. */
export const isWorkload = (kind: string) => workloads.includes(kind)

/** The CSI driver as installed in the cluster. */
export interface Driver {
  cloud: CloudVolumes
  /** Of `--do-tag`; put on every volume and snapshot it makes. */
  tags: string[]
  /** Most volumes on one node. */
  limit: number
}

const flagOf = (container: Tree, name: string) =>
  textsAt(container, 'args')
    .find((one) => one.startsWith(`--${name}=`))
    ?.slice(name.length + 3)

/**
 * Most volumes on one node, as the driver's part on each machine reports it: `--volume-limit`, by default 7 before v4.18.0
 * and 15 since. Undefined while there is none.
 */
export function volumeLimit({ store }: Cluster): number | undefined {
  const plugin = listAt(
    store.find('DaemonSet', 'kube-system', nodeDriver),
    'spec',
    'template',
    'spec',
    'containers',
  ).find((one) => one.name === 'csi-do-plugin')
  if (!plugin) return undefined
  const told = flagOf(plugin, 'volume-limit')
  if (told !== undefined) return Number(told)
  const [, major, minor] = /:v(\d+)\.(\d+)\./.exec(textAt(plugin, 'image')) ?? []
  return Number(major) > 4 || (Number(major) === 4 && Number(minor) >= 18) ? 15 : 7
}

/** The CSI driver, undefined while its controller does not run (its pod needs the Secret with the token). */
export function csiDriver(cluster: Cluster): Driver | undefined {
  const { store, world } = cluster
  const kind = workloads.find((one) => runs(cluster, one, 'kube-system', driverName))
  const containers = kind
    ? listAt(store.find(kind, 'kube-system', driverName), 'spec', 'template', 'spec', 'containers')
    : []
  for (const container of containers) {
    const token = listAt(container, 'env').find((one) => one.name === 'DIGITALOCEAN_ACCESS_TOKEN')
    const key = textAt(token, 'valueFrom', 'secretKeyRef', 'key')
    const secret = store.find('Secret', 'kube-system', textAt(token, 'valueFrom', 'secretKeyRef', 'name'))
    if (!secret) continue
    const tag = flagOf(container, 'do-tag')
    return {
      cloud: cloudVolumes(
        world,
        Buffer.from(textAt(secret, 'data', key), 'base64')
          .toString()
          .trim(),
      ),
      tags: tag ? [tag] : [],
      limit: volumeLimit(cluster) ?? 0,
    }
  }
  return undefined
}
