import { load } from 'js-yaml'
import { z } from 'zod'
import { again, kubectlHint } from '../base/hint.ts'
import { tell } from '../base/story.ts'
import { waitFor } from '../base/wait.ts'
import type { ReservedIp } from '../clients/digitalocean-types.ts'
import { type Kube, kubectl, ToolFailure } from '../clients/tools.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { applicationInGit } from '../gitops/in-git.ts'
import { isUnknownKind } from './kinds.ts'
import { applyForArgoCd, kubectlRepeated } from './repeated.ts'
import { troubles, watchTroubles } from './troubles.ts'

const listed = z.object({
  kind: z.string(),
  name: z.string(),
  group: z.string().default(''),
  namespace: z.string().default(''),
})
const synced = listed.extend({ status: z.string().optional(), message: z.string().optional() })

/** What regrow reads of an Argo CD Application (argoproj.io/v1alpha1). */
const application = z.object({
  metadata: z.object({ name: z.string() }),
  spec: z
    .object({ syncPolicy: z.object({ automated: z.looseObject({}).nullish() }).optional() })
    .prefault({}),
  status: z
    .object({
      sync: z.object({ status: z.string(), revision: z.string().optional() }).optional(),
      health: z.object({ status: z.string().optional(), message: z.string().optional() }).optional(),
      conditions: z.array(z.object({ type: z.string(), message: z.string() })).optional(),
      operationState: z
        .object({
          phase: z.string(),
          message: z.string().optional(),
          retryCount: z.number().optional(),
          syncResult: z.object({ resources: z.array(synced).nullish() }).optional(),
        })
        .optional(),
      resources: z.array(listed).nullish(),
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
    (isRefused(one) ? operationState?.message : undefined) ??
    health?.message
  return `${sync?.status ?? 'Unknown'}, ${health?.status ?? 'Unknown'}${reason ? `: ${reason.slice(0, 300)}` : ''}`
}

/** Whether its last sync failed, or is being tried again after it failed. */
export const isRefused = (one: Application | undefined): boolean => {
  const { phase = '', retryCount = 0, message = '' } = one?.status?.operationState ?? {}
  return (
    phase === 'Failed' ||
    phase === 'Error' ||
    (phase === 'Running' && (retryCount > 0 || /fail/.test(message)))
  )
}

/** Whether Argo CD has compared an Application with Git, and synced it or said why it does not. */
export const hasAnswered = (one: Application | undefined): boolean => {
  const { sync, operationState, conditions } = one?.status ?? {}
  if (conditions?.some(({ type }) => type.endsWith('Error'))) return true
  if (sync?.status === undefined || sync.status === 'Unknown') return false
  return (
    sync.status === 'Synced' || !isAutomated(one) || operationState?.phase === 'Succeeded' || isRefused(one)
  )
}

/** Whether Argo CD syncs it by itself. */
export const isAutomated = (one: Application | undefined): boolean =>
  one?.spec.syncPolicy?.automated !== undefined && one.spec.syncPolicy.automated !== null

/** The Applications that an app of apps brings, by their names. */
const childrenOf = (parent: Application | undefined): string[] =>
  (parent?.status?.resources ?? []).filter((one) => one.kind === 'Application').map((one) => one.name)

/** The Application of a person's own apps: nobody waits for what is in it. */
const own = 'apps'

/**
 * Waits until an app of apps and every Application it brings are Synced and Healthy (both: since Argo CD 3.4 a part
 * that is missing does not show in the health alone). What keeps pods and claims waiting meanwhile is told as it shows. A
 * person's own apps are looked at once: how they are is told, and not waited for.
 * @throws Problem after 15 minutes, naming what is not well and why
 */
export async function waitForApplication(kube: Kube, name: 'platform' | 'root'): Promise<void> {
  const started = performance.now()
  const told = new Set<string>()
  let first = true
  const troubled = watchTroubles(kube)
  await waitFor(
    { until: `${name} is healthy`, every: 3, within: 900, cure: cureFor(kube, name) },
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
      const children = childrenOf(parent)
      const needed = children.filter((one) => one !== own)
      const isWell = (one: string) =>
        // Its own health is that of everything below it.
        one === name && children.includes(own)
          ? parent?.status?.sync?.status === 'Synced'
          : isHealthy(all.get(one))
      const well = [...needed, name].filter(isWell)
      for (const one of well.filter((each) => !told.has(each))) {
        told.add(one)
        tell(
          first ? '=' : '+',
          `application ${one}`,
          one === 'root' ? 'Synced' : stateOf(all.get(one)), // its health is that of your apps, told below
          first ? undefined : (performance.now() - started) / 1000,
        )
      }
      first = false
      const answered = !children.includes(own) || hasAnswered(all.get(own))
      if (needed.length > 0 && well.length === needed.length + 1 && answered) {
        if (children.includes(own)) await tellOwn(kube, all.get(own))
        return true
      }
      const ill = [name, ...needed].filter((one) => !isWell(one))
      note([...ill.map((one) => `${one} ${stateOf(all.get(one))}`), ...(await troubled())].join('; '))
      return undefined
    },
  )
}

/** How a person's own apps are, with what keeps their pods and claims waiting. */
async function tellOwn(kube: Kube, apps: Application | undefined): Promise<void> {
  tell(isHealthy(apps) ? '=' : '!', `application ${own}`, stateOf(apps))
  if (!isHealthy(apps)) for (const one of await troubles(kube)) tell('!', one)
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

/**
 * Applies the root Application where it is missing or not as Git has it; from then on Git brings everything else. The
 * platform's, which the node applied as Git had it then, is brought up to date.
 */
export async function applyRoot(kube: Kube, cluster: Cluster, address: ReservedIp): Promise<void> {
  const [platform, root] = await Promise.all([
    applicationInGit(cluster, 'platform', address.ip),
    applicationInGit(cluster, 'root', address.ip),
  ])
  if ((await differs(kube, 'platform', platform)) === 'other') {
    await applyForArgoCd(kube, platform)
    tell('~', 'application platform', 'as Git has it')
  }
  if ((await differs(kube, 'root', root)) === 'same') return tell('=', 'app of apps')
  const started = performance.now()
  await applyForArgoCd(kube, root)
  tell('+', 'app of apps', 'Git brings the rest', (performance.now() - started) / 1000)
}

/** Whether an Application is as its manifest has it. */
async function differs(kube: Kube, name: string, manifest: string): Promise<'missing' | 'other' | 'same'> {
  const found = await current(kube, name)
  if (found === undefined) return 'missing'
  return contains(found, written.parse(load(manifest))) ? 'same' : 'other'
}

/** What a person or regrow writes of an Application. */
const written = z.object({
  metadata: z.object({ annotations: z.record(z.string(), z.string()).default({}) }),
  spec: z.unknown(),
})

/** Whether the app of apps was applied: from then on Git brings the apps. */
export const hasRoot = async (kube: Kube) => (await current(kube, 'root')) !== undefined

async function current(kube: Kube, name: string): Promise<z.infer<typeof written> | undefined> {
  const answer = await kubectlRepeated(
    kube,
  )`get applications.argoproj.io ${name} -n argocd --ignore-not-found -o json`
  return answer.text.trim() === '' ? undefined : answer.json(written)
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
