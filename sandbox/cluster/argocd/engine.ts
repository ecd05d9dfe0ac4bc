import { isDeepStrictEqual } from 'node:util'
import { type Cluster, runs } from '../cluster.ts'
import type { Controller } from '../control.ts'
import { Refusal } from '../refusal.ts'
import { now as time } from '../time.ts'
import { at, numberAt, type Thing, type Tree, textAt, textsAt, treeAt } from '../tree.ts'
import { compare, optionOf, type Part, trackedBy } from './compare.ts'
import { type Grade, worst } from './health.ts'
import { type Rendered, Sources, sourcesOf } from './sources.ts'
import { isApproved, type Progress, prune, sync } from './sync.ts'

const parts = ['argocd-application-controller', 'argocd-repo-server', 'argocd-cm', 'argocd-secret']
const refresh = 'argocd.argoproj.io/refresh'

/** The paper Argo CD: makes the cluster equal to Git for every Application, once its own workloads run. */
export function argocd(cluster: Cluster): Controller {
  const { store } = cluster
  const sources = new Sources(cluster)
  const apps = () => store.list('Application', 'argocd').map((app) => app.metadata.name)
  let begun: number | undefined = Date.now()
  return {
    keys: ({ kind, thing }) => {
      const tracker = trackedBy(thing)
      if (kind.kind === 'Application') return [thing.metadata.name, ...(tracker ? [tracker] : [])]
      const isPart =
        parts.includes(thing.metadata.name) || thing.metadata.labels?.['argocd.argoproj.io/secret-type']
      if (isPart && thing.metadata.namespace === 'argocd') return apps()
      return tracker ? [tracker] : []
    },
    reconcile: async (name) => {
      const app =
        isRunning(cluster) && store.kinds.has('Application') && store.find('Application', 'argocd', name)
      if (!app) return
      if (app.metadata.deletionTimestamp) return cascade(cluster, app)
      const asked = app.metadata.annotations?.[refresh]
      try {
        const { objects, revisions } = await sources.render(app, asked === 'hard')
        const running = await pinned(sources, app)
        if (!cluster.isUp()) return
        advance(
          cluster,
          app,
          { parts: compare(cluster, app, objects), revisions },
          running && {
            ...running,
            parts: compare(cluster, app, running.objects),
          },
        )
      } catch (error) {
        if (error instanceof Refusal) throw error
        unknown(cluster, app, (error as Error).message)
        // Argo CD looks again by itself; so do we.
        throw new Refusal(500, 'ComparisonError', (error as Error).message)
      } finally {
        if (asked) clearRefresh(cluster, name)
      }
    },
    rests: (name) =>
      store.list('Application', 'argocd').some((app) => app.metadata.name === name && isSettled(app)),
    poll: async () => {
      makeProject(cluster)
      if (!isRunning(cluster)) return []
      // What rested may have been about to be looked at when the world was paused.
      if (begun !== undefined && Date.now() - begun > 2000) {
        begun = undefined
        return apps()
      }
      const moved = async (name: string) => {
        const app = store.find('Application', 'argocd', name)
        const known = JSON.stringify(
          at(app, 'status', 'sync', 'revisions') ?? [at(app, 'status', 'sync', 'revision')],
        )
        if (!app || known === '[null]') return []
        const now = await Promise.all(sourcesOf(app).map((source) => sources.revision(source)))
        return JSON.stringify(now) === known ? [] : [name]
      }
      return (await Promise.all(apps().map((name) => moved(name).catch(() => [name])))).flat()
    },
  }
}

/** Its server makes the project that every Application is in unless it names another (server/server.go, 3.2.5). */
function makeProject(cluster: Cluster): void {
  const { store } = cluster
  if (!runs(cluster, 'Deployment', 'argocd', 'argocd-server') || !store.kinds.has('AppProject')) return
  if (store.find('AppProject', 'argocd', 'default')) return
  store.create({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'AppProject',
    metadata: { namespace: 'argocd', name: 'default' },
    spec: {
      sourceRepos: ['*'],
      destinations: [{ namespace: '*', server: '*' }],
      clusterResourceWhitelist: [{ group: '*', kind: '*' }],
    },
  })
}

function isRunning(cluster: Cluster): boolean {
  return (
    runs(cluster, 'StatefulSet', 'argocd', 'argocd-application-controller') &&
    runs(cluster, 'Deployment', 'argocd', 'argocd-repo-server') &&
    cluster.store.find('Secret', 'argocd', 'argocd-secret') !== undefined
  )
}

/** As Git has it, healthy, and nothing asked of it or under way. */
function isSettled(app: Thing): boolean {
  const { sync, health, operationState } = treeAt(app, 'status')
  const phases = [textAt(sync, 'status'), textAt(health, 'status'), textAt(operationState, 'phase')]
  const isAsked = app.operation ?? app.metadata.deletionTimestamp ?? app.metadata.annotations?.[refresh]
  return (
    phases.join() === 'Synced,Healthy,Succeeded' &&
    isAsked === undefined &&
    isDeepStrictEqual(at(sync, 'comparedTo'), comparedTo(app))
  )
}

/** What an operation works on: objects, and the revision of each source that they come from. */
interface Target {
  parts: Part[]
  revisions: string[]
}

/**
 * What a running operation was begun for, and stays at: what comes into Git meanwhile is for the next one. Only a retry
 * with `refresh` reads the sources anew, and those as they were too: a chart stays at its version.
 * Source: Argo CD 3.5.4, controller/appcontroller.go (`autoSync`, `processRequestedAppOperation`).
 */
async function pinned(sources: Sources, app: Thing): Promise<Rendered | undefined> {
  const { phase, operation, message } = treeAt(app, 'status', 'operationState')
  if (phase !== 'Running') return undefined
  const { revisions, ...given } = treeAt({ operation }, 'operation', 'sync')
  const was = { ...app, spec: { ...treeAt(app, 'spec'), ...given } }
  const isRetry = / Retrying attempt #\d+ /.test(String(message))
  const refreshes = isRetry && at({ operation }, 'operation', 'retry', 'refresh') === true
  return sources.render(was, false, refreshes ? await sources.revisions(was) : (revisions as string[]))
}

/** Writes what was seen, and takes the running or due sync one step further. */
function advance(cluster: Cluster, app: Thing, now: Target, running: Target | undefined): void {
  const before = treeAt(app, 'status', 'operationState')
  if (before.phase === 'Terminating') {
    const ended = { phase: 'Failed', message: 'Operation terminated', finishedAt: time() }
    write(cluster, app, { ...seen(app, now), operationState: { ...before, ...ended } }, false)
    return
  }
  const target = running ?? now
  const result =
    running || due(app, now) || at(app, 'operation')
      ? sync(cluster, app, target.parts, running ? String(before.startedAt) : time())
      : undefined
  const status = seen(app, now)
  if (result) status.operationState = operation(app, before, result, target.revisions)
  write(cluster, app, status, result !== undefined)
  if (result?.state === 'failed' && treeAt(status, 'operationState').phase === 'Running')
    throw new Refusal(500, 'SyncFailed', result.message)
}

/** Automated sync: on a difference, but not for a commit that was given up, nor for a drift without self-heal. */
function due(app: Thing, { parts, revisions }: Target): boolean {
  const automated = at(app, 'spec', 'syncPolicy', 'automated')
  if (!automated || textAt(app, 'status', 'operationState', 'phase') === 'Running') return false
  const pruning = treeAt({ automated }, 'automated').prune === true
  const differs = parts.some(({ wanted, live, synced }) =>
    wanted ? !synced : pruning && live && optionOf(app, live, 'Prune') !== 'false',
  )
  const isEmptied = parts.length > 0 && parts.every(({ wanted }) => !wanted)
  if (pruning && isEmptied && treeAt({ automated }, 'automated').allowEmpty !== true) return false
  const done =
    JSON.stringify(at(app, 'status', 'operationState', 'syncResult', 'revisions')) ===
    JSON.stringify(revisions)
  if (!done) return differs
  const gaveUp = textAt(app, 'status', 'operationState', 'phase') === 'Failed'
  return differs && !gaveUp && treeAt({ automated }, 'automated').selfHeal === true
}

function operation(app: Thing, before: Tree, result: Progress, revisions: string[]): Tree {
  const goesOn = before.phase === 'Running'
  const startedAt = goesOn ? before.startedAt : time()
  const retryCount = (goesOn ? numberAt(before, 0, 'retryCount') : 0) + (result.state === 'failed' ? 1 : 0)
  const common = {
    operation: goesOn
      ? { ...treeAt(before, 'operation'), sync: { ...treeAt(before, 'operation', 'sync'), revisions } }
      : begunBy(app, revisions),
    startedAt,
    retryCount,
    syncResult: { revision: revisions[0], revisions, resources: result.resources },
  }
  const limit = numberAt(common.operation, 5, 'retry', 'limit')
  if (result.state === 'finished')
    return {
      ...common,
      phase: 'Succeeded',
      message: 'successfully synced (all tasks run)',
      finishedAt: time(),
    }
  if (result.state === 'waiting') return { ...common, phase: 'Running', message: result.message }
  if (limit >= 0 && retryCount > limit)
    return {
      ...common,
      phase: 'Failed',
      message: `${result.message} (retried ${limit} times).`,
      finishedAt: time(),
    }
  const when = new Date().toLocaleTimeString('en-US', { hour: 'numeric', minute: '2-digit', timeZone: 'UTC' })
  const retrying = `Retrying attempt #${retryCount} at ${when.replace(' ', '')}.`
  return { ...common, phase: 'Running', message: `${result.message}. ${retrying}` }
}

/** An operation is for the sources, and retried by the rules, that the Application had when it began. */
function begunBy(app: Thing, revisions: string[]): Tree {
  const { source, sources } = treeAt(app, 'spec')
  return {
    sync: { revisions, ...(source ? { source } : {}), ...(sources ? { sources } : {}) },
    retry: treeAt(app, 'spec', 'syncPolicy', 'retry'),
  }
}

/** The part of an Application's wish that its status repeats. */
function comparedTo(app: Thing): Tree {
  const { source, sources, destination } = treeAt(app, 'spec')
  return { ...(sources ? { sources } : { source }), destination }
}

/** The status of an Application as the real custom resource has it. */
function seen(app: Thing, { parts, revisions }: Target): Tree {
  const several = at(app, 'spec', 'sources') !== undefined
  const resources = parts.map(({ wanted, live, synced, health, wave }) => {
    const thing = (wanted ?? live) as Thing
    const [version, group = ''] = thing.apiVersion.split('/').reverse()
    const { namespace, name } = thing.metadata
    return {
      ...(group ? { group } : {}),
      version,
      kind: thing.kind,
      ...(namespace ? { namespace } : {}),
      name,
      status: synced ? 'Synced' : 'OutOfSync',
      ...(health ? { health: { status: health } } : {}),
      ...(wave ? { syncWave: wave } : {}),
      ...(wanted ? {} : { requiresPruning: true }),
    }
  })
  const status = parts.every((part) => part.synced) ? 'Synced' : 'OutOfSync'
  return {
    sync: { status, comparedTo: comparedTo(app), ...(several ? { revisions } : { revision: revisions[0] }) },
    health: { status: worst(healthsThatCount(parts)) },
    resources,
    conditions: [],
    sourceType: 'Directory',
  }
}

/** Since Argo CD 3.4 an Application is Missing only when all of it is. */
function healthsThatCount(parts: Part[]): Grade[] {
  const all = parts.filter((part) => part.wanted).flatMap(({ health }) => health ?? [])
  const isGone = parts.length > 0 && parts.every((part) => part.health === 'Missing')
  return isGone ? ['Missing'] : all.map((one) => (one === 'Missing' ? 'Progressing' : one))
}

function unknown(cluster: Cluster, app: Thing, reason: string): void {
  const message = `Failed to load target state: failed to generate manifest for source 1 of 1: rpc error: code = Unknown desc = ${reason}`
  const conditions = [{ type: 'ComparisonError', message }]
  const sync = { ...treeAt(app, 'status', 'sync'), status: 'Unknown' }
  write(cluster, app, { conditions, sync, health: { status: 'Unknown' } }, false)
}

/** Writes the status when it says something new (a time alone is nothing new), and takes the asked operation away. */
function write({ store }: Cluster, app: Thing, status: Tree, started: boolean): void {
  const live = store.find('Application', 'argocd', app.metadata.name)
  if (!live) return
  const before = treeAt(live, 'status')
  const wanted = { ...before, ...status }
  if (!isDeepStrictEqual(wanted, before))
    store.setStatus('Application', 'argocd', app.metadata.name, { ...status, reconciledAt: time() })
  const { operation, ...rest } = store.get('Application', 'argocd', app.metadata.name)
  if (started && operation) store.update(rest)
}

function clearRefresh({ store }: Cluster, name: string): void {
  const live = store.find('Application', 'argocd', name)
  if (!live) return
  const { [refresh]: _asked, ...annotations } = live.metadata.annotations ?? {}
  store.update({ ...live, metadata: { ...live.metadata, annotations } })
}

/** Deletion with the resources finalizer takes along what the Application brought, but definitions and what is to be kept. */
function cascade(cluster: Cluster, app: Thing): void {
  const { store } = cluster
  const finalizers = textsAt(app, 'metadata', 'finalizers')
  const mine = finalizers.filter((one) => one.startsWith('resources-finalizer.argocd.argoproj.io'))
  if (mine.length === 0) return
  const left = compare(cluster, app, [])
    .flatMap(({ live }) => live ?? [])
    .filter(
      (one) =>
        one.kind !== 'CustomResourceDefinition' &&
        !(one.kind === 'Application' && one.metadata.name === app.metadata.name) &&
        optionOf(app, one, 'Delete') !== 'false' &&
        one.metadata.annotations?.['helm.sh/resource-policy'] !== 'keep',
    )
  const since = textAt(app, 'metadata', 'deletionTimestamp')
  if (left.some((one) => optionOf(app, one, 'Delete') === 'confirm') && !isApproved(app, since)) return
  for (const one of left) prune(cluster, one)
  const still = store.find('Application', 'argocd', app.metadata.name)
  if (left.length > 0 || !still) return
  const others = finalizers.filter((one) => !mine.includes(one))
  store.update({ ...still, metadata: { ...still.metadata, finalizers: others } })
}
