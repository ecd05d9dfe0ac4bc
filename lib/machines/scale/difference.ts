import type { Droplet } from '../../clients/digitalocean-types.ts'
import { type Description, wasGiven } from '../../cluster/description.ts'
import type { LocalClaim } from '../../kubernetes/local-claims.ts'
import type { Member } from '../../kubernetes/nodes.ts'
import type { Pod } from '../../kubernetes/pods.ts'
import { type Described, serversOf, sizeOf } from './reshape.ts'

/** The machines of a cluster as they are. */
export interface Seen {
  /** All droplets of the cluster, described or not. */
  droplets: Droplet[]
  /** Those of the cluster before it, which a restore replaced and left: nothing here touches them. */
  earlier: Droplet[]
  /** Those of them that do not lie in the cluster's project. */
  astray: Droplet[]
  /** Number of the droplet that the reserved address leads to. */
  leadsTo: string | undefined
  /** The Kubernetes nodes; undefined while no server's API answers. */
  members: Member[] | undefined
  pods: Pod[]
  /** Claims whose bytes lie on a machine's own disk, used or not. */
  localClaims: LocalClaim[]
  /** How many volumes a node takes, where its driver says so. */
  volumeLimits: ReadonlyMap<string, number>
}

/** A machine that is to go: its droplet and its node, as far as they are there. */
export interface Leaving {
  name: string
  droplet: Droplet | undefined
  member: Member | undefined
}

/** A machine that is to have another size. */
export interface Resizing {
  name: string
  droplet: Droplet
  size: string
}

/** What the cloud lacks to be what the description says, in the order in which it is done. */
export interface Todo {
  /** The server whose datastore is still SQLite and is to be etcd. */
  convert: string | undefined
  /** The server that the reserved address is to lead to, when it leads elsewhere. */
  lead: string | undefined
  /** Described machines that are off; nothing may leave one so. */
  wake: Droplet[]
  /** Described machines that do not lie in the cluster's project, where a run was killed behind their create. */
  adopt: Droplet[]
  /** Machines that are gone or dead and not described any more: nothing is drained there. */
  bury: Leaving[]
  join: Described[]
  leave: Leaving[]
  resize: Resizing[]
  /** Nodes that regrow cordoned in an earlier run, and that stay. */
  uncordon: string[]
}

/** A node that joined only just now may not be Ready yet (milliseconds). */
const joining = 10 * 60_000

/** Compares what is wanted with what is there; pure. @param now milliseconds since 1970 */
export function difference(wanted: Description, seen: Seen, now: number): Todo {
  const described = (name: string) => wanted.nodes.some((node) => node.name === name)
  const droplet = (name: string) => seen.droplets.find((one) => one.name === name)
  const member = (name: string) => seen.members?.find((one) => one.name === name)
  const extra = [...seen.droplets.map((one) => one.name), ...(seen.members ?? []).map((one) => one.name)]
  const leaving = [...new Set(extra)]
    .filter((name) => !described(name) && wasGiven(wanted, name))
    .map((name) => ({ name, droplet: droplet(name), member: member(name) }))
  const resize = wanted.nodes.flatMap((node) => {
    const there = droplet(node.name)
    const size = sizeOf(node, wanted)
    return there && there.size_slug !== size ? [{ name: node.name, droplet: there, size }] : []
  })
  const resizes = (name: string) => resize.some((one) => one.name === name)
  return {
    convert: toConvert(wanted, seen),
    lead: leadOf(wanted, seen),
    wake: seen.droplets.filter((one) => one.status === 'off' && described(one.name) && !resizes(one.name)),
    adopt: seen.astray.filter((one) => described(one.name)),
    bury: leaving.filter((one) => isDead(one, seen)),
    join: wanted.nodes.filter((node) => isJoining(droplet(node.name), member(node.name), seen, now)),
    leave: leaving.filter((one) => !isDead(one, seen)),
    resize,
    uncordon: (seen.members ?? [])
      .filter((one) => one.cordonedByUs && described(one.name) && !resizes(one.name))
      .map((one) => one.name),
  }
}

/** Whether nothing is left to do. */
export const isDone = (todo: Todo) =>
  !todo.convert &&
  !todo.lead &&
  [todo.wake, todo.adopt, todo.bury, todo.join, todo.leave, todo.resize, todo.uncordon].every(
    (all) => all.length === 0,
  )

/** Described nodes that joined long ago and are not Ready: what they need, a person must decide. */
export function ailing(wanted: Description, seen: Seen, now: number): string[] {
  return (seen.members ?? [])
    .filter((one) => !one.ready && now - one.since > joining)
    .filter((one) => wanted.nodes.some((node) => node.name === one.name))
    .map((one) => one.name)
}

function isJoining(
  droplet: Droplet | undefined,
  member: Member | undefined,
  { members }: Seen,
  now: number,
): boolean {
  if (!droplet) return true
  if (!members) return false
  return !member || (!member.ready && now - member.since < joining)
}

/** Only what certainly does not run: without the API's word a droplet that is on counts as alive. */
function isDead({ droplet, member }: Leaving, { members }: Seen): boolean {
  if (!droplet || droplet.status === 'off') return true
  return members !== undefined && !member?.ready
}

function toConvert(wanted: Description, { members }: Seen): string | undefined {
  if (wanted.datastore !== 'etcd') return undefined
  const servers = (members ?? []).filter((one) => one.server)
  return servers.length === 1 && !servers[0]?.etcd ? servers[0]?.name : undefined
}

/** The address stays where it is while that is a described server that works. */
function leadOf(wanted: Description, { droplets, members, leadsTo }: Seen): string | undefined {
  const works = (name: string) =>
    droplets.some((one) => one.name === name && one.status === 'active') &&
    (members === undefined || members.some((one) => one.name === name && one.ready))
  const servers = serversOf(wanted.nodes).map((node) => node.name)
  const now = droplets.find((one) => one.id === leadsTo)?.name
  if (now && servers.includes(now) && works(now)) return undefined
  const next = servers.find(works)
  return next === now ? undefined : next
}
