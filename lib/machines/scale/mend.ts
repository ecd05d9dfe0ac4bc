import { installSteps } from '#cloud-init/index.ts'
import { command } from '../../base/hint.ts'
import { isMachineName, names } from '../../base/names.ts'
import { Problem } from '../../base/problem.ts'
import { tell } from '../../base/story.ts'
import type { Bucket } from '../../clients/s3.ts'
import type { Description } from '../../cluster/description.ts'
import { installDeadline } from '../../kubernetes/reports.ts'
import { readNote, readReport } from '../../store/nodes.ts'
import type { Seen } from './difference.ts'
import type { ScaleRequest } from './request.ts'
import { type Described, reshape, sizeOf } from './reshape.ts'

/**
 * The wish as it is meant: an `--add` with the same words while machines of an earlier one have not joined finishes
 * those, and buys no more. They are described, and Kubernetes does not know them.
 */
export function withoutRepeats(
  described: Description,
  wish: ScaleRequest,
  seen: Pick<Seen, 'droplets' | 'members'>,
): ScaleRequest {
  if (wish.verb !== 'add') return wish
  const isAlike = (node: Described) =>
    node.role === wish.role && sizeOf(node, described) === (wish.size ?? described.size)
  const known = seen.members ?? seen.droplets
  const left = described.nodes
    .filter((node) => isAlike(node) && !known.some((one) => one.name === node.name))
    .map(({ name }) => name)
  if (left.length === 0) return wish
  tell(
    '!',
    left.join(', '),
    `${left.length === 1 ? 'is' : 'are'} described and did not join yet: this run finishes that, and adds no more`,
  )
  return { verb: 'finish' }
}

/**
 * The description with its count of names not below what was given: others write to Git as well, and with a lower one the
 * next machine would get the name of another.
 * @param noted names of machines that the kit's bucket has a note of
 */
export function countedOn(described: Description, noted: ReadonlySet<string>): Description {
  const { cluster, nextNode } = described
  const given = [...noted].filter((name) => isMachineName(cluster, name)).map(numberOf)
  const next = Math.max(nextNode, ...given.map((number) => number + 1))
  if (next === nextNode) return described
  tell(
    '!',
    'nextNode',
    `is ${nextNode} in Git, and ${names.droplet(cluster, next - 1)} was made: ${next} from now on`,
  )
  return { ...described, nextNode: next }
}

const numberOf = (name: string) => Number(/\d+$/.exec(name)?.[0])

/**
 * Described machines that are lost, or that failed to join or never said that they did, get a successor under the next
 * number: user-data cannot be changed, and names are never used twice. The buckets tell whether a machine ever ran.
 * @param now by DigitalOcean's clock
 * @throws Problem when there is no server to join
 */
export async function withSuccessors(
  wanted: Description,
  seen: Seen,
  kit: Bucket,
  now: Date,
): Promise<Description> {
  const there = (name: string) => seen.droplets.some((one) => one.name === name)
  if (!wanted.nodes.some((node) => node.role === 'server' && there(node.name)))
    throw new Problem(`cluster ${wanted.cluster} has no server`, {
      cure: `${command('bootstrap.mts')} finishes a first one that was begun; ${command('restore.mts', '--backup', 'latest')} brings a lost one back.`,
    })
  const lost = await Promise.all(
    wanted.nodes.map(async (node) => ({ node, why: await whyLost(node, seen, kit, now) })),
  )
  return lost.reduce((description, { node, why }) => {
    if (!why) return description
    const after = reshape(description, { verb: 'replace', node: node.name })
    tell('!', node.name, `${why}: another machine takes its place`)
    return after
  }, wanted)
}

async function whyLost(
  { name, role }: Described,
  seen: Seen,
  kit: Bucket,
  now: Date,
): Promise<string | undefined> {
  const droplet = seen.droplets.find((one) => one.name === name)
  const member = seen.members?.some((one) => one.name === name)
  if (droplet && (member || !seen.members)) return undefined
  if (!droplet && member) return 'its droplet is gone'
  // What it reports is its own word, and its silence none.
  if (droplet && droplet.volume_ids.length > 0) return undefined
  const steps = ['started' as const, ...installSteps(role)]
  const reports = await Promise.all(steps.map((step) => readReport(kit, name, step)))
  const failed = reports.find((one) => one?.state === 'failed')
  if (failed) return `it never joined (${failed.message})`
  const said = reports.filter((one) => one !== undefined)
  if (!droplet) return said.length > 0 ? 'its droplet is gone' : undefined
  // One that reported its last step has joined: where its node is gone, a person took it away.
  const ordered = reports.at(-1) ? undefined : (await readNote(kit, name))?.at
  if (!ordered || now.getTime() - Date.parse(ordered) < installDeadline * 1000) return undefined
  const last = said.at(-1)
  return `it never joined (${last ? `its last report was “${last.step}”` : 'nothing was ever heard from it'})`
}
