import { z } from 'zod'
import { isDryRun } from '../base/dry-run.ts'
import { again } from '../base/hint.ts'
import { Problem } from '../base/problem.ts'
import { tell } from '../base/story.ts'
import { backoff, waitFor } from '../base/wait.ts'
import { type Kube, kubectl, type Output, ToolFailure } from '../clients/tools.ts'
import { cordonMark, members } from './nodes.ts'
import { pods } from './pods.ts'
import { kubectlRepeated } from './repeated.ts'

/** How a node is emptied: how many seconds pods have, and whether budgets and pods of nobody are overridden. */
export interface Draining {
  within: number
  force: boolean
}

const budgets = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string(), namespace: z.string() }),
      status: z.object({ disruptionsAllowed: z.number().optional() }).optional(),
    }),
  ),
})
const attachments = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string() }),
      spec: z.object({ nodeName: z.string() }),
    }),
  ),
})

/**
 * Keeps new pods off a node and lets its pods move away, as their disruption budgets allow.
 * @throws Problem after the deadline: what stays and which budgets allow nothing; the node stays cordoned
 */
export async function drain(kube: Kube, node: string, { within, force }: Draining): Promise<void> {
  const started = performance.now()
  const forced = force ? ['--force', '--disable-eviction'] : []
  const act = (seconds: number) =>
    kubectl(
      kube,
    )`drain ${node} --ignore-daemonsets --delete-emptydir-data --timeout ${`${seconds}s`} ${forced}`
  await cordon(kube, node)
  if (isDryRun()) {
    await act(within)
    return
  }
  for (let attempt = 1; ; attempt++) {
    const left = Math.ceil(within - (performance.now() - started) / 1000)
    try {
      await act(Math.max(1, left))
      break
    } catch (error) {
      if (!(error instanceof ToolFailure)) throw error
      const stuck = await movable(kube, node)
      if (stuck?.length === 0) break
      if (left <= 1 || attempt === 4) throw await undrained(kube, node, stuck ?? [], within, error)
      await backoff(attempt)
    }
  }
  tell('~', `node ${node}`, 'drained', (performance.now() - started) / 1000)
}

/** Waits until Kubernetes has let go of every volume on a node. @throws Problem after six minutes */
export async function waitForDetached(kube: Kube, node: string): Promise<void> {
  if (isDryRun()) return
  await waitFor({ until: `volumes leave ${node}`, every: 3, within: 360 }, async (note) => {
    const answer = await looked(kubectl(kube)`get volumeattachments --request-timeout 10s -o json`)
    if (!answer) return undefined
    const there = answer.json(attachments).items.filter((one) => one.spec.nodeName === node)
    note(there.map((one) => one.metadata.name).join(', '))
    return there.length === 0 ? true : undefined
  })
}

/** Marks a node as cordoned by us, unless a person has cordoned it already. */
async function cordon(kube: Kube, node: string): Promise<void> {
  const before = (await members(kube)).find((one) => one.name === node)
  if (before?.unschedulable) return
  await kubectlRepeated(kube)`annotate node ${node} ${cordonMark}=scale --overwrite`
  await kubectlRepeated(kube)`cordon ${node}`
}

/** Lets pods onto a node again that regrow had cordoned; a person's own cordon stays. */
export async function uncordon(kube: Kube, node: string): Promise<void> {
  const now = (await members(kube)).find((one) => one.name === node)
  if (!now?.cordonedByUs) return
  await kubectlRepeated(kube)`uncordon ${node}`
  await kubectlRepeated(kube)`annotate node ${node} ${`${cordonMark}-`}`
  tell('~', `node ${node}`, 'takes pods again')
}

async function movable(kube: Kube, node: string): Promise<string[] | undefined> {
  try {
    return (await pods(kube)).filter((pod) => pod.node === node && !pod.ofItsNode).map((pod) => pod.name)
  } catch (error) {
    if (!(error instanceof ToolFailure)) throw error
    return undefined
  }
}

async function undrained(
  kube: Kube,
  node: string,
  stuck: string[],
  within: number,
  cause: ToolFailure,
): Promise<Problem> {
  const spaces = new Set(stuck.map((name) => name.split('/')[0]))
  const all = await looked(kubectl(kube)`get poddisruptionbudgets --all-namespaces -o json`)
  const strict = (all?.json(budgets).items ?? [])
    .filter((one) => one.status?.disruptionsAllowed === 0 && spaces.has(one.metadata.namespace))
    .map((one) => `${one.metadata.namespace}/${one.metadata.name}`)
  const why = strict.length > 0 ? `; ${strict.join(', ')} allows no disruption now` : ''
  return new Problem(
    `${node} could not be drained within ${within} s: ${stuck.join(', ') || 'the Kubernetes API does not answer'}${why}\n    ${cause.message}`,
    {
      cure: `Nothing was removed. Fix what holds them and run ${again()}, with a longer --drain-timeout; --force overrides budgets.`,
      cause,
    },
  )
}

async function looked(answer: Promise<Output>): Promise<Output | undefined> {
  try {
    return await answer
  } catch (error) {
    if (!(error instanceof ToolFailure)) throw error
    return undefined
  }
}
