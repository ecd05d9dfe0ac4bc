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

/** The CSI driver with the token that its pod took when it started; undefined while its controller does not run. */
export function csiDriver(cluster: Cluster): Driver | undefined {
  const { store, world, variables } = cluster
  const kind = workloads.find((one) => runs(cluster, one, 'kube-system', driverName))
  if (!kind) return undefined
  const containers = listAt(
    store.find(kind, 'kube-system', driverName),
    'spec',
    'template',
    'spec',
    'containers',
  )
  const token = store
    .list('Pod', 'kube-system')
    .filter((one) => one.metadata.name.startsWith(`${driverName}-`))
    .map((one) => variables.get(one.metadata.uid)?.DIGITALOCEAN_ACCESS_TOKEN)
    .find((one) => one !== undefined)
  const plugin = containers.find((container) =>
    listAt(container, 'env').some((one) => one.name === 'DIGITALOCEAN_ACCESS_TOKEN'),
  )
  const tag = plugin && flagOf(plugin, 'do-tag')
  return token === undefined
    ? undefined
    : {
        cloud: cloudVolumes(world, Buffer.from(token, 'base64').toString().trim()),
        tags: tag ? [tag] : [],
        limit: volumeLimit(cluster) ?? 0,
      }
}
