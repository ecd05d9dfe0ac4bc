import { isDryRun } from '../../base/dry-run.ts'
import { atEnd } from '../../base/ending.ts'
import { again, command } from '../../base/hint.ts'
import { Problem } from '../../base/problem.ts'
import { tell } from '../../base/story.ts'
import { backoff, waitFor } from '../../base/wait.ts'
import type { Droplet } from '../../clients/digitalocean-types.ts'
import { doctl, doctlUnlocked, type Kube, type Output, ToolFailure } from '../../clients/tools.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { type Draining, drain, uncordon } from '../../kubernetes/drain.ts'
import { members, membersNow } from '../../kubernetes/nodes.ts'
import { assertOurs } from '../foundation/still-ours.ts'
import type { Resizing } from './difference.ts'

/**
 * Gives a machine another size. Its pods move where there is somewhere to go; it is shut down in order, by the switch if
 * that takes too long; its disk does not grow, so that it can become smaller again; and whatever happened, it is
 * powered on again.
 * @throws Problem when pods do not move (nothing was stopped then), or DigitalOcean refuses the size
 */
export async function resize(cluster: Cluster, kube: Kube, one: Resizing, how: Draining): Promise<void> {
  const { name, droplet } = one
  const nodes = await members(kube)
  const elsewhere = nodes.some((node) => node.name !== name && node.ready && !node.unschedulable)
  try {
    if (elsewhere && droplet.status !== 'off') await drain(kube, name, how)
    await changeSize(cluster, one)
  } finally {
    const isOn = (await cluster.cloud.droplet(droplet.id))?.status === 'active'
    if (isOn && !isDryRun()) await readyAgain(kube, name)
    await uncordon(kube, name)
  }
}

/** Seconds within which a droplet is on again: a resize that is under way must end before. */
const onAgain = 900

/** Off, the other size, on again: without Kubernetes, so also for a machine that an earlier run left off. */
export async function changeSize(cluster: Cluster, { name, droplet, size }: Resizing): Promise<void> {
  const started = performance.now()
  const { id } = droplet
  if (isDryRun()) {
    await doctl`compute droplet-action shutdown ${id}`
    await doctl`compute droplet-action resize ${id} --size ${size}`
    await doctl`compute droplet-action power-on ${id}`
    return
  }
  const powerOnAgain = atEnd(`droplet ${name}`, () => powerOn(cluster, droplet), onAgain)
  try {
    await shutDown(cluster, droplet)
    await resizeOnce(cluster, droplet, size)
    tell('~', `droplet ${name}`, `${droplet.size_slug} → ${size}`, (performance.now() - started) / 1000)
  } finally {
    await powerOnAgain()
  }
}

/** Off and on again: everything that runs on it starts anew. */
export async function restartDroplet(cluster: Cluster, droplet: Droplet): Promise<void> {
  if (isDryRun()) {
    await doctl`compute droplet-action shutdown ${droplet.id}`
    await doctl`compute droplet-action power-on ${droplet.id}`
    return
  }
  const powerOnAgain = atEnd(`droplet ${droplet.name}`, () => powerOn(cluster, droplet), onAgain)
  try {
    await shutDown(cluster, droplet)
  } finally {
    await powerOnAgain()
  }
}

/**
 * Powers a droplet on and waits until it is, and nothing is under way that would switch it off. Needs no lock: it must
 * come true for a run that is ending, too.
 */
export async function powerOn(cluster: Cluster, { id, name }: Droplet): Promise<void> {
  const act = () => doctlUnlocked`compute droplet-action power-on ${id}`
  if (isDryRun()) {
    await doctl`compute droplet-action power-on ${id}`
    return
  }
  if (await staysOn(cluster, id)) return
  await actUntilStatus(
    cluster,
    id,
    { until: `droplet ${name} is on`, status: 'active', within: onAgain },
    act,
  )
  tell('~', `droplet ${name}`, 'powered on')
}

async function staysOn({ cloud }: Cluster, id: string): Promise<boolean> {
  const now = await cloud.droplet(id)
  if (now?.status !== 'active' || now.locked) return false
  return (await cloud.dropletActions(id)).every((one) => one.status !== 'in-progress')
}

async function shutDown(cluster: Cluster, { id, name }: Droplet): Promise<void> {
  const off = { until: `droplet ${name} is off`, status: 'off' }
  if ((await assertOurs(cluster, id))?.status === 'off') return
  try {
    await actUntilStatus(
      cluster,
      id,
      { ...off, within: 180 },
      () => doctl`compute droplet-action shutdown ${id}`,
    )
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    tell('!', `droplet ${name}`, 'did not shut down in three minutes: switched off')
    await actUntilStatus(
      cluster,
      id,
      { ...off, within: 120 },
      () => doctl`compute droplet-action power-off ${id}`,
    )
  }
}

/** Asks for an action, not again before 30 s have passed, until the droplet is as wished and nothing is pending. */
async function actUntilStatus(
  cluster: Cluster,
  id: string,
  { until, status, within }: { until: string; status: string; within: number },
  act: () => Promise<Output>,
): Promise<void> {
  let asked = Number.NEGATIVE_INFINITY
  await waitFor({ until, every: 3, within, sparing: true }, async (note) => {
    const now = await cluster.cloud.droplet(id)
    if (!now)
      throw new Problem(`droplet ${id} is gone`, {
        cure: `${command('scripts/status.mts')} shows what exists.`,
      })
    note(now.locked ? `${now.status}, something is pending` : now.status)
    if (now.locked || (now.status !== status && performance.now() - asked < 30_000)) return undefined
    if (now.status === status) return true
    try {
      await act()
      asked = performance.now()
    } catch (error) {
      if (!(error instanceof ToolFailure)) throw error
      note(error.message)
    }
    return undefined
  })
}

/** What became of it is read from the droplet and its actions: doctl's exit code does not tell. */
async function resizeOnce(cluster: Cluster, droplet: Droplet, size: string): Promise<void> {
  const { id, name } = droplet
  const resizes = async () => (await cluster.cloud.dropletActions(id)).filter((one) => one.type === 'resize')
  const isSized = async () => (await cluster.cloud.droplet(id))?.size_slug === size
  const before = new Set((await resizes()).map((one) => one.id))
  for (let attempt = 1; ; attempt++) {
    let said = ''
    let looks = 0
    try {
      await doctl`compute droplet-action resize ${id} --size ${size}`
    } catch (error) {
      if (!(error instanceof ToolFailure)) throw error
      said = error.message
    }
    const errored = await waitFor(
      { until: `droplet ${name} is ${size}`, every: 5, within: 900, sparing: true },
      async (note) => {
        if (await isSized()) return 'no'
        // One request a look: now and then what became of the action.
        if (looks++ % 3 > 0) return undefined
        const own = (await resizes()).filter((one) => !before.has(one.id))
        note(own[0]?.status ?? 'no action to be seen')
        if (own.some((one) => one.status === 'in-progress')) return undefined
        return own.length > 0 || said ? 'yes' : undefined
      },
    )
    if (errored === 'no') return
    for (const one of await resizes()) before.add(one.id)
    if (attempt === 2)
      throw new Problem(
        `DigitalOcean did not make ${name} a ${size}: ${said || 'its resize action errored'}`,
        {
          cure: `Run ${again()} later, or go back: ${command('scale.mts', '--size', droplet.size_slug, '--node', name)}`,
        },
      )
    await backoff(3)
  }
}

async function readyAgain(kube: Kube, name: string): Promise<void> {
  const started = performance.now()
  await waitFor({ until: `node ${name} is Ready again`, every: 3, within: 600 }, async (note) => {
    const node = (await membersNow(kube))?.find((one) => one.name === name)
    note(node ? 'NotReady' : 'not to be seen')
    return node?.ready ? true : undefined
  })
  tell('+', `node ${name}`, 'Ready again', (performance.now() - started) / 1000)
}
