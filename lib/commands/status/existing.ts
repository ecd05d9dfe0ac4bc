import type { Droplet, Size, Volume } from '../../clients/digitalocean-types.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import type { Inventory } from '../../cluster/ours.ts'
import { prices } from '../../cluster/prices.ts'
import type { Restoration } from '../../machines/first/restoration.ts'
import type { PlanItem } from '../../machines/preflight/plan-text.ts'

/** One thing that is there: what it is, and what it costs a month in dollars. */
export interface Existing {
  kind: string
  name: string
  what: string
  perMonth: number
}

/** What is known beside DigitalOcean's lists. */
export interface Known {
  sizes: readonly Size[]
  /** `namespace/name` of the claim, by the name or the id of its volume; undefined where nothing tells it. */
  claims: ReadonlyMap<string, string> | undefined
  /** Every restore that was begun. */
  restorations: readonly Restoration[]
  /** The one of them that is not finished. */
  unfinished: Restoration | undefined
}

/** Kinds of a plan of which the inventory tells more: each single one, described or not. */
const looked = ['droplet', 'volume', 'snapshots', 'reserved IP', 'load balancer']

/** Everything of a cluster that is there, described or not: its sum is what the cluster costs. */
export function existing(
  cluster: Pick<Cluster, 'wanted'>,
  own: Inventory,
  planned: readonly PlanItem[],
  known: Known,
): Existing[] {
  const priceOf = (slug: string) => known.sizes.find((one) => one.slug === slug)?.price_monthly ?? 0
  return [
    ...planned
      .filter(({ mark, kind }) => mark !== '+' && !looked.includes(kind))
      .map(({ kind, name, detail, perMonth }) => ({ kind, name, what: detail, perMonth })),
    ...own.reservedIps.map(({ ip, droplet }) => ({
      kind: 'reserved IP',
      name: ip,
      what: leadsTo(own.droplets, droplet?.id),
      perMonth: droplet ? 0 : prices.reservedIpUnused,
    })),
    ...own.droplets.toSorted(byNumber).map((one) => ({
      kind: 'droplet',
      name: one.name,
      what: [
        one.size_slug,
        one.region.slug,
        ...(one.status === 'active' ? [] : [one.status]),
        ...roleOf(cluster, one, known),
      ].join(', '),
      perMonth: priceOf(one.size_slug),
    })),
    ...own.volumes.toSorted(byName).map((one) => ({
      kind: 'volume',
      name: one.name,
      what: [`${one.size_gigabytes} GiB`, ...useOf(one, known)].join(', '),
      perMonth: one.size_gigabytes * prices.volumeGib,
    })),
    ...own.snapshots.toSorted(byName).map((one) => ({
      kind: 'snapshot',
      name: one.name,
      what: `${one.size_gigabytes} GiB`,
      perMonth: one.size_gigabytes * prices.snapshotGib,
    })),
    ...(own.loadBalancers ?? []).map((one) => ({
      kind: 'load balancer',
      name: one.name,
      what: 'made by Kubernetes for a Service',
      perMonth: one.size_unit * prices.loadBalancer,
    })),
  ]
}

/** In the order of their numbers: main-10 behind main-9. */
const byNumber = (one: { name: string }, other: { name: string }) =>
  one.name.localeCompare(other.name, 'en', { numeric: true })
const byName = byNumber

function leadsTo(droplets: readonly Droplet[], target: string | undefined): string {
  if (target === undefined) return 'leads nowhere'
  return `leads to ${droplets.find(({ id }) => id === target)?.name ?? `droplet ${target}, which is not of this cluster`}`
}

/** What a machine is, beside one that is described and works. */
function roleOf(
  { wanted }: Pick<Cluster, 'wanted'>,
  one: Droplet,
  { restorations, unfinished }: Known,
): string[] {
  const isPartOf = ({ droplets }: Restoration) => droplets.some(({ id }) => id === one.id)
  if (unfinished && isPartOf(unfinished)) return ['of the earlier cluster, kept until the restore is proven']
  if (restorations.some(isPartOf)) return ['of the earlier cluster']
  return wanted.nodes.some(({ name }) => name === one.name) ? [] : ['not described']
}

function useOf(one: Volume, { claims, restorations }: Known): string[] {
  const claim = claims?.get(one.name) ?? claims?.get(one.id)
  if (claim) return [`claim ${claim}`]
  const isEarlier = restorations.some(({ volumes }) => volumes.some(({ id }) => id === one.id))
  if (isEarlier) return ['of the earlier cluster']
  return claims ? ['no claim has it'] : []
}
