import type { Droplet, Size, Volume } from '../../clients/digitalocean-types.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { type Things, told } from '../../cluster/ours.ts'
import { kinds, resources } from '../../cluster/resources.ts'
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

/** Kinds of which the inventory tells more than the plan: each single one, described or not. Of keys only the cluster's counts. */
const looked = kinds.filter((kind) => !resources[kind].wanted && kind !== 'spacesKeys')

/** Everything of a cluster that is there, described or not: its sum is what the cluster costs. */
export function existing(
  cluster: Pick<Cluster, 'wanted'>,
  own: Things,
  planned: readonly PlanItem[],
  known: Known,
): Existing[] {
  const isLooked = (label: string) =>
    label === 'snapshots' || looked.some((kind) => resources[kind].label === label)
  const each = looked.flatMap((kind) => {
    const all = told(own, [kind], known.sizes)
    // The first address is the cluster's.
    return kind === 'reservedIps' ? all : all.toSorted(byNumber)
  })
  const more = moreOf(cluster, own, known)
  return [
    ...planned
      .filter(({ mark, kind }) => mark !== '+' && !isLooked(kind))
      .map(({ kind, name, detail, perMonth }) => ({ kind, name, what: detail, perMonth })),
    ...each.map(({ kind, id, label, name, detail, perMonth }) => ({
      ...{ kind: label, name, perMonth },
      what: [...(detail ? [detail] : []), ...(more.get(`${kind} ${id}`) ?? [])].join(', '),
    })),
  ]
}

/** What is known of single things beside what DigitalOcean says, by kind and id. */
function moreOf(cluster: Pick<Cluster, 'wanted'>, own: Things, known: Known): Map<string, string[]> {
  return new Map([
    ...own.reservedIps.map(({ ip, droplet }): [string, string[]] => [
      `reservedIps ${ip}`,
      [leadsTo(own.droplets, droplet?.id)],
    ]),
    ...own.droplets.map((one): [string, string[]] => [`droplets ${one.id}`, roleOf(cluster, one, known)]),
    ...own.volumes.map((one): [string, string[]] => [`volumes ${one.id}`, useOf(one, known)]),
  ])
}

/** In the order of their numbers: main-10 behind main-9. */
const byNumber = (one: { name: string }, other: { name: string }) =>
  one.name.localeCompare(other.name, 'en', { numeric: true })

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
