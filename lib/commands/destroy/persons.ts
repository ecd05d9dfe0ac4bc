import type { Bucket } from '../../clients/s3.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { type Inventory, isOurs, notMade, ownProject } from '../../cluster/ours.ts'
import { prices } from '../../cluster/prices.ts'
import { nodeRecords } from '../../store/nodes.ts'

/** What stays because regrow did not make it: nothing of it is touched. */
export interface Persons {
  /** Addresses, and ids of volumes. */
  reservedIps: ReadonlySet<string>
  volumes: ReadonlySet<string>
  /** Each thing with what it costs a month in dollars. */
  things: { name: string; perMonth: number }[]
}

const byHand = '(regrow did not make it)'

/**
 * Looks for what a person put into the cluster's project, and for snapshots that a person made of its machines and
 * volumes.
 * @param kit where it was noted which addresses the cluster had
 */
export async function personsThings(
  { cloud, name }: Pick<Cluster, 'cloud' | 'name'>,
  own: Inventory,
  kit: Bucket | undefined,
): Promise<Persons> {
  const [records, ofVolumes, ofDroplets] = await Promise.all([
    kit ? nodeRecords(kit) : [],
    own.volumes.length > 0 ? cloud.volumeSnapshots() : [],
    own.droplets.length > 0 ? cloud.dropletSnapshots() : [],
  ])
  const noted = new Set(records.flatMap(({ address }) => address ?? []))
  const { reservedIps, volumes } = notMade(own, name, noted)
  const snapshotsOf = (
    what: string,
    all: typeof ofVolumes,
    things: readonly { id: string; name: string }[],
  ) =>
    all.flatMap((one) => {
      const source = things.find(({ id }) => id === one.resource_id)
      return source && !isOurs('snapshot', one, name)
        ? [
            {
              name: `snapshot ${one.name} of ${what} ${source.name}, ${one.size_gigabytes} GiB ${byHand}`,
              perMonth: one.size_gigabytes * prices.snapshotGib,
            },
          ]
        : []
    })
  return {
    reservedIps: new Set(reservedIps.map(({ ip }) => ip)),
    volumes: new Set(volumes.map(({ id }) => id)),
    things: [
      ...reservedIps.map(({ ip, droplet }) => ({
        name: `reserved IP ${ip} ${byHand}`,
        perMonth: droplet ? 0 : prices.reservedIpUnused,
      })),
      ...volumes.map((one) => ({
        name: `volume ${one.name}, ${one.size_gigabytes} GiB ${byHand}`,
        perMonth: one.size_gigabytes * prices.volumeGib,
      })),
      ...snapshotsOf('volume', ofVolumes, own.volumes),
      ...snapshotsOf('droplet', ofDroplets, own.droplets),
    ],
  }
}

/**
 * What stays in the cluster's project when the rest is removed, such as `domain example.org`: DigitalOcean removes no
 * project with something in it.
 * @param goes whether an address or a volume is removed, by its address or id
 */
export async function leftInProject(
  { cloud, name }: Pick<Cluster, 'cloud' | 'name'>,
  own: Inventory,
  goes: (what: string) => boolean,
): Promise<string[]> {
  const going = new Set([
    ...own.droplets.map(({ id }) => `droplet ${id}`),
    ...(own.loadBalancers ?? []).map(({ id }) => `loadbalancer ${id}`),
    ...own.reservedIps.flatMap(({ ip }) => (goes(ip) ? [`floatingip ${ip}`, `reservedip ${ip}`] : [])),
    ...own.volumes.flatMap(({ id }) => (goes(id) ? [`volume ${id}`] : [])),
  ])
  const urns = [...((await ownProject(cloud, name))?.urns ?? [])]
  return urns.map((urn) => urn.replace(/^do:([^:]+):/, '$1 ')).filter((one) => !going.has(one))
}
