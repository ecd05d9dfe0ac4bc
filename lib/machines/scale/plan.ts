import type { Shown } from '../../base/confirm.ts'
import { command } from '../../base/hint.ts'
import type { Droplet, Size } from '../../clients/digitalocean-types.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { dollars } from '../../cluster/prices.ts'
import { placesForClaims } from '../../cluster/volume-places.ts'
import type { Member } from '../../kubernetes/nodes.ts'
import { endingTokens } from '../preflight/plan-text.ts'
import { fromKitLines } from '../preflight/upstream.ts'
import { ailing, difference, isDone, type Seen, type Todo } from './difference.ts'
import { sizeOf } from './reshape.ts'

/** One machine of a plan: made, removed, changed or kept, and what it costs a month in dollars before and after. */
interface ScaleItem {
  mark: '+' | '-' | '~' | '='
  name: string
  detail: string
  before: number
  after: number
}

/** What a scale does to the machines, and what that changes a month. */
export interface ScalePlan extends Shown {
  items: ScaleItem[]
  todo: Todo
  perMonth: { before: number; after: number; difference: number }
}

/**
 * The plan: machine by machine, with the monthly difference, the downtime and what `--force` would lose.
 * @param lost what the person accepts to lose
 */
export function scalePlan(
  cluster: Pick<Cluster, 'name' | 'wanted' | 'committed' | 'tokensEnd' | 'fromKit'>,
  seen: Seen,
  sizes: readonly Size[],
  lost: readonly string[],
  now = Date.now(),
): ScalePlan {
  const todo = difference(cluster.wanted, seen, now)
  const items = machines(cluster, seen, sizes, todo)
  const before = items.reduce((sum, one) => sum + one.before, 0)
  const after = items.reduce((sum, one) => sum + one.after, 0)
  const remarks = [
    ...downtime(cluster, seen, todo),
    ...lost.map((one) => `  ! lost: ${one}`),
    ...seen.earlier.map(
      ({ name, status, size_slug }) =>
        `  ! ${name} of the earlier cluster stays, ${status}, ${dollars(price(sizes, size_slug))} a month: ${command('scale.mts', '--remove', name)} removes it`,
    ),
    ...ailing(cluster.wanted, seen, now).map(
      (name) =>
        `  ! ${name} is not Ready: ${command('scale.mts', '--replace', name)} grows another in its place`,
    ),
    ...(seen.members ? [] : ['  ! no server’s Kubernetes API answers now']),
    ...[...fromKitLines(cluster), ...endingTokens(cluster)].map((one) => `  ! ${one}`),
  ]
  const nothing = isDone(todo) && JSON.stringify(cluster.committed) === JSON.stringify(cluster.wanted)
  const perMonth = { before, after, difference: after - before }
  return {
    items,
    todo,
    perMonth,
    nothing,
    destructive:
      [todo.bury, todo.leave, todo.resize].some((all) => all.length > 0) || todo.convert !== undefined,
    text: [
      `cluster ${cluster.name}: ${nothing ? 'is as described' : 'what will change'}`,
      ...rows(items),
      ...remarks,
      `  machines ${dollars(after)} a month (${signed(after - before)})${nothing ? '; nothing to do' : ''}`,
    ].join('\n'),
    toJSON: () => ({ cluster: cluster.name, items, perMonth, remarks: remarks.map((one) => one.trim()) }),
  }
}

const price = (sizes: readonly Size[], slug: string) =>
  sizes.find((one) => one.slug === slug)?.price_monthly ?? 0

function machines(
  { wanted }: Pick<Cluster, 'wanted'>,
  seen: Seen,
  sizes: readonly Size[],
  todo: Todo,
): ScaleItem[] {
  const described = wanted.nodes.map((node): ScaleItem => {
    const droplet = seen.droplets.find((one) => one.name === node.name)
    const size = sizeOf(node, wanted)
    const changes = [
      ...(droplet && droplet.size_slug !== size ? [`${droplet.size_slug} → ${size}`] : []),
      ...(todo.convert === node.name ? ['SQLite → etcd'] : []),
      ...(todo.lead === node.name ? ['takes the address over'] : []),
      ...(droplet && todo.join.includes(node) ? ['joins'] : []),
      ...(todo.wake.some((one) => one.name === node.name) ? ['is powered on'] : []),
      ...(todo.adopt.some((one) => one.name === node.name) ? ['is put into the project'] : []),
      ...(todo.uncordon.includes(node.name) ? ['takes pods again'] : []),
    ]
    const what = [
      node.role,
      size,
      ...(droplet ? [] : [`${placesForClaims(wanted)} volumes at most`]),
      ...changes,
    ]
    return {
      mark: !droplet ? '+' : changes.length > 0 ? '~' : '=',
      name: node.name,
      detail: what.join(', '),
      before: droplet ? price(sizes, droplet.size_slug) : 0,
      after: price(sizes, size),
    }
  })
  const going = [...todo.bury, ...todo.leave].map(({ name, droplet, member }): ScaleItem => {
    const moving = seen.pods.filter((pod) => pod.node === name && !pod.ofItsNode).length
    const how = todo.leave.some((one) => one.name === name)
      ? `${moving} pods move away first`
      : whyDead(droplet, member, seen)
    return { mark: '-', name, detail: how, before: droplet ? price(sizes, droplet.size_slug) : 0, after: 0 }
  })
  return [...described, ...going]
}

/** Why nothing of a machine is drained. */
function whyDead(droplet: Droplet | undefined, member: Member | undefined, { members }: Seen): string {
  if (!droplet) return 'its droplet is gone'
  if (members && !member) return 'Kubernetes has no node of it'
  return droplet.status === 'off' ? 'it is off' : 'it does not run any more'
}

/** What is away for how long; the figures are others' (docs/scaling.md). */
function downtime({ wanted }: Pick<Cluster, 'wanted'>, seen: Seen, todo: Todo): string[] {
  const servers = (seen.members ?? []).filter((one) => one.server && one.ready).length
  const others = (name: string) => wanted.nodes.some((node) => node.name !== name)
  return [
    ...todo.resize.map(({ name }) => {
      const api = servers < 2 && wanted.nodes[0]?.name === name
      const pods = others(name) ? 'its pods move meanwhile, where there is room' : 'so are all apps'
      return api
        ? `  ! ${name}: the Kubernetes API is away for two to four minutes; ${pods}`
        : `  · ${name} is away for two to four minutes; ${pods}`
    }),
    ...(todo.convert
      ? [
          `  ! ${todo.convert} restarts: the Kubernetes API and its apps are away for three to five minutes`,
          ...(seen.members ?? [])
            .filter(({ name, ready }) => ready && name !== todo.convert)
            .map(({ name }) => `  · ${name} restarts after it`),
        ]
      : []),
  ]
}

function rows(items: readonly ScaleItem[]): string[] {
  const shown = items.length > 40 ? items.filter((one) => one.mark !== '=') : items
  const widths = [
    Math.max(...items.map((one) => one.name.length)),
    Math.max(...items.map((one) => one.detail.length)),
  ]
  return shown.map((one) =>
    `  ${one.mark} ${one.name.padEnd(widths[0] ?? 0)}  ${one.detail.padEnd(widths[1] ?? 0)}  ${dollars(one.mark === '-' ? one.before : one.after).padStart(7)}`.trimEnd(),
  )
}

const signed = (amount: number) =>
  amount === 0 ? 'no difference' : `${amount > 0 ? '+' : '−'}$${Math.abs(amount).toFixed(2)}`
