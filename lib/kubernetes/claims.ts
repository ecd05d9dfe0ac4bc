import { z } from 'zod'
import { tell } from '../base/story.ts'
import { sparingly, waitFor } from '../base/wait.ts'
import type { DigitalOcean } from '../clients/digitalocean.ts'
import { lately } from '../clients/lately.ts'
import { type Kube, kubectl, ToolFailure } from '../clients/tools.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { isOurs } from '../cluster/ours.ts'
import { sampleIsRemoved } from '../gitops/seed.ts'
import { applications, isRefused, stateOf } from './applications.ts'

const claims = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string() }),
      spec: z.object({ volumeName: z.string().optional() }),
      status: z.object({ phase: z.string().optional() }).optional(),
    }),
  ),
})

/** Seconds after which a sample that Argo CD is kept from bringing is not waited for: the first backup is worth more. */
const refusedFor = 60

/**
 * Waits until the sample's claim is bound to a volume at DigitalOcean that carries the cluster's tag: without the tag it
 * would not be known as ours. Claims of your own beside it are not waited for. Who deleted the sample has no such claim;
 * where another file of yours keeps Argo CD from bringing it, that is told.
 * @throws Problem after five minutes, with what was seen last
 */
export async function waitForSample(kube: Kube, cluster: Cluster): Promise<void> {
  const namespace = 'hello'
  const started = performance.now()
  const isDue = sparingly(10)
  const state = await waitFor(
    { until: `claims in ${namespace} are bound`, every: 3, within: 300 },
    async (note) => {
      let items: z.infer<typeof claims>['items']
      try {
        const all = (await kubectl(kube)`get persistentvolumeclaims -n ${namespace} -o json`).json(claims)
        items = all.items.filter(({ metadata }) => metadata.name === 'hello')
      } catch (error) {
        if (!(error instanceof ToolFailure)) throw error
        note('the Kubernetes API does not answer')
        return undefined
      }
      if (items.length === 0 && (await sampleIsRemoved(cluster))) return 'none: you removed the sample'
      if (items.length === 0 && performance.now() - started > refusedFor * 1000) {
        const apps = (await applications(kube)).get('apps')
        if (isRefused(apps)) return `not there: apps ${stateOf(apps)}`
      }
      note(items.map((one) => `${one.metadata.name} ${one.status?.phase ?? ''}`).join(', ') || 'no claim yet')
      if (items.length === 0 || items.some((one) => one.status?.phase !== 'Bound')) return undefined
      const untaggedIn = async (cloud: DigitalOcean) => {
        const volumes = (await cloud.volumes()).filter((one) => isOurs('volumes', one, cluster.name))
        return items.find((one) => !volumes.some((volume) => volume.name === one.spec.volumeName))
      }
      if (!(await untaggedIn(lately(cluster.cloud)))) return 'Bound'
      if (!isDue()) return undefined
      const untagged = await untaggedIn(cluster.cloud)
      if (untagged) note(`volume ${untagged.spec.volumeName} does not carry the tag ${cluster.tag}`)
      return untagged ? undefined : 'Bound'
    },
  )
  tell(
    state.startsWith('not there') ? '!' : '=',
    `claims in ${namespace}`,
    state,
    (performance.now() - started) / 1000,
  )
}
