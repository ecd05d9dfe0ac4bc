import { z } from 'zod'
import { isDryRun } from '../../base/dry-run.ts'
import { tell } from '../../base/story.ts'
import { waitFor } from '../../base/wait.ts'
import { type Kube, ToolFailure } from '../../clients/tools.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { ownMachines } from '../../cluster/ours.ts'
import { kubectlRepeated } from '../../kubernetes/repeated.ts'
import { restartDroplet } from './resize.ts'

const nodes = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string() }),
      status: z
        .object({
          nodeInfo: z.object({ bootID: z.string().default('') }).default({ bootID: '' }),
          conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]),
        })
        .default({ nodeInfo: { bootID: '' }, conditions: [] }),
    }),
  ),
})

/** What the kernel of each machine calls the boot that it is in, by the machine's name. */
export const boots = z.record(z.string(), z.string())

/** The boots of all machines that are Ready. @throws ToolFailure when the API does not answer */
export async function bootsNow(kube: Kube): Promise<z.infer<typeof boots>> {
  const answer = await kubectlRepeated(kube)`get nodes --request-timeout 10s -o json`
  const ready = answer
    .json(nodes)
    .items.filter(({ status }) =>
      status.conditions.some((one) => one.type === 'Ready' && one.status === 'True'),
    )
  return Object.fromEntries(
    ready
      .map(({ metadata, status }) => [metadata.name, status.nodeInfo.bootID] as const)
      .filter(([, boot]) => boot),
  )
}

/**
 * Restarts, one by one, each machine that is still in one of these boots: whoever watches the Kubernetes API there counts
 * changes by the numbers of a database that is not in use any more, and would hear of none (docs/scaling.md, `--ha`).
 * A machine that was restarted since, or left, is passed over.
 * @throws Problem when one is not Ready again after ten minutes
 */
export async function startAnew(cluster: Cluster, kube: Kube, old: z.infer<typeof boots>): Promise<void> {
  const { droplets } = await ownMachines(cluster.cloud, cluster.name)
  for (const [name, boot] of Object.entries(old)) {
    const droplet = droplets.find((one) => one.name === name)
    if (!droplet || (await bootsNow(kube))[name] !== boot) continue
    const started = performance.now()
    await restartDroplet(cluster, droplet)
    if (isDryRun()) continue
    await waitFor({ until: `node ${name} is Ready again`, every: 3, within: 600 }, async (note) => {
      const now = await bootOrNone(kube, name)
      note(now ? 'not restarted yet' : 'NotReady')
      return now && now !== boot ? true : undefined
    })
    tell(
      '~',
      `node ${name}`,
      'restarted, so that all on it sees the new database',
      (performance.now() - started) / 1000,
    )
  }
}

async function bootOrNone(kube: Kube, name: string): Promise<string | undefined> {
  try {
    return (await bootsNow(kube))[name]
  } catch (error) {
    if (!(error instanceof ToolFailure)) throw error
    return undefined
  }
}
