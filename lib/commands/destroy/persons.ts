import type { Bucket } from '../../clients/s3.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { type Inventory, isOurs, notMade, ownProject, type Told, told } from '../../cluster/ours.ts'
import { resources } from '../../cluster/resources.ts'
import { nodeRecords } from '../../store/nodes.ts'

/** A thing and what it costs a month in dollars. */
export type Line = Pick<Told, 'title' | 'perMonth'>

/** What stays because regrow did not make it: nothing of it is touched. */
export interface Persons {
  /** Addresses, and ids of volumes. */
  ids: string[]
  /** Each thing with what it costs a month in dollars. */
  things: Line[]
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
  const persons = told(notMade(own, name, noted), ['reservedIps', 'volumes'])
  const snapshotsOf = (
    what: string,
    all: typeof ofVolumes,
    things: readonly { id: string; name: string }[],
  ): Line[] =>
    all.flatMap((one) => {
      const source = things.find(({ id }) => id === one.resource_id)
      return source && !isOurs('snapshots', one, name)
        ? [
            {
              title: `snapshot ${one.name} of ${what} ${source.name}, ${one.size_gigabytes} GiB ${byHand}`,
              perMonth: resources.snapshots.perMonth(one, []),
            },
          ]
        : []
    })
  return {
    ids: persons.map(({ id }) => id),
    things: [
      ...persons.map(({ title, perMonth }) => ({ title: `${title} ${byHand}`, perMonth })),
      ...snapshotsOf('volume', ofVolumes, own.volumes),
      ...snapshotsOf('droplet', ofDroplets, own.droplets),
    ],
  }
}

/**
 * What stays in the cluster's project when the rest is removed, such as `domain example.org`: DigitalOcean removes no
 * project with something in it.
 * @param goes all that is removed
 */
export async function leftInProject(
  { cloud, name }: Pick<Cluster, 'cloud' | 'name'>,
  goes: readonly Told[],
): Promise<string[]> {
  const going = new Set(
    goes.flatMap(({ kind, id }) => (resources[kind].urns ?? []).map((urn) => `${urn} ${id}`)),
  )
  const urns = [...((await ownProject(cloud, name))?.urns ?? [])]
  return urns.map((urn) => urn.replace(/^do:([^:]+):/, '$1 ')).filter((one) => !going.has(one))
}
