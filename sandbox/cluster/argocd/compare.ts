import type { Cluster } from '../cluster.ts'
import { Refusal } from '../refusal.ts'
import type { Store } from '../store.ts'
import { type Thing, type Tree, textAt, textsAt, treeAt } from '../tree.ts'
import { type Grade, healthOf } from './health.ts'

/** The field manager under which Argo CD applies. */
export const manager = 'argocd-controller'

const tracking = 'argocd.argoproj.io/tracking-id'

/** One object of an Application: wanted, present or both. */
export interface Part {
  /** Undefined when Git does not have it any more. */
  wanted: Thing | undefined
  live: Thing | undefined
  synced: boolean
  health: Grade | undefined
  wave: number
}

/** The Application whose tracking annotation an object carries for itself. */
export function trackedBy(thing: Thing): string | undefined {
  const [app, ...identity] = (thing.metadata.annotations?.[tracking] ?? '').split(':')
  return identity.join(':') === identityOf(thing) ? app : undefined
}

/** Sets what is wanted against what is there; applying without effect tells whether there is a difference. */
export function compare({ store }: Cluster, app: Thing, objects: readonly Tree[]): Part[] {
  const wanted = objects.map((object) => tracked(store, app, object))
  const parts = wanted.map((one): Part => {
    const kind = store.kinds.ofObject(one.apiVersion, one.kind)
    const live = kind && store.find(kind, one.metadata.namespace, one.metadata.name)
    const health = live ? healthOf(store, live) : 'Missing'
    return {
      wanted: one,
      live,
      health,
      synced: live !== undefined && isApplied(store, one, live),
      wave: waveOf(one),
    }
  })
  const identities = new Set(wanted.map(identityOf))
  for (const { thing } of store.everything())
    if (trackedBy(thing) === app.metadata.name && !identities.has(identityOf(thing)))
      parts.push({
        wanted: undefined,
        live: thing,
        synced: thing.metadata.annotations?.['argocd.argoproj.io/compare-options'] === 'IgnoreExtraneous',
        health: healthOf(store, thing),
        wave: waveOf(thing),
      })
  return parts
}

/** Whether an object carries a sync option, such as `Prune=false`. */
export function hasOption(thing: Thing, option: string): boolean {
  const options = thing.metadata.annotations?.['argocd.argoproj.io/sync-options'] ?? ''
  return options.split(',').some((one) => one.trim() === option)
}

/** The value of a sync option of an object, or of its Application for all. */
export function optionOf(app: Thing, thing: Thing, option: string): string | undefined {
  const own = thing.metadata.annotations?.['argocd.argoproj.io/sync-options']?.split(',') ?? []
  const find = (all: readonly string[]) =>
    all.map((one) => one.trim().split('=')).find(([name]) => name === option)?.[1]
  return find(own) ?? find(textsAt(app, 'spec', 'syncPolicy', 'syncOptions'))
}

function isApplied(store: Store, wanted: Thing, live: Thing): boolean {
  try {
    return store.apply(wanted, { manager, dryRun: true }) === live
  } catch (error) {
    if (error instanceof Refusal) return false
    throw error
  }
}

function tracked(store: Store, app: Thing, object: Tree): Thing {
  const kind = store.kinds.ofObject(textAt(object, 'apiVersion'), textAt(object, 'kind'))
  const { namespace, ...metadata } = treeAt(object, 'metadata')
  const home = namespace ?? textAt(app, 'spec', 'destination', 'namespace')
  const placed = kind && !kind.namespaced ? metadata : { ...metadata, namespace: home }
  const thing = { ...object, metadata: placed } as unknown as Thing
  const annotations = {
    ...thing.metadata.annotations,
    [tracking]: `${app.metadata.name}:${identityOf(thing)}`,
  }
  return { ...thing, metadata: { ...thing.metadata, annotations } }
}

function identityOf({ apiVersion, kind, metadata }: Thing): string {
  const group = apiVersion.includes('/') ? apiVersion.split('/')[0] : ''
  return `${group}/${kind}:${metadata.namespace ?? ''}/${metadata.name}`
}

function waveOf(thing: Thing): number {
  return Number(thing.metadata.annotations?.['argocd.argoproj.io/sync-wave'] ?? 0)
}
