import { load } from 'js-yaml'
import { z } from 'zod'
import type { ReservedIp } from '../clients/digitalocean-types.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { rootApplication } from '../gitops/render.ts'
import { valuesOf } from '../gitops/repository-values.ts'
import { again, kubectlHint } from '../hint.ts'
import { tell } from '../story.ts'
import { type Kube, kubectl, ToolFailure } from '../tools.ts'
import { waitFor } from '../wait.ts'
import { isUnknownKind } from './kinds.ts'
import { applyForArgoCd, kubectlRepeated } from './repeated.ts'
import { watchTroubles } from './troubles.ts'

/** What regrow reads of an Argo CD Application (argoproj.io/v1alpha1). */
const application = z.object({
  metadata: z.object({ name: z.string() }),
  status: z
    .object({
      sync: z.object({ status: z.string() }).optional(),
      health: z.object({ status: z.string().optional(), message: z.string().optional() }).optional(),
      conditions: z.array(z.object({ type: z.string(), message: z.string() })).optional(),
      operationState: z.object({ phase: z.string(), message: z.string().optional() }).optional(),
      resources: z
        .array(z.object({ kind: z.string(), name: z.string(), group: z.string().optional() }))
        .optional(),
    })
    .optional(),
})
export type Application = z.infer<typeof application>

/** All Applications of the cluster by name. @throws ToolFailure when the API does not answer */
export async function applications(kube: Kube): Promise<Map<string, Application>> {
  const answer = await kubectl(kube)`get applications.argoproj.io -n argocd -o json`
  const { items } = answer.json(z.object({ items: z.array(application) }))
  return new Map(items.map((one) => [one.metadata.name, one]))
}

/** Whether an Application is what Git says and works. */
export const isHealthy = (one: Application | undefined): boolean =>
  one?.status?.sync?.status === 'Synced' && one.status.health?.status === 'Healthy'

/** An Application's state in words: `Synced, Progressing`, with the reason where Argo CD gives one. */
export function stateOf(one: Application | undefined): string {
  if (!one?.status) return 'not looked at yet'
  const { sync, health, conditions, operationState } = one.status
  const reason =
    conditions?.find((condition) => condition.type.endsWith('Error'))?.message ??
    (operationState?.phase === 'Failed' || operationState?.phase === 'Error'
      ? operationState.message
      : undefined) ??
    health?.message
  return `${sync?.status ?? 'Unknown'}, ${health?.status ?? 'Unknown'}${reason ? `: ${reason.slice(0, 300)}` : ''}`
}

/**
 * Waits until an app of apps and every Application it brings are Synced and Healthy (both: since Argo CD 3.4 a part
 * that is missing does not show in the health alone). What keeps pods and claims waiting meanwhile is told as it shows.
 * @throws Problem after 15 minutes, naming what is not well and why
 */
export async function healthy(kube: Kube, name: 'platform' | 'root'): Promise<void> {
  const started = performance.now()
  const told = new Set<string>()
  let first = true
  const troubled = watchTroubles(kube)
  await waitFor(
    { wish: `${name} is healthy`, every: 3, within: 900, cure: cureFor(kube, name) },
    async (note) => {
      let all: Map<string, Application>
      try {
        all = await applications(kube)
      } catch (error) {
        if (!(error instanceof ToolFailure)) throw error
        first = false
        note(isUnknownKind(error) ? 'Argo CD is not there' : 'the Kubernetes API does not answer')
        return undefined
      }
      const parent = all.get(name)
      const children = (parent?.status?.resources ?? [])
        .filter((one) => one.kind === 'Application')
        .map((one) => one.name)
      const well = [...children, name].filter((one) => isHealthy(all.get(one)))
      for (const one of well.filter((each) => !told.has(each))) {
        told.add(one)
        tell(
          first ? '=' : '+',
          `application ${one}`,
          'Synced, Healthy',
          first ? undefined : (performance.now() - started) / 1000,
        )
      }
      first = false
      if (isHealthy(parent) && children.length > 0 && well.length === children.length + 1) return true
      const ill = [name, ...children].filter((one) => !isHealthy(all.get(one)))
      note([...ill.map((one) => `${one} ${stateOf(all.get(one))}`), ...(await troubled())].join('; '))
      return undefined
    },
  )
}

const cureFor = ({ file }: Kube, name: string) =>
  `Look closer with: ${kubectlHint(file)`get applications -n argocd ${name} -o yaml`}. When it is fixed, run ${again()}.`

/** Whether the node's last step is over: Argo CD runs and was given the app of apps that brings the platform. */
export async function hasPlatform(kube: Kube): Promise<boolean> {
  try {
    const answer = await kubectl(
      kube,
    )`get applications.argoproj.io platform -n argocd --request-timeout 5s --ignore-not-found -o json`
    return answer.text.trim() !== ''
  } catch (error) {
    if (!(error instanceof ToolFailure)) throw error
    return false
  }
}

/** Applies the root Application where it is missing or not as wanted; from then on Git brings everything else. */
export async function applyRoot(kube: Kube, cluster: Cluster, address: ReservedIp): Promise<void> {
  const manifest = rootApplication(valuesOf(cluster, address.ip))
  const { spec } = z.object({ spec: z.unknown() }).parse(load(manifest))
  const found = await currentSpec(kube)
  if (found !== undefined && contains(found, spec)) return tell('=', 'app of apps')
  const started = performance.now()
  await applyForArgoCd(kube, manifest)
  tell('+', 'app of apps', 'Git brings the rest', (performance.now() - started) / 1000)
}

/** Whether the app of apps was applied: from then on Git brings the apps. */
export const hasRoot = async (kube: Kube) => (await currentSpec(kube)) !== undefined

async function currentSpec(kube: Kube): Promise<unknown> {
  const answer = await kubectlRepeated(
    kube,
  )`get applications.argoproj.io root -n argocd --ignore-not-found -o json`
  return answer.text.trim() === '' ? undefined : answer.json(z.object({ spec: z.unknown() })).spec
}

/** Whether everything of `part` is in `whole` with the same value; the API server adds defaults of its own. */
function contains(whole: unknown, part: unknown): boolean {
  if (Array.isArray(part))
    return (
      Array.isArray(whole) &&
      whole.length === part.length &&
      part.every((one, index) => contains(whole[index], one))
    )
  if (part && typeof part === 'object')
    return (
      !!whole &&
      typeof whole === 'object' &&
      Object.entries(part).every(([key, value]) => contains((whole as Record<string, unknown>)[key], value))
    )
  return whole === part
}
