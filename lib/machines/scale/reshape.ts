import { command } from '../../base/hint.ts'
import { names } from '../../base/names.ts'
import { Problem } from '../../base/problem.ts'
import { type Description, wasGiven } from '../../cluster/description.ts'
import type { ScaleRequest } from './request.ts'

/** One machine of a description. */
export type Described = Description['nodes'][number]

/**
 * The description with a wish in it: pure, and the same again for a wish that is fulfilled already (but for `add`,
 * which adds each time). Numbers are never used twice; servers stand before agents, the first server first.
 * @throws Problem (exit code 2) for a wish that this cluster cannot have
 */
export function reshape(before: Description, wish: ScaleRequest): Description {
  switch (wish.verb) {
    case 'add':
      return add(before, wish.count, { role: wish.role, ...sizeFor(before, wish.size) })
    case 'remove':
      return remove(before, wish.names)
    case 'replace':
      return replaced(before, wish.node)
    case 'size':
      return resize(before, wish.size, wish.node)
    case 'ha':
      return highlyAvailable(before)
    case 'finish':
      return before
  }
}

/** The size that a machine is to have. */
export const sizeOf = (node: Described, { size }: Pick<Description, 'size'>) => node.size ?? size

function add(before: Description, count: number, like: Omit<Described, 'name'>): Description {
  if (like.role === 'server' && before.datastore === 'sqlite')
    throw refused(
      'this cluster keeps its objects in SQLite, which works on one server only',
      `${command('scale.mts', '--ha')} makes three servers with etcd of it; --add without --role adds an agent.`,
    )
  const room = 256 - before.nodes.length
  if (count > room)
    throw refused(
      'a cluster has 256 machines at most: each takes a /24 of 10.42.0.0/16',
      room > 0 ? `${command('scale.mts', '--add', String(room))} fills it.` : 'Remove others first.',
    )
  const added = Array.from({ length: count }, (_, index) => ({
    name: names.droplet(before.cluster, before.nextNode + index),
    ...like,
  }))
  return { ...before, nodes: inOrder([...before.nodes, ...added]), nextNode: before.nextNode + count }
}

function remove(before: Description, leaving: string[]): Description {
  for (const name of leaving) known(before, name)
  const nodes = before.nodes.filter((node) => !leaving.includes(node.name))
  if (serversOf(nodes).length === 0)
    throw refused(
      `${serversOf(before.nodes).map((one) => one.name)} would go, and a cluster needs a server`,
      `Keep one, or remove the whole cluster: ${command('scripts/destroy.mts')}`,
    )
  return { ...before, nodes }
}

function replaced(before: Description, name: string): Description {
  known(before, name)
  const old = before.nodes.find((node) => node.name === name)
  if (!old) return before
  if (old.role === 'server' && serversOf(before.nodes).length === 1)
    throw refused(
      `${name} is the only server: the cluster’s objects go with it`,
      `${command('scale.mts', '--ha')} makes three of it; ${command('restore.mts', '--backup', 'latest', '--replace')} grows a fresh one from the last backup, without what was written since.`,
    )
  const { name: _, ...like } = old
  return add(remove(before, [name]), 1, like)
}

function resize(before: Description, size: string, only: string | undefined): Description {
  if (only !== undefined) {
    known(before, only)
    if (!before.nodes.some((node) => node.name === only)) throw refused(`${only} was removed`)
  }
  const sized = (node: Described): Described => {
    const { size: _, ...rest } = node
    return { ...rest, ...sizeFor(before, size) }
  }
  if (only === undefined) return { ...before, size, nodes: before.nodes.map(({ size: _, ...node }) => node) }
  return { ...before, nodes: before.nodes.map((node) => (node.name === only ? sized(node) : node)) }
}

function highlyAvailable(before: Description): Description {
  const missing = Math.max(0, 3 - serversOf(before.nodes).length)
  const etcd = { ...before, datastore: 'etcd' as const }
  return missing === 0 ? etcd : add(etcd, missing, { role: 'server' })
}

/** Refuses a name that no machine ever had; one that was removed before is fine. */
function known(before: Description, name: string): void {
  if (before.nodes.some((node) => node.name === name) || wasGiven(before, name)) return
  throw refused(
    `cluster ${before.cluster} has no machine “${name}”`,
    `It has ${before.nodes.map((node) => node.name).join(', ')}.`,
  )
}

/** A size of its own only where it differs from the cluster's. */
const sizeFor = (before: Description, size: string | undefined) =>
  size === undefined || size === before.size ? {} : { size }

/** The servers among some machines. */
export const serversOf = (nodes: readonly Described[]) => nodes.filter((node) => node.role === 'server')

/** The agents among some machines. */
export const agentsOf = (nodes: readonly Described[]) => nodes.filter((node) => node.role === 'agent')

const inOrder = (nodes: readonly Described[]) => [...serversOf(nodes), ...agentsOf(nodes)]

const refused = (message: string, cure?: string) =>
  new Problem(message, { exitCode: 2, ...(cure ? { cure } : {}) })
