import { z } from 'zod'
import { tell } from '../../base/story.ts'
import { waitFor } from '../../base/wait.ts'
import { type Kube, ToolFailure } from '../../clients/tools.ts'
import {
  type Application,
  applications,
  hasAnswered,
  isHealthy,
  isRefused,
  stateOf,
} from '../../kubernetes/applications.ts'
import { kubectlRepeated } from '../../kubernetes/repeated.ts'
import type { BackedObject } from '../objects.ts'
import { listedAs } from '../proof/outcome.ts'
import type { Returning } from '../proof/sight.ts'

/** Kinds that Git makes again as it wants them. */
const makeable: Readonly<Record<string, string>> = {
  RoleBinding: 'rolebindings.rbac.authorization.k8s.io',
  ClusterRoleBinding: 'clusterrolebindings.rbac.authorization.k8s.io',
  Service: 'services',
  PriorityClass: 'priorityclasses.scheduling.k8s.io',
  StorageClass: 'storageclasses.storage.k8s.io',
  ConfigMap: 'configmaps',
  Secret: 'secrets',
}

/** The API server's words for a field that cannot be changed. */
const immutable =
  /immutable|cannot change|may not (be )?change|updates to .* (are )?forbidden|field is immutable/i

/** Seconds in which Argo CD tries again what it was refused: what it lacked may have come meanwhile. */
const again = 45

/**
 * Waits until Argo CD has said of every Application that brought something in the backup what it makes of it. What Velero
 * brought back and Git has otherwise, in a field that cannot be changed, gives way, where it holds no data: Git makes its
 * own. An Application that is refused has 45 seconds: it is told, and not waited for.
 * @returns what gave way, and what Git cannot change, one line each
 */
export async function gitTakesOver({ kube, held }: Returning): Promise<string[]> {
  const changed = new Map<string, string>()
  const needed = new Set(held.flatMap((one) => one.app ?? []))
  const refusedSince = new Map<string, number>()
  const started = performance.now()
  await waitFor({ until: 'Argo CD brings what Git has', every: 2, within: 600 }, async (note) => {
    const apps = await seen(kube)
    if (!apps) return undefined
    for (const [name, one] of apps) {
      await makeWay(kube, name, one, held, changed)
      if (isRefused(one) && !isHealthy(one))
        refusedSince.set(name, refusedSince.get(name) ?? performance.now())
      else refusedSince.delete(name)
    }
    const waiting = [...needed].filter((name) => {
      const one = apps.get(name)
      if (!one) return false
      const since = refusedSince.get(name)
      return since === undefined ? !hasAnswered(one) : performance.now() - since < again * 1000
    })
    note(waiting.map((name) => `${name} ${stateOf(apps.get(name))}`).join('; '))
    // An Application that never gets to an answer is told in the proof.
    return waiting.length === 0 || performance.now() - started > 590_000 ? true : undefined
  })
  return [...changed.values()]
}

async function seen(kube: Kube): Promise<Map<string, Application> | undefined> {
  try {
    return await applications(kube)
  } catch (error) {
    if (!(error instanceof ToolFailure)) throw error
    return undefined
  }
}

const restored = z.object({
  metadata: z.object({ labels: z.record(z.string(), z.string()).default({}) }),
})

/** An object as Argo CD names it. */
type Named = Pick<BackedObject, 'kind'> & { group: string; namespace: string; name: string }

/** What the backup holds under the name that Argo CD gives; it may name a namespace for what has none. */
const heldAs = ({ group, kind, namespace, name }: Named, all: readonly BackedObject[]) =>
  all.find(
    (one) =>
      listedAs(one) === `${group}/${kind} ${namespace}/${name}` ||
      listedAs(one) === `${group}/${kind} ${name}`,
  )

/**
 * Under which resource an object that Git cannot change may be removed, so that Git makes its own: what holds no data, and
 * of data only what that Application itself had brought. What somebody made by hand is never removed for Git.
 */
export function givesWay(app: string, named: Named, all: readonly BackedObject[]): string | undefined {
  const isData = named.kind === 'Secret' || named.kind === 'ConfigMap'
  return isData && heldAs(named, all)?.app !== app ? undefined : makeable[named.kind]
}

async function makeWay(
  kube: Kube,
  app: string,
  one: Application,
  all: readonly BackedObject[],
  changed: Map<string, string>,
): Promise<void> {
  for (const each of one.status?.operationState?.syncResult?.resources ?? []) {
    const { kind, namespace, name, status, message = '' } = each
    if (status !== 'SyncFailed' || !immutable.test(message)) continue
    const held = heldAs(each, all)
    const key = `${kind} ${namespace ? `${namespace}/${name}` : name}`
    if (!held || changed.has(key)) continue
    const resource = givesWay(app, each, all)
    if (!resource) {
      changed.set(
        key,
        `${held.resource} ${held.id}: Git has another value, and the field cannot be changed: ${message}`,
      )
      tell('!', key, `kept as in the backup; Git cannot change it: ${message.slice(0, 200)}`)
      continue
    }
    const where = held.id.includes('/') ? ['-n', held.id.split('/')[0] ?? ''] : []
    const found = await kubectlRepeated(kube)`get ${resource} ${name} ${where} --ignore-not-found -o json`
    if (found.text.trim() === '') continue
    if (found.json(restored).metadata.labels['velero.io/restore-name'] === undefined) continue
    await kubectlRepeated(kube)`delete ${resource} ${name} ${where} --ignore-not-found --wait=false`
    changed.set(key, `${held.resource} ${held.id}: replaced by Git’s version: ${message}`)
    tell('~', key, `replaced by Git’s version, of Application ${app}`)
  }
}
