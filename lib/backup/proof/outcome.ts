import { noise } from '../../cluster/backup-rules.ts'
import type { BackedObject } from '../objects.ts'
import { actsByItself, isNeverMade } from '../take/selection.ts'
import type { Live, LiveObject } from './live.ts'
import { rootsOf } from './roots.ts'
import { mayYetBeOpened, sealedOutcome, unsealedOutcome } from './sealed-outcome.ts'

/** What became of an object of a backup. */
export type Outcome = 'back' | 'made anew' | 'from Git' | 'not restored' | 'missing'

/** One object of a backup and what became of it, with the reason where it is not simply back. */
export interface ObjectProof {
  resource: string
  /** `namespace/name`, or the name alone. */
  id: string
  outcome: Outcome
  why?: string
}

/** An Argo CD Application as far as it says what Git brings. */
export interface Bringer {
  /** What it lists, each as `group/Kind namespace/name`. */
  lists: ReadonlySet<string>
  /** It has compared Git with the cluster. */
  looked: boolean
  /** Argo CD syncs it without being asked. */
  automated: boolean
  /** Its state, in Argo CD's words. */
  state: string
}

/** What is looked at to tell what became of a backup's objects. */
export interface Sight {
  live: Live
  /** Applications by name. */
  apps: ReadonlyMap<string, Bringer>
  /** Volumes by their claims' `namespace/name`: why one is not back, or undefined when its bytes are. */
  volumes: ReadonlyMap<string, string | undefined>
  /** Objects whose content was not the backup's before Git changed anything, by key, with the reason. */
  unequal: ReadonlyMap<string, string>
  /** Which machine has the place of an earlier one. */
  nodes: ReadonlyMap<string, string>
  /** What a person let go by an explicit word, by key, with the reason. */
  dropped: ReadonlyMap<string, string>
  /** The backup is a partial one, and was asked for as such. */
  partial: boolean
  /** Beside the original there is no Git: what runs there came from the backup. */
  beside: boolean
}

/** `secrets shop/db`. */
export const keyOf = ({ resource, id }: Pick<BackedObject, 'resource' | 'id'>) => `${resource} ${id}`

/** `apps/Deployment shop/web`, as an Application lists it. */
export const listedAs = ({ apiVersion, kind, id }: Pick<BackedObject, 'apiVersion' | 'kind' | 'id'>) =>
  `${apiVersion.includes('/') ? apiVersion.split('/')[0] : ''}/${kind} ${id}`

/**
 * Decides object by object what became of a backup, by what is seen in the cluster: never by a kind alone, and never by
 * Velero's word. Each object of the backup ends in one of five outcomes.
 */
export function outcomes(backed: readonly BackedObject[], sight: Sight): ObjectProof[] {
  const judge = new Judge(backed, sight)
  const own = new Set(backed.filter((one) => one.ofBackup).map((one) => one.id))
  return backed
    .filter((one) => !one.ofBackup && !(one.resource in noise))
    .filter((one) => one.resource !== 'persistentvolumes' || !own.has(one.claim ?? ''))
    .map((one) => ({ resource: one.resource, id: one.id, ...judge.of(one) }))
    .toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
}

const madeNone = 'has made none'

/** Whether something is missing that a controller may yet make by itself. */
export const mayStillCome = ({ outcome, why = '' }: ObjectProof) =>
  outcome === 'missing' && (why.endsWith(madeNone) || mayYetBeOpened(why))

type Verdict = Pick<ObjectProof, 'outcome' | 'why'>

const back: Verdict = { outcome: 'back' }
const madeAnew = (why: string): Verdict => ({ outcome: 'made anew', why })
const notRestored = (why: string): Verdict => ({ outcome: 'not restored', why })
const missing = (why: string): Verdict => ({ outcome: 'missing', why })

class Judge {
  readonly #sight: Sight
  readonly #byUid: ReadonlyMap<string, BackedObject>
  readonly #byKey: ReadonlyMap<string, BackedObject>
  /** Volumes by the claim that they were for, bound to it or not. */
  readonly #volumeOf: ReadonlyMap<string, string>
  readonly #known = new Map<BackedObject, Verdict>()
  readonly #liveRoots: ReadonlyMap<string, ReadonlySet<string>>

  constructor(backed: readonly BackedObject[], sight: Sight) {
    this.#sight = sight
    this.#byUid = new Map(backed.filter((one) => one.uid !== '').map((one) => [one.uid, one]))
    this.#byKey = new Map(backed.map((one) => [keyOf(one), one]))
    this.#volumeOf = new Map(
      backed.flatMap(({ id, claim, handle }) => (claim && handle ? [[claim, id]] : [])),
    )
    this.#liveRoots = rootsOf(sight.live)
  }

  of(one: BackedObject): Verdict {
    const known = this.#known.get(one)
    if (known) return known
    // An owner that owns itself in the end is nobody's: the first look at it decides.
    this.#known.set(one, missing('it is owned by itself'))
    const verdict = this.#decide(one)
    this.#known.set(one, verdict)
    return verdict
  }

  #decide(one: BackedObject): Verdict {
    const live = this.#live(one)
    const dropped = this.#sight.dropped.get(keyOf(one))
    if (dropped && !live) return notRestored(dropped)
    if (one.resource === 'persistentvolumeclaims') return this.#claim(one, live)
    if (one.resource === 'persistentvolumes') return this.#volume(one, live)
    if (one.resource === 'nodes') return this.#node(one, live)
    if (one.resource === 'endpoints') {
      const service = this.#byKey.get(`services ${one.id}`)
      if (service?.selects) return live ? madeAnew('by its Service') : this.#ownedBy(service, one)
    }
    if (one.type === 'kubernetes.io/service-account-token')
      return live
        ? madeAnew('with a token of this cluster')
        : notRestored('a token of the earlier cluster opens nothing in this one')
    if (one.onDisk)
      return notRestored(
        `what it wrote to ${one.onDisk.join(', ')} on its machine’s own disk is in no backup`,
      )
    if (one.owner) return this.#owned(one, one.owner.kind, live)
    if (one.resource === 'pods' && !live) return notRestored('nothing makes a bare pod again')
    if (one.resource === 'jobs.batch' && !live) return notRestored(this.#runOnce(one))
    if (isNeverMade(one.resource))
      return live ? madeAnew('by this cluster') : notRestored('it belongs to the earlier cluster')
    if (one.clustersOwn && !live) return notRestored('k3s makes what it needs by itself')
    const sealed = sealedOutcome(one, live, {
      inBackup: this.#byKey.has(`secrets ${one.id}`),
      inCluster: this.#sight.live.objects.get('secrets')?.has(one.id) === true,
    })
    return sealed ?? (live ? this.#present(one, live) : this.#absent(one))
  }

  /** Argo CD runs a Job of Git's in every cluster, whatever it did in the last one. */
  #runOnce = ({ app }: BackedObject) =>
    app === undefined || this.#sight.beside
      ? 'a Job is not run a second time'
      : `it is Git’s: Argo CD runs it once more, by Application ${app}`

  #there = ({ resource, id }: BackedObject): LiveObject | undefined =>
    this.#sight.live.objects.get(resource)?.get(id)

  /** What is being deleted is as good as gone, and what stands in a namespace goes with it. */
  #live = (one: BackedObject): LiveObject | undefined => {
    const found = this.#there(one)
    const space = one.id.includes('/') ? one.id.slice(0, one.id.indexOf('/')) : ''
    const leaves = found?.leaving || this.#sight.live.objects.get('namespaces')?.get(space)?.leaving
    return leaves ? undefined : found
  }

  /** A claim is back with its bytes, never by its name alone. */
  #claim(one: BackedObject, live: LiveObject | undefined): Verdict {
    if (this.#sight.volumes.has(one.id)) {
      const why = this.#sight.volumes.get(one.id)
      return why === undefined ? back : missing(why)
    }
    if (one.bound || one.from !== undefined) {
      const why = one.bound
        ? 'its bytes are not in the backup'
        : `its bytes were in VolumeSnapshot ${one.from} alone, which is in no backup`
      return this.#sight.partial ? notRestored(why) : missing(why)
    }
    const volume = this.#volumeOf.get(one.id)
    if (volume)
      return notRestored(
        `it was not bound to volume ${volume} yet when the backup was made, so its bytes are not in the backup`,
      )
    return live
      ? { ...back, why: 'it had no volume when the backup was made, so it had no bytes' }
      : this.#absent(one)
  }

  #volume(one: BackedObject, live: LiveObject | undefined): Verdict {
    const claim = one.claim === undefined ? undefined : this.#byKey.get(`persistentvolumeclaims ${one.claim}`)
    if (claim) {
      const { outcome, why } = this.of(claim)
      return outcome === 'back'
        ? back
        : { outcome, why: `it is the volume of claim ${claim.id}${why ? `: ${why}` : ''}` }
    }
    if (live) return back
    return one.claim === undefined
      ? notRestored('no claim holds it, so no backup has its bytes')
      : missing(`the backup lacks its claim ${one.claim}`)
  }

  #node(one: BackedObject, live: LiveObject | undefined): Verdict {
    if (live) return back
    const successor = this.#sight.nodes.get(one.id)
    return successor
      ? madeAnew(`${successor} has its place`)
      : notRestored('the cluster has fewer machines than it had')
  }

  #owned(one: BackedObject, ownerKind: string, live: LiveObject | undefined): Verdict {
    if (one.resource === 'secrets' && ownerKind === 'SealedSecret') return this.#unsealed(one, live)
    if (live && live.owners.length > 0 && !isData(one.resource)) return madeAnew('by its owner')
    if (live) return this.#present(one, live)
    const root = this.#rootOf(one)
    return root === undefined ? this.#ownerless(one) : this.#ownedBy(root, one)
  }

  /** Its owner is in no backup: somebody else's object, or one that was gone by then. */
  #ownerless(one: BackedObject): Verdict {
    return isNeverMade(one.resource)
      ? notRestored(`its owner, ${one.owner?.kind} ${one.owner?.name}, is not in the backup`)
      : this.#absent(one)
  }

  #ownedBy(root: BackedObject, one: BackedObject): Verdict {
    const name = `${root.kind} ${root.id.split('/').at(-1)}`
    if (this.#liveRoots.get(one.resource)?.has(keyOf(root))) return madeAnew(`by ${name}`)
    if (root.resource === 'jobs.batch') return notRestored('its Job is not run a second time')
    if (root.resource === 'cronjobs.batch')
      return notRestored(`it ran in the earlier cluster; ${name} makes the next`)
    const { outcome } = this.of(root)
    if (outcome === 'not restored' || outcome === 'missing') return { outcome, why: `${name} is not back` }
    const live = this.#live(root)
    if (live?.wantsNone) return notRestored(`${name} wants none now`)
    return missing(`${name} ${madeNone}`)
  }

  #unsealed(one: BackedObject, live: LiveObject | undefined): Verdict {
    const sealed = this.#byUid.get(one.owner?.uid ?? '')
    return unsealedOutcome(one, live, { inBackup: sealed, inCluster: sealed && this.#live(sealed) })
  }

  #present(one: BackedObject, live: LiveObject): Verdict {
    const key = keyOf(one)
    const same = live.digest === one.digest
    const app = one.app === undefined ? undefined : this.#sight.apps.get(one.app)
    if (app?.lists.has(listedAs(one)))
      return same && live.restoredBy !== undefined
        ? back
        : { outcome: 'from Git', why: `by Application ${one.app}` }
    const unequal = this.#sight.unequal.get(key)
    if (unequal !== undefined && !same) return missing(unequal)
    return same || live.restoredBy !== undefined ? back : madeAnew('by this cluster, with its own content')
  }

  #absent(one: BackedObject): Verdict {
    const unlisted = this.#sight.live.unlisted.get(one.resource)
    if (unlisted) return missing(unlisted)
    if (one.app === undefined || this.#sight.beside)
      return missing(this.#there(one) ? 'it is being deleted' : 'it is not there')
    const app = this.#sight.apps.get(one.app)
    if (!app) return missing(`its Application ${one.app} is not there`)
    if (app.lists.has(listedAs(one)))
      return missing(`Git has it, and Argo CD has not made it: ${one.app} ${app.state}`)
    return app.looked
      ? notRestored('Git has it no longer')
      : missing(`Argo CD has not looked at its Application ${one.app} yet`)
  }

  /** What made an object in the end, as far as the backup holds it. */
  #rootOf(one: BackedObject): BackedObject | undefined {
    let root: BackedObject | undefined
    const seen = new Set<BackedObject>()
    for (let at: BackedObject | undefined = one; at?.owner && !seen.has(at); ) {
      seen.add(at)
      at = this.#byUid.get(at.owner.uid)
      root = at ?? root
    }
    return root
  }
}

/** Kinds whose content was compared, so that an owner which touched it since does not make another object of it. */
const isData = (resource: string) => resource === 'secrets' || resource === 'configmaps'

/**
 * What of a backup is never restored, told before anything is bought: the same objects that the proof will name, with the
 * same reasons.
 */
export function foreseen(
  backed: readonly BackedObject[],
  {
    volumes,
    beside,
    partial,
    dropped = new Map(),
  }: {
    volumes: readonly string[]
    beside: boolean
    partial: boolean
    /** What a person let go, by key, with the reason: what hangs on it goes with it. */
    dropped?: ReadonlyMap<string, string>
  },
): ObjectProof[] {
  const nothing: Live = { objects: new Map(), unlisted: new Map() }
  // Every cluster has these.
  const theirs = backed.filter((one) => !one.clustersOwn)
  const judged = outcomes(theirs, {
    live: nothing,
    apps: new Map(),
    volumes: new Map(volumes.map((one) => [one, undefined])),
    unequal: new Map(),
    nodes: new Map(backed.filter((one) => one.resource === 'nodes').map((one) => [one.id, one.id])),
    dropped: new Map([...dropped, ...(beside ? silenced(backed) : [])]),
    partial,
    beside,
  })
  return judged.filter((one) => one.outcome === 'not restored')
}

/** What would act by itself, or beside the original, stays out of a cluster that stands beside it; by key. */
export const silenced = (backed: readonly BackedObject[]): [string, string][] =>
  backed
    .filter((one) => actsByItself(one.resource))
    .map((one) => [keyOf(one), 'it would act beside the original'])
