import type { Shown } from '../../base/confirm.ts'
import { names } from '../../base/names.ts'
import type { ReservedIp, Size } from '../../clients/digitalocean-types.ts'
import { lately } from '../../clients/lately.ts'
import { bucketPlaces, type Cluster } from '../../cluster/cluster.ts'
import { runsADay, runsAMonth } from '../../cluster/cron.ts'
import { descriptionPath, renderDescription } from '../../cluster/description.ts'
import { feeIsOf, type Inventory, type Told, told } from '../../cluster/ours.ts'
import { copyOf, dollars, prices } from '../../cluster/prices.ts'
import { type Kind, kinds, resources } from '../../cluster/resources.ts'
import { movedBranch } from '../../gitops/branch.ts'
import { hasDeployKey } from '../../gitops/deploy-keys.ts'
import { sealedSecretsInGit, sealedText } from '../../gitops/sealed.ts'
import { sampleIsRemoved } from '../../gitops/seed.ts'
import { missingBuckets } from '../../store/existence.ts'
import { isClusterKey, nextVeleroKey } from '../../store/keys.ts'
import { sameRules } from '../foundation/network.ts'
import { type PlanItem, planText } from './plan-text.ts'
import { fromKitLines } from './upstream.ts'

/** What will be made and kept, and what it costs. */
export interface Plan extends Shown {
  toJSON(): unknown
  items: PlanItem[]
  perMonth: number
}

/** What of a cluster goes, or stays outside of it. */
export interface Leaving {
  droplets: readonly { id: string }[]
  volumes: readonly { id: string }[]
}

const without = (own: Inventory, leaving: Leaving): Inventory => ({
  ...own,
  volumes: own.volumes.filter(({ id }) => !leaving.volumes.some((one) => one.id === id)),
})

/** A claim that a new cluster will have, in GiB. */
export interface WantedClaim {
  name: string
  gib: number
}

/**
 * Compares what is wanted with what exists; changes nothing. Prices of droplets are read live.
 * @param own what belongs to the cluster at DigitalOcean
 * @param returning claims that a backup brings back, beside the volumes that exist
 * @param leaving machines and volumes of an earlier cluster: none of what is kept
 */
export async function plan(
  cluster: Cluster,
  own: Inventory,
  returning?: readonly WantedClaim[],
  leaving: Leaving = { droplets: [], volumes: [] },
): Promise<Plan> {
  const [sizes, missing, deployKey] = await Promise.all([
    lately(cluster.cloud).sizes(),
    bucketsToMake(cluster),
    cluster.repository && hasDeployKey(cluster.github, cluster.place, cluster.name),
  ])
  const items = [
    ...foundation(cluster, own, leaving, deployKey !== false),
    ...machines(cluster, own, sizes),
    ...clusterKeys(cluster, own),
    ...storage(cluster, without(own, leaving), missing, returning ?? (await claimsToCome(cluster, own))),
    ...told(own, found).map(asItIs),
  ]
  const perMonth = Math.round(items.reduce((sum, item) => sum + item.perMonth, 0) * 100) / 100
  const nothing = items.every((item) => item.mark === '=')
  return {
    items,
    perMonth,
    nothing,
    text: planText(cluster, items, perMonth, await warnings(cluster, missing)),
    toJSON: () => ({ cluster: cluster.name, items, perMonth }),
  }
}

/** Of these the lines below tell what is described beside what is there; of others, each that is there. */
const described: readonly Kind[] = ['reservedIps', 'droplets', 'spacesKeys', 'volumes', 'snapshots']
const found = kinds.filter((kind) => !resources[kind].wanted && !described.includes(kind))

const asItIs = ({ label: kind, name, detail, perMonth }: Told): PlanItem => ({
  ...{ mark: '=', kind, name, detail, perMonth },
})

function foundation(cluster: Cluster, own: Inventory, leaving: Leaving, deployKey: boolean): PlanItem[] {
  const { owner, name } = cluster.place
  const isWell = (kind: Kind) => kind !== 'firewalls' || own.firewalls.every((one) => sameRules(one, cluster))
  const item = (kind: string, label: string, there: boolean, detail = '', well = true): PlanItem => ({
    mark: there ? (well ? '=' : '~') : '+',
    kind,
    name: label,
    detail,
    perMonth: 0,
  })
  return [
    item(
      'repository',
      `${owner}/${name}`,
      cluster.repository !== undefined,
      deployKey ? 'private, a deploy key' : 'private, its deploy key is missing',
      deployKey,
    ),
    item(
      'description',
      descriptionPath(cluster.name),
      cluster.committed !== undefined,
      changesGit(cluster) ? 'to be changed' : '',
      !changesGit(cluster),
    ),
    ...kinds.flatMap((kind) => {
      const { label, wanted } = resources[kind]
      if (!wanted) return []
      const { name, detail } = wanted(cluster.wanted)
      const well = isWell(kind)
      return [item(label, name, own[kind].length > 0, `${detail}${well ? '' : ', its rules differ'}`, well)]
    }),
    reservedIp(cluster, own, leaving),
    ...own.reservedIps.slice(1).map(surplus),
  ]
}

/** The address: once its first server is there it leads to that one. */
function reservedIp(cluster: Cluster, own: Inventory, leaving: Leaving): PlanItem {
  const [address] = own.reservedIps
  const first = firstServer(cluster, own)
  const target = address?.droplet?.id
  const other = own.droplets.find((one) => one.id === target)?.name ?? `droplet ${target}`
  const isRight = !address || (first && target === first.id)
  const isLeft = leaving.droplets.some(({ id }) => id === target)
  const nowhere = `leads nowhere, ${dollars(prices.reservedIpUnused)} a month; `
  const leads = isRight || isLeft ? '' : target === undefined ? nowhere : `leads to ${other}; `
  return {
    mark: !address ? '+' : first && leads ? '~' : '=',
    kind: 'reserved IP',
    name: address?.ip ?? `of ${names.project(cluster.name)}`,
    detail: `${leads}free while assigned`,
    perMonth: 0,
  }
}

/** One too many, which status names: it is billed while it leads nowhere. */
const surplus = (one: ReservedIp): PlanItem => ({
  mark: '=',
  kind: 'reserved IP',
  name: one.ip,
  detail: one.droplet ? 'one too many' : 'one too many, leads nowhere',
  perMonth: resources.reservedIps.perMonth(one, []),
})

const firstServer = ({ wanted }: Cluster, own: Inventory) =>
  own.droplets.find((one) => one.name === wanted.nodes[0]?.name)

/** Whether the first server is there. */
const isGrown = (cluster: Cluster, own: Inventory) => firstServer(cluster, own) !== undefined

/** The key to the backups that lives in the cluster: a first server brings a new one along. */
function clusterKeys(cluster: Cluster, own: Inventory): PlanItem[] {
  if (!bucketPlaces(cluster).spaces) return []
  const there = isGrown(cluster, own)
  const keys = there
    ? own.spacesKeys.filter((key) => isClusterKey(key, cluster.name)).map(({ name }) => name)
    : [nextVeleroKey(cluster.name, own.spacesKeys)]
  const mark = there ? '=' : '+'
  return keys.map((name) => ({
    mark,
    kind: 'Spaces key',
    name,
    detail: 'for backups only',
    perMonth: 0,
  }))
}

/** Whether Git describes the cluster otherwise than this run wants it. */
const changesGit = ({ committed, wanted }: Cluster) =>
  committed !== undefined && renderDescription(committed) !== renderDescription(wanted)

function machines(cluster: Cluster, own: Inventory, sizes: Size[]): PlanItem[] {
  return cluster.wanted.nodes.map((node) => {
    const found = own.droplets.find((droplet) => droplet.name === node.name)
    const wanted = node.size ?? cluster.wanted.size
    const slug = found?.size_slug ?? wanted
    const isTagged = found?.tags?.includes(cluster.tag) === true
    return {
      mark: found ? (isTagged ? '=' : '~') : '+',
      kind: 'droplet',
      name: node.name,
      detail: `${slug}, ${cluster.wanted.region}${found && !isTagged ? ', its tag is gone' : ''}`,
      perMonth: sizes.find((size) => size.slug === slug)?.price_monthly ?? 0,
      ...(slug === wanted ? {} : { size: { is: slug, wanted } }),
    }
  })
}

/** The claims that a new cluster's own manifests make, in GiB. */
export function firstClaims(cluster: Cluster): WantedClaim[] {
  return [
    { name: 'sample hello', gib: 1 },
    ...(cluster.wanted.domain ? [{ name: 'certificates of Traefik', gib: 1 }] : []),
  ]
}

/** The claims that will be made beside the volumes that exist, where no backup brings any back. */
async function claimsToCome(cluster: Cluster, own: Inventory): Promise<WantedClaim[]> {
  const [sample, ...certificates] = firstClaims(cluster)
  // The volumes of a server that is gone are nobody's: a new one makes its own.
  if (isGrown(cluster, own) && own.volumes.length > 0) return cluster.committed?.domain ? [] : certificates
  return (await sampleIsRemoved(cluster)) || !sample ? certificates : [sample, ...certificates]
}

function storage(
  cluster: Cluster,
  own: Inventory,
  missing: string[],
  coming: readonly WantedClaim[],
): PlanItem[] {
  const places = bucketPlaces(cluster)
  const payer = feeIsOf(own)
  const { volumes, keepDays, schedule } = cluster.wanted.backups
  const snapshots = keepDays * runsADay(schedule)
  const existing = own.volumes.map((volume) => ({
    mark: '=' as const,
    name: volume.name,
    gib: volume.size_gigabytes,
  }))
  const claims = [...existing, ...coming.map((one) => ({ mark: '+' as const, ...one }))]
  const gib = claims.reduce((sum, one) => sum + one.gib, 0)
  return [
    ...[places.velero, places.kit].map((bucket, index) => ({
      mark: missing.includes(bucket) ? ('+' as const) : ('=' as const),
      kind: 'bucket',
      name: bucket,
      detail: !places.spaces
        ? places.endpoint
        : index > 0
          ? 'Spaces, same fee'
          : payer
            ? `Spaces, included in the fee of ${payer}`
            : 'Spaces, 250 GiB',
      perMonth: places.spaces && index === 0 && !payer ? prices.spaces : 0,
    })),
    ...claims.map((one) => ({
      mark: one.mark,
      kind: 'volume',
      name: one.name,
      detail: `${one.gib} GiB`,
      perMonth: one.gib * prices.volumeGib,
    })),
    ...(volumes === 'snapshot'
      ? [
          {
            mark: claims[0]?.mark ?? ('+' as const),
            kind: 'snapshots',
            name: `of backups, kept ${keepDays} days`,
            detail: `${snapshots} × ${gib} GiB`,
            perMonth: snapshots * gib * prices.snapshotGib,
          },
        ]
      : copying(claims, runsAMonth(schedule))),
  ]
}

/** Each backup makes a snapshot of every volume and a volume of that, for as long as the copy takes. */
function copying(claims: readonly Pick<WantedClaim & PlanItem, 'mark' | 'gib'>[], runs: number): PlanItem[] {
  const [first] = claims
  if (!first) return []
  const cost = claims.reduce((sum, { gib }) => sum + runs * copyOf(gib), 0)
  return [
    {
      mark: first.mark,
      kind: 'copying',
      name: 'of volumes, by backups',
      detail: `${runs} a month × ${claims.length}`,
      perMonth: Math.round(cost * 100) / 100,
    },
  ]
}

/** What a person must know of their repository before anything is bought. */
async function warnings(cluster: Cluster, missing: readonly string[]): Promise<string[]> {
  // Without a kit a new key is made, which opens nothing that was sealed before.
  const isNewKit = missing.includes(bucketPlaces(cluster).kit)
  const sealed = isNewKit ? sealedText(cluster, await sealedSecretsInGit(cluster)) : undefined
  const moved = movedBranch(cluster)
  return [
    ...fromKitLines(cluster),
    ...(sealed
      ? [`${sealed} cannot be opened: their key went with the old kit. Seal them again afterwards`]
      : []),
    ...(moved ? [moved] : []),
  ]
}

async function bucketsToMake(cluster: Cluster): Promise<string[]> {
  const places = bucketPlaces(cluster)
  return places.spaces ? missingBuckets(places) : []
}
