import { command } from '../../base/hint.ts'
import { Problem } from '../../base/problem.ts'
import type { Description } from '../../cluster/description.ts'
import { placesForClaims } from '../../cluster/volume-places.ts'
import type { Member } from '../../kubernetes/nodes.ts'
import type { Seen } from './difference.ts'
import { homeless } from './fit.ts'
import { serversOf } from './reshape.ts'

/** What would be lost or stop working; each with its reason and the names. `forcible` may be done all the same. */
export interface Refusal {
  forcible: boolean
  message: string
  cure: string
}

/** Why this change must not be made; pure. Empty when nothing speaks against it. */
export function refusals(before: Description, after: Description, seen: Seen): Refusal[] {
  const stays = new Set(after.nodes.map((node) => node.name))
  const leaving = before.nodes.filter((node) => !stays.has(node.name)).map((node) => node.name)
  if (leaving.length === 0) return []
  const { members } = seen
  if (!members)
    return [
      {
        forcible: false,
        message: `no server of ${before.cluster} answers, so nothing can be moved away from ${list(leaving)}`,
        cure: `${command('scale.mts')} powers on what is off; then run this again.`,
      },
    ]
  const joins = after.nodes.some((node) => !before.nodes.some((one) => one.name === node.name))
  return [
    ...quorum(after, members, leaving, joins),
    ...lostData(seen, leaving),
    ...(joins ? [] : noRoom(members, seen, leaving, after)),
  ]
}

/**
 * Whether etcd keeps its majority at each step. A member that is dead must be taken out by the living ones, so these
 * must be the majority before, too.
 */
function quorum(after: Description, members: Member[], leaving: string[], joins: boolean): Refusal[] {
  const etcd = members.filter((one) => one.etcd)
  const going = etcd.filter((one) => leaving.includes(one.name))
  if (going.length === 0) return []
  const dead = etcd.filter((one) => !one.ready)
  const alive = etcd.length - dead.length
  const majority = (of: number) => Math.floor(of / 2) + 1
  if (alive < majority(etcd.length))
    return [
      {
        forcible: false,
        message: `etcd has lost its majority: of ${etcd.length} servers ${list(dead.map((one) => one.name))} ${dead.length === 1 ? 'does' : 'do'} not answer`,
        cure: `Power them on again, or bring the last backup back, without what was written since: ${command('restore.mts', '--backup', 'latest', '--replace')}`,
      },
    ]
  const goingAlive = going.filter((one) => one.ready).length
  const left = etcd.length - going.length
  if (!joins && alive - goingAlive < majority(left))
    return [
      {
        forcible: false,
        message: `without ${list(going.map((one) => one.name))} etcd would lose its majority: of ${left} servers that stay, ${alive - goingAlive} would answer`,
        cure: `Replace what is dead first: ${command('scale.mts', '--replace', dead[0]?.name ?? going[0]?.name ?? 'NAME')}`,
      },
    ]
  return serversOf(after.nodes).length === 2
    ? [
        {
          forcible: true,
          message: `two servers would stay, ${list(serversOf(after.nodes).map((one) => one.name))}: the cluster stops when either of them fails`,
          cure: 'Keep three, or go down to one.',
        },
      ]
    : []
}

function lostData({ pods, localClaims }: Seen, leaving: string[]): Refusal[] {
  const there = pods.filter((pod) => leaving.includes(pod.node))
  const alone = there.filter((pod) => pod.alone && !pod.ofItsNode).map((pod) => pod.name)
  // What no pod uses now, of an app that sleeps, lies there as well.
  const unused = localClaims.filter(({ name }) => !pods.some((pod) => pod.localClaims.includes(name)))
  const local = [
    ...there.flatMap((pod) => pod.localClaims),
    ...unused.filter(({ node }) => node !== undefined && leaving.includes(node)).map(({ name }) => name),
    ...unused.filter(({ node }) => node === undefined).map(({ name }) => `${name} (or on another machine)`),
    ...there.flatMap((pod) => pod.onDisk.map((path) => `${path} of ${pod.name}`)),
  ]
  return [
    ...(alone.length > 0
      ? [
          {
            forcible: true,
            message: `nobody makes ${list(alone)} again: no controller owns ${alone.length === 1 ? 'it' : 'them'}`,
            cure: 'Remove them yourself, or let a Deployment make them.',
          },
        ]
      : []),
    ...(local.length > 0
      ? [
          {
            forcible: true,
            message: `${list(local)} ${local.length === 1 ? 'lies' : 'lie'} on the machine’s own disk and ${local.length === 1 ? 'goes' : 'go'} with it`,
            cure: 'Copy the data to a claim of class do-block-storage first.',
          },
        ]
      : []),
  ]
}

function noRoom(
  members: Member[],
  { pods, volumeLimits }: Seen,
  leaving: string[],
  after: Description,
): Refusal[] {
  const left = homeless(members, pods, leaving, (name) => placesForClaims(after, volumeLimits.get(name)))
  return left.length === 0
    ? []
    : [
        {
          forcible: true,
          message: `the machines that stay have no room for ${list(left)}`,
          cure: `Make room first: ${command('scale.mts', '--add', '1')}`,
        },
      ]
}

/** What `--force` accepts, in words; the rest is thrown. @throws Problem */
export function assertAllowed(found: readonly Refusal[], force: boolean): string[] {
  const hard = found.filter((one) => !one.forcible || !force)
  const [first] = hard
  if (!first) return found.map((one) => one.message)
  const how = hard.every((one) => one.forcible) ? ' --force overrides this.' : ''
  throw new Problem(hard.map((one) => one.message).join('; '), { cure: `${first.cure}${how}` })
}

const list = (names: readonly string[]) =>
  names.length > 12 ? `${names.slice(0, 12).join(', ')} and ${names.length - 12} more` : names.join(', ')
