import { hint } from '../base/hint.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { Inventory } from '../cluster/ours.ts'

/**
 * Why a cluster's API cannot be asked, as the machines tell it, and which command mends that, one line each; undefined
 * when its address leads to a server that is on.
 * @param hasBackup whether a whole backup can be brought back
 */
export function unreachable(
  cluster: Cluster,
  { droplets, reservedIps: [address] }: Pick<Inventory, 'droplets' | 'reservedIps'>,
  hasBackup: boolean,
): string[] | undefined {
  const described = cluster.wanted.nodes.filter(({ role }) => role === 'server').map(({ name }) => name)
  const servers = droplets.filter(({ name }) => described.includes(name))
  const bootstrap = hint('bootstrap.mts', cluster)
  if (servers.length === 0)
    return [
      `none: there is no droplet ${described.join(' or ')}`,
      ...(hasBackup && cluster.committed
        ? [
            `${hint('restore.mts', cluster, '--backup', 'latest')} brings back what its last whole backup holds`,
            `${bootstrap} grows an empty cluster instead`,
          ]
        : [`${bootstrap} grows the cluster`]),
    ]
  if (!address) return ['none: its reserved IP is gone', `${bootstrap} makes another`]
  // Of several servers scale takes one that works.
  const mend = described.length > 1 ? hint('scale.mts', cluster) : bootstrap
  const target = servers.find(({ id }) => id === address.droplet?.id)
  if (!target)
    return [
      `does not answer: reserved IP ${address.ip} leads ${address.droplet ? `to droplet ${address.droplet.id}, which is not a server of it` : 'nowhere'}`,
      `${mend} leads it to a server again`,
    ]
  if (target.status === 'off')
    return [`does not answer: droplet ${target.name} is off`, `${mend} powers it on`]
  return undefined
}
