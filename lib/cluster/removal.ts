import type { Shown } from '../run.ts'
import { missingBuckets } from '../store/buckets.ts'
import { isShortLived } from '../store/keys.ts'
import { bucketPlaces, type Cluster } from './cluster.ts'
import { inventory } from './ours.ts'
import { dollars, prices } from './prices.ts'

/** What destroying a cluster removes and keeps, each with what it costs a month in dollars. */
export interface Removal extends Shown {
  removed: string[]
  kept: string[]
}

/**
 * The exact inventory of a cluster. Snapshots that are backups are kept with the buckets: they are the only copy of
 * what was in a volume.
 */
export async function removal(
  cluster: Cluster,
  flags: { 'with-backups': boolean; 'with-repository': boolean },
): Promise<Removal> {
  const [own, sizes] = await Promise.all([inventory(cluster.cloud, cluster.name), cluster.cloud.sizes()])
  const places = bucketPlaces(cluster)
  const missing = places.spaces ? await missingBuckets(places) : []
  const buckets = [places.velero, places.kit].filter((bucket) => !missing.includes(bucket))
  const price = (slug: string) => sizes.find((size) => size.slug === slug)?.price_monthly ?? 0
  const cloud = [
    ...own.droplets.map((one) => ({ name: `droplet ${one.name}`, perMonth: price(one.size_slug) })),
    ...own.volumes.map((one) => ({
      name: `volume ${one.name}, ${one.size_gigabytes} GiB`,
      perMonth: one.size_gigabytes * prices.volumeGib,
    })),
    ...own.reservedIps.map((one) => ({ name: `reserved IP ${one.ip}`, perMonth: 0 })),
    ...own.firewalls.map((one) => ({ name: `firewall ${one.name}`, perMonth: 0 })),
    ...own.vpcs.filter((one) => !one.default).map((one) => ({ name: `network ${one.name}`, perMonth: 0 })),
    ...own.sshKeys.map((one) => ({ name: `SSH key ${one.name}`, perMonth: 0 })),
    ...own.spacesKeys
      .filter((one) => !isShortLived(one.name))
      .map((one) => ({ name: `Spaces key ${one.name}`, perMonth: 0 })),
    ...own.projects.map((one) => ({ name: `project ${one.name}`, perMonth: 0 })),
  ]
  const snapshots = own.snapshots.map((one) => ({
    name: `snapshot ${one.name}, ${one.size_gigabytes} GiB`,
    perMonth: one.size_gigabytes * prices.snapshotGib,
  }))
  const backups = [
    ...buckets.map((bucket, index) => ({
      name: `bucket ${bucket}`,
      perMonth: places.spaces && index === 0 ? prices.spaces : 0,
    })),
    ...snapshots,
  ]
  const repository = cluster.repository
    ? [{ name: `repository ${cluster.place.owner}/${cluster.place.name}`, perMonth: 0 }]
    : []
  const defaults = own.vpcs
    .filter((one) => one.default)
    .map((one) => ({ name: `network ${one.name} (the region’s default cannot be removed)`, perMonth: 0 }))
  const removed = [
    ...cloud,
    ...(flags['with-backups'] ? backups : []),
    ...(flags['with-repository'] ? repository : []),
  ]
  const kept = [
    ...(flags['with-backups'] ? [] : backups),
    ...(flags['with-repository'] ? [] : repository),
    ...defaults,
  ]
  const say = (one: { name: string; perMonth: number }) =>
    `${one.name}${one.perMonth ? `  ${dollars(one.perMonth)}` : ''}`
  const saved = removed.reduce((sum, one) => sum + one.perMonth, 0)
  return {
    removed: removed.map(say),
    kept: kept.map(say),
    nothing: removed.length === 0,
    text: [
      `cluster ${cluster.name}: what will be removed for good`,
      ...removed.map((one) => `  - ${say(one)}`),
      ...kept.map((one) => `  = ${say(one)}  (kept)`),
      removed.length === 0 ? '  nothing is there' : `  saves ${dollars(saved)} a month`,
    ].join('\n'),
    toJSON: () => ({ cluster: cluster.name, removed: removed.map(say), kept: kept.map(say), saved }),
  }
}
